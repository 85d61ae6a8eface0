// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/statistics.h"

#include <algorithm>

#include "sim/core/check.h"

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
  for (std::size_t i = 0; i < power_ticks.size(); ++i) power_ticks[i] += other.power_ticks[i];
  read_latency.merge(other.read_latency);
}

EnergyUse energy_of(const Statistics& statistics, const Device& device) {
  const auto count = [&statistics](Command c) {
    return static_cast<double>(statistics.commands[index_of(c)]);
  };
  const Energy& energy = device.energy;
  const double rows = count(Command::kRefpb) + count(Command::kRfmpb) +
                      (count(Command::kRefab) + count(Command::kRfmab)) *
                          static_cast<double>(device.geometry.banks_of_pseudo_channel());
  const double ticks_per_second = static_cast<double>(device.timing.clock.units_per_second()) *
                                  static_cast<double>(TickTiming(device).ticks_per_clock);
  EnergyUse use;
  use.activate_pj = count(Command::kAct) * energy.activate_pj;
  use.read_pj = (count(Command::kRd) + count(Command::kRda)) * energy.read_pj;
  use.write_pj = (count(Command::kWr) + count(Command::kWra)) * energy.write_pj;
  use.refresh_pj = rows * device.rows_of_refresh() * energy.refresh_row_pj;
  // mW times s is 1e9 pJ.
  const auto pj = [&](double mw, Tick ticks) {
    return mw * static_cast<double>(ticks) / ticks_per_second * 1e9;
  };
  if (statistics.power_ticks == PowerTicks{}) {
    use.background_pj = pj(energy.background_mw, device.geometry.channels * statistics.end);
    return use;
  }
  ORRERY_CHECK(device.low_power.has_value());
  const LowPower& low = *device.low_power;
  const std::array<double, kPowerStates> mw = {energy.background_mw, low.precharge_standby_mw,
                                               low.active_power_down_mw,
                                               low.precharge_power_down_mw, low.self_refresh_mw};
  for (std::size_t s = 0; s < kPowerStates; ++s) {
    use.state_pj[s] = pj(mw[s], statistics.power_ticks[s]);
    use.background_pj += use.state_pj[s];
  }
  return use;
}

}  // namespace orrery::hbm
