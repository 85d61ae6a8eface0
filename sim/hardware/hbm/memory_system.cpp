// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_system.h"

#include <bit>

#include "sim/core/errors.h"
#include "sim/hardware/hbm/address_map.h"

namespace orrery::hbm {
namespace {

/// The accesses of each channel, in the trace's order.
struct Feeds {
  std::vector<std::vector<Request>> requests;
  std::vector<std::vector<Tick>> arrivals;
};

/// When the accesses of a trace arrive.
class Arrivals {
 public:
  Arrivals(const MemoryConfig& config, const MemoryTrace& trace, std::optional<double> rate)
      : trace_(trace), ticks_per_clock_(TickTiming(config.device).ticks_per_clock) {
    if (!rate) return;
    const auto ticks_per_second =
        static_cast<double>(config.device.timing.clock.units_per_second()) *
        static_cast<double>(ticks_per_clock_);
    ticks_per_access_ =
        static_cast<double>(config.device.geometry.access.count()) * ticks_per_second / *rate;
  }
  [[nodiscard]] bool any() const { return ticks_per_access_ > 0 || !trace_.arrivals.empty(); }
  [[nodiscard]] Tick of(std::size_t index) const {
    if (ticks_per_access_ > 0) {
      return static_cast<Tick>(static_cast<double>(index) * ticks_per_access_);
    }
    return trace_.arrivals[index] * ticks_per_clock_;
  }

 private:
  const MemoryTrace& trace_;
  Tick ticks_per_clock_;
  double ticks_per_access_ = 0;
};

Feeds split(const MemoryConfig& config, const MemoryTrace& trace, const Arrivals& arrivals) {
  const Geometry& geometry = config.device.geometry;
  const AddressMap map(config.controller.address_map, geometry);
  const int access_bits = std::countr_zero(static_cast<std::uint64_t>(geometry.access.count()));
  const auto channels = static_cast<std::size_t>(geometry.channels);
  Feeds feeds;
  feeds.requests.resize(channels);
  feeds.arrivals.resize(channels);
  for (auto& requests : feeds.requests) requests.reserve(trace.accesses.size() / channels * 9 / 8);
  const bool timed = arrivals.any();
  for (std::size_t i = 0; i < trace.accesses.size(); ++i) {
    const std::uint64_t word = trace.accesses[i];
    const std::uint64_t block = (word & ~MemoryTrace::kWrite) >> access_bits;
    if (block >= map.blocks()) {
      throw TraceError(trace.place(i) + ": the address lies beyond the device's " +
                       human(geometry.channel_capacity() * geometry.channels));
    }
    const AddressMap::Place place = map.place(block);
    feeds.requests[place.channel].push_back(
        Request::make(place.bank, place.row, place.column, (word & MemoryTrace::kWrite) != 0));
    if (timed) feeds.arrivals[place.channel].push_back(arrivals.of(i));
  }
  return feeds;
}

}  // namespace

Statistics serve(const MemoryConfig& config, const MemoryTrace& trace,
                 std::optional<double> bytes_per_second, SystemListener* listener) {
  const Feeds feeds = split(config, trace, Arrivals(config, trace, bytes_per_second));
  Statistics all;
  for (std::size_t c = 0; c < feeds.requests.size(); ++c) {
    if (listener != nullptr) listener->begin_channel(static_cast<std::uint32_t>(c));
    Channel channel(config.device, config.controller, listener);
    channel.serve(feeds.requests[c], feeds.arrivals[c]);
    all.merge(channel.statistics());
  }
  return all;
}

}  // namespace orrery::hbm
