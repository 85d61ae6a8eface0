// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_config.h"

#include <array>
#include <optional>
#include <stdexcept>

#include "sim/hardware/hbm/address_map.h"

namespace orrery::hbm {
namespace {

constexpr std::array<std::string_view, 1> kFeeds = {"per-channel"};

}  // namespace

void MemoryConfig::describe(Describer& d) {
  device.describe(d);
  controller.describe(d);
  std::optional<std::int64_t> channels;
  d.optional_field("channels", channels, Range::between(1, 1024),
                   "How many of the device's channels there are; all of them if absent.");
  if (channels) device.geometry.channels = *channels;
  int feed = 0;
  d.choice("feed", feed, kFeeds, "per-channel: a channel that is full holds up no other.");
  if (!d.reading()) return;
  try {
    static_cast<void>(AddressMap(controller.address_map, device.geometry));
  } catch (const std::invalid_argument& error) {
    d.refuse("address_map", error.what());
  }
}

}  // namespace orrery::hbm
