// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/statistics.h"

#include <algorithm>

namespace orrery::hbm {

Tick LatencyHistogram::low_end(std::size_t bin) {
  if (bin < (1U << kExactBits)) return static_cast<Tick>(bin);
  const std::size_t shift = (bin >> kOctaveBits) - 1;
  const std::size_t mantissa = bin - (shift << kOctaveBits);
  return static_cast<Tick>(mantissa << shift);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBins; ++i) bins_[i] += other.bins_[i];
}

Tick LatencyHistogram::percentile(double share) const {
  std::int64_t total = 0;
  for (const std::int64_t count : bins_) total += count;
  std::int64_t below = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    below += bins_[i];
    if (bins_[i] > 0 && static_cast<double>(below) >= share * static_cast<double>(total)) {
      return low_end(i);
    }
  }
  return 0;
}

void Statistics::merge(const Statistics& other) {
  for (std::size_t i = 0; i < commands.size(); ++i) commands[i] += other.commands[i];
  reads += other.reads;
  writes += other.writes;
  row_hits += other.row_hits;
  forwarded_reads += other.forwarded_reads;
  merged_writes += other.merged_writes;
  read_latency_sum += other.read_latency_sum;
  end = std::max(end, other.end);
  read_latency.merge(other.read_latency);
}

EnergyUse energy_of(const Statistics& statistics, const Device& device) {
  const auto count = [&statistics](Command c) {
    return static_cast<double>(statistics.commands[index_of(c)]);
  };
  const Energy& energy = device.energy;
  const double rows =
      count(Command::kRefpb) + count(Command::kRfmpb) +
      count(Command::kRefab) * static_cast<double>(device.geometry.banks_of_pseudo_channel());
  const double ticks_per_second = static_cast<double>(device.timing.clock.units_per_second()) *
                                  static_cast<double>(TickTiming(device).ticks_per_clock);
  EnergyUse use;
  use.activate_pj = count(Command::kAct) * energy.activate_pj;
  use.read_pj = (count(Command::kRd) + count(Command::kRda)) * energy.read_pj;
  use.write_pj = (count(Command::kWr) + count(Command::kWra)) * energy.write_pj;
  use.refresh_pj = rows * device.rows_of_refresh() * energy.refresh_row_pj;
  // mW times s is 1e9 pJ.
  use.background_pj = energy.background_mw * static_cast<double>(device.geometry.channels) *
                      static_cast<double>(statistics.end) / ticks_per_second * 1e9;
  return use;
}

}  // namespace orrery::hbm
