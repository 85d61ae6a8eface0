// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_config.h"

#include <array>
#include <optional>
#include <stdexcept>

#include "sim/hardware/hbm/address_map.h"

namespace orrery::hbm {
namespace {

constexpr std::array<std::string_view, 2> kFeeds = {"per-channel", "in-order"};
constexpr std::array<std::string_view, 2> kEccs = {"none", "inline"};

/// Whether a refresh falls due before the one before can be over.
bool refreshes_fill_time(const Device& device, Refresh refresh) {
  const Timing& t = device.timing;
  if (refresh == Refresh::kAllBank) return t.refi <= t.rfc_all_bank;
  return refresh == Refresh::kPerBank &&
         t.clocks(t.refi) <= t.rrefd * device.geometry.banks_of_pseudo_channel();
}

}  // namespace

void MemoryConfig::describe(Describer& d) {
  device.describe(d);
  controller.describe(d);
  std::optional<std::int64_t> channels;
  d.optional_field("channels", channels, Range::between(1, 1024),
                   "How many of the device's channels there are; all of them if absent.");
  if (channels) device.geometry.channels = *channels;
  d.choice_of(
      "feed", feed, kFeeds,
      "per-channel: a channel that is full holds up no other; in-order: one front end hands "
      "out the accesses, and its head keeps back all behind it.");
  d.field("in_flight", in_flight, Range::between(0, 1 << 20),
          "Reads that feed in-order has handed out and whose data is not through, at most; 0: no "
          "bound but the queues.");
  d.choice_of("ecc", ecc, kEccs,
              "inline: check bytes lie in the last eighth of the rows and cost accesses.");
  d.field("ecc_buffer", ecc_buffer, Range::between(1, 1024),
          "Of inline ECC: accesses of check bytes that a channel keeps.");
  if (!d.reading()) return;
  if (ecc == Ecc::kInline) {
    if (const char* why = EccLayout::unfit(device.geometry)) d.refuse("ecc", why);
  }
  if (refreshes_fill_time(device, controller.refresh)) {
    d.refuse("timing", "refi is so short that there is time for nothing but refreshes");
  }
  if (controller.rfm != Rfm::kOff && !device.refresh_management) {
    d.refuse("rfm", "needs the device's refresh_management, which this one has none of");
  }
  if (controller.saves_power() && !device.low_power) {
    d.refuse(controller.power_down != PowerDown::kOff ? "power_down" : "self_refresh",
             "needs the device's low_power, which this one has none of");
  }
  if (in_flight > 0 && feed != Feed::kInOrder) {
    d.refuse("in_flight", "bounds the front end that there is with feed: in-order alone");
  }
  try {
    static_cast<void>(AddressMap(controller.address_map, device.geometry));
  } catch (const std::invalid_argument& error) {
    d.refuse("address_map", error.what());
  }
}

}  // namespace orrery::hbm
