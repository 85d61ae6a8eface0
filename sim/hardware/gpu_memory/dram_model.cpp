// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/dram_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/hash.h"
#include "sim/core/random.h"
#include "sim/hardware/hbm/channel.h"

namespace orrery::gpu_memory {
namespace {

using hbm::Tick;

/// Of one stream, times the number of channels: a whole number of periods of the maps, which turn
/// channels every few accesses, and of strides of powers of two.
constexpr std::uint64_t kCountedPerChannel = 4096;
/// Where a hash turns channels there is no period: the heaviest of 96 channels is then above the
/// mean by 2.5 standard deviations of the count, of 65536 accesses 1 %.
constexpr std::uint64_t kCountedOfHash = 65'536;
/// Channels that a pass serves, accesses of each, and refresh intervals that it drops.
constexpr std::size_t kChannels = 3;
constexpr std::size_t kAccesses = 18'000;
constexpr std::size_t kWarmUp = 1;
/// Passes that count: at least, and at most.
constexpr std::int64_t kFewest = 3;
constexpr std::int64_t kMost = 48;

/// Student's t, two-sided 95 %, for so many figures (from 2 on).
double quantile(std::int64_t figures) {
  constexpr std::array<double, 11> kQuantiles = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45,
                                                 2.36,  2.31, 2.26, 2.23, 2.20};
  const auto index = static_cast<std::size_t>(figures - 2);
  return index < kQuantiles.size() ? kQuantiles[index] : 2.18;
}

/// When column commands issued.
class Columns final : public hbm::CommandListener {
 public:
  void on_command(Tick at, hbm::Command command, std::uint32_t, std::uint32_t,
                  std::uint32_t) override {
    if (command == hbm::Command::kRd || command == hbm::Command::kWr) at_.push_back(at);
  }
  [[nodiscard]] const std::vector<Tick>& at() const { return at_; }

 private:
  std::vector<Tick> at_;
};

struct Mean {
  std::int64_t count = 0;
  double sum = 0;
  double squares = 0;

  void add(double x) {
    ++count;
    sum += x;
    squares += x * x;
  }
  [[nodiscard]] double value() const { return sum / static_cast<double>(count); }
  /// Half of its 95 % interval, as a share of it.
  [[nodiscard]] double half_width() const {
    const auto n = static_cast<double>(count);
    const double variance = std::max(0.0, (squares - sum * sum / n) / (n - 1));
    return quantile(count) * std::sqrt(variance / n) / value();
  }
};

/// One channel's accesses, and what serving them gave.
class ChannelRun {
 public:
  /// `owed`: the share of refreshes owed, before and after.
  ChannelRun(const hbm::MemoryConfig& config, std::vector<hbm::Request> requests, Tick phase,
             double& owed)
      : config_(config), requests_(std::move(requests)) {
    hbm::Channel channel(config.device, config.controller, &columns_);
    channel.begin_late(owed, phase);
    channel.submit_each(requests_, {});
    owed = channel.owed_refreshes();
    channel.finish();
    row_hits_ = channel.statistics().row_hits;
  }

  /// Accesses of each whole refresh interval in which it was neither warming up nor running dry.
  void add_intervals(Tick interval, std::size_t dropped, Mean& mean) const {
    const std::vector<Tick>& at = columns_.at();
    const auto queued =
        static_cast<std::size_t>(config_.controller.read_queue + config_.controller.write_queue);
    if (at.size() <= queued) return;
    const Tick full_until = at[at.size() - queued - 1];
    const auto whole = static_cast<std::size_t>(full_until / interval);
    auto from = at.begin();
    for (std::size_t i = 0; i < whole; ++i) {
      const auto to = std::lower_bound(from, at.end(), static_cast<Tick>(i + 1) * interval);
      if (i >= dropped) mean.add(static_cast<double>(to - from));
      from = to;
    }
  }
  [[nodiscard]] std::int64_t row_hits() const { return row_hits_; }
  [[nodiscard]] std::int64_t accesses() const {
    return static_cast<std::int64_t>(requests_.size());
  }
  /// Of all accesses at the pace between the first `warm_up` ticks and the last queueful.
  [[nodiscard]] double ticks(Tick warm_up) const {
    const std::vector<Tick>& at = columns_.at();
    const auto queued =
        static_cast<std::size_t>(config_.controller.read_queue + config_.controller.write_queue);
    const auto first = std::lower_bound(at.begin(), at.end(), warm_up);
    ORRERY_CHECK(static_cast<std::size_t>(at.end() - first) > 2 * queued);
    const auto last = at.end() - static_cast<std::ptrdiff_t>(queued);
    return static_cast<double>(*last - *first) / static_cast<double>(last - first) *
           static_cast<double>(requests_.size());
  }

 private:
  const hbm::MemoryConfig& config_;
  std::vector<hbm::Request> requests_;
  Columns columns_;
  std::int64_t row_hits_ = 0;
};

Accesses accesses_of(const GpuMap& map, const hbm::Geometry& geometry) {
  return {map.blocks(), geometry.access.count()};
}

hbm::Request request_at(const GpuMap& map, std::uint64_t access, bool write) {
  const hbm::AddressMap::Place place = map.place(access);
  return hbm::Request::make(place.bank, place.row, place.column, write);
}

double ticks_per_second(const hbm::Device& device) {
  return static_cast<double>(device.timing.clock.units_per_second()) *
         static_cast<double>(hbm::TickTiming(device).ticks_per_clock);
}

/// Up to kChannels different ones of those that are as loaded as the heaviest.
std::vector<std::uint32_t> some_of_the_heaviest(const std::vector<double>& loads,
                                                RandomStream& random) {
  const double least = *std::max_element(loads.begin(), loads.end()) * 0.999;
  std::vector<std::uint32_t> heavy;
  for (std::uint32_t c = 0; c < loads.size(); ++c) {
    if (loads[c] >= least) heavy.push_back(c);
  }
  const std::size_t wanted = std::min(kChannels, heavy.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(heavy[i], heavy[i + random.below(heavy.size() - i)]);
  }
  heavy.resize(wanted);
  return heavy;
}

/// The next kAccesses accesses of each of some channels, in their order.
std::vector<std::vector<hbm::Request>> accesses_for(const std::vector<std::uint32_t>& channels,
                                                    const GpuMap& map, std::size_t all_channels,
                                                    AccessStream& stream) {
  constexpr std::uint8_t kNone = 255;
  std::vector<std::uint8_t> slot(all_channels, kNone);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    slot[channels[i]] = static_cast<std::uint8_t>(i);
  }
  std::vector<std::vector<hbm::Request>> requests(channels.size());
  const auto collect = [&](std::uint64_t access, bool write) {
    const std::uint8_t s = slot[map.channel(access)];
    if (s != kNone) requests[s].push_back(request_at(map, access, write));
  };
  const auto fewest = [&requests] {
    std::size_t least = SIZE_MAX;
    for (const auto& own : requests) least = std::min(least, own.size());
    return least;
  };
  while (fewest() < kAccesses) stream.step(collect);
  return requests;
}

}  // namespace

std::vector<double> channel_loads(const Pattern& pattern, const GpuMap& map,
                                  const hbm::Geometry& geometry) {
  const auto channels = static_cast<std::uint64_t>(geometry.channels);
  std::vector<double> loads(channels);
  for (const Stream& stream : pattern.streams) {
    // All but strides visit each access of their region as often as any other.
    const auto access = static_cast<std::uint64_t>(geometry.access.count());
    const auto granule = (static_cast<std::uint64_t>(stream.granule) + access - 1) / access;
    const bool strided = stream.kind == StreamKind::kStrided;
    const std::uint64_t width = strided ? granule : 1;
    const std::uint64_t stride = strided ? static_cast<std::uint64_t>(stream.stride) / access : 1;
    const std::uint64_t region =
        stream.span == 0 ? map.blocks() : static_cast<std::uint64_t>(stream.span) / access;
    const std::uint64_t visits =
        std::min(region / stride,
                 channels * (strided && map.hashed() ? kCountedOfHash : kCountedPerChannel));
    const double each = static_cast<double>(stream.share) / static_cast<double>(visits * width);
    for (std::uint64_t v = 0; v < visits; ++v) {
      for (std::uint64_t i = 0; i < width; ++i) loads[map.channel(v * stride + i)] += each;
    }
  }
  return loads;
}

DramModel::DramModel(hbm::MemoryConfig config) : config_(std::move(config)) {}

std::int64_t DramModel::memory_bytes() const {
  return (config_.device.geometry.channel_capacity() * config_.device.geometry.channels).count();
}

DramRate DramModel::sample(const Pattern& pattern, std::string_view map_text, std::uint64_t seed,
                           double wanted) const {
  const hbm::Device& device = config_.device;
  const GpuMap map(map_text, device.geometry);
  const std::vector<double> loads = channel_loads(pattern, map, device.geometry);
  double total = 0;
  for (const double load : loads) total += load;
  DramRate rate;
  rate.heaviest =
      *std::max_element(loads.begin(), loads.end()) / total * static_cast<double>(loads.size());
  const Tick interval = hbm::TickTiming(device).refresh_interval;
  Mean mean;
  std::int64_t row_hits = 0;
  double owed = 0.5;
  for (std::int64_t pass = 0; pass <= kMost; ++pass) {
    RandomStream random(mix(seed, static_cast<std::uint64_t>(pass)), "gpu_memory", "pass");
    const std::vector<std::uint32_t> channels = some_of_the_heaviest(loads, random);
    AccessStream stream(pattern, accesses_of(map, device.geometry), random.bits());
    Mean intervals;
    for (auto& requests : accesses_for(channels, map, loads.size(), stream)) {
      const auto phase = static_cast<Tick>(random.below(static_cast<std::uint64_t>(interval)));
      const ChannelRun run(config_, std::move(requests), phase, owed);
      run.add_intervals(interval, kWarmUp, intervals);
      row_hits += run.row_hits();
      rate.accesses += run.accesses();
    }
    if (pass == 0) continue;
    mean.add(intervals.value());
    if (mean.count >= kFewest && mean.half_width() <= wanted) break;
  }
  ORRERY_CHECK(mean.count > 1);
  const double per_second = mean.value() / static_cast<double>(interval) * ticks_per_second(device);
  rate.bytes_per_second = per_second * static_cast<double>(device.geometry.access.count()) *
                          static_cast<double>(loads.size()) / rate.heaviest;
  rate.half_width = mean.half_width();
  rate.row_hit_rate = static_cast<double>(row_hits) / static_cast<double>(rate.accesses);
  return rate;
}

DramRate DramModel::in_full(const Pattern& pattern, std::string_view map_text, std::uint64_t seed,
                            const Length& length) const {
  const hbm::Device& device = config_.device;
  const GpuMap map(map_text, device.geometry);
  const auto channels = static_cast<std::size_t>(device.geometry.channels);
  const Tick warm_up = static_cast<Tick>(kWarmUp) * hbm::TickTiming(device).refresh_interval;
  std::vector<double> ticks(channels);
  std::vector<std::int64_t> loads(channels);
  std::vector<double> owed(channels, 0.5);
  DramRate rate;
  std::int64_t row_hits = 0;
  for (std::int64_t place = 0; place < length.places; ++place) {
    std::vector<std::vector<hbm::Request>> requests(channels);
    std::int64_t left = length.accesses * device.geometry.channels;
    AccessStream stream(pattern, accesses_of(map, device.geometry),
                        mix(seed, static_cast<std::uint64_t>(place)));
    while (left > 0) {
      stream.step([&](std::uint64_t access, bool write) {
        requests[map.channel(access)].push_back(request_at(map, access, write));
        --left;
      });
    }
    for (std::size_t c = 0; c < channels; ++c) {
      if (requests[c].empty()) continue;
      const ChannelRun run(config_, std::move(requests[c]), 0, owed[c]);
      ticks[c] += run.ticks(warm_up);
      loads[c] += run.accesses();
      row_hits += run.row_hits();
      rate.accesses += run.accesses();
    }
  }
  const double longest = *std::max_element(ticks.begin(), ticks.end());
  const auto most = static_cast<double>(*std::max_element(loads.begin(), loads.end()));
  const auto all = static_cast<double>(rate.accesses);
  rate.bytes_per_second = all * static_cast<double>(device.geometry.access.count()) /
                          (longest / ticks_per_second(device));
  rate.heaviest = most * static_cast<double>(channels) / all;
  rate.row_hit_rate = static_cast<double>(row_hits) / all;
  return rate;
}

}  // namespace orrery::gpu_memory
