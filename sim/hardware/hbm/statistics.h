// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_STATISTICS_H_
#define ORRERY_SIM_HARDWARE_HBM_STATISTICS_H_

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/hardware/hbm/device.h"
#include "sim/hardware/hbm/tick_timing.h"

namespace orrery::hbm {

/// kRda and kWra precharge their bank as soon as it may be.
enum class Command : std::uint8_t {
  kAct,
  kPre,
  kPreab,
  kRd,
  kWr,
  kRefab,
  kRefpb,
  kRda,
  kWra,
  kRfmpb,
  kRfmab,
  kPde,
  kPdx,
  kSre,
  kSrx
};
inline constexpr std::size_t kCommands = 15;
/// The first so many are given to a bank or to all of a pseudo-channel, the rest to the channel.
inline constexpr std::size_t kBankCommands = 11;
inline constexpr std::array<std::string_view, kCommands> kCommandNames = {
    "ACT", "PRE",   "PREab", "RD",  "WR",  "REFab", "REFpb", "RDA",
    "WRA", "RFMpb", "RFMab", "PDE", "PDX", "SRE",   "SRX"};
[[nodiscard]] constexpr std::size_t index_of(Command c) { return static_cast<std::size_t>(c); }

/// What the background of a channel depends on. Active: rows are open; precharge: none is.
enum class PowerState : std::uint8_t {
  kActiveStandby,
  kPrechargeStandby,
  kActivePowerDown,
  kPrechargePowerDown,
  kSelfRefresh
};
inline constexpr std::size_t kPowerStates = 5;
inline constexpr std::array<std::string_view, kPowerStates> kPowerStateNames = {
    "active_standby", "precharge_standby", "active_power_down", "precharge_power_down",
    "self_refresh"};
[[nodiscard]] constexpr std::size_t index_of(PowerState s) { return static_cast<std::size_t>(s); }
/// Time in each state.
using PowerTicks = std::array<Tick, kPowerStates>;

/// Latencies in ticks: exact below 64, then 32 bins an octave, so that a bin is at most 3.2 % wide.
class LatencyHistogram {
 public:
  void add(Tick latency) { ++bins_[bin_of(latency)]; }
  void merge(const LatencyHistogram& other);
  /// The smallest latency (the low end of its bin) that at least `share` of all reached; 0 if none.
  [[nodiscard]] Tick percentile(double share) const;

 private:
  [[nodiscard]] static std::size_t bin_of(Tick latency) {
    const auto value = static_cast<std::uint64_t>(latency);
    if (value < (1U << kExactBits)) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kOctaveBits;
    const std::size_t bin =
        (static_cast<std::size_t>(shift) << kOctaveBits) + static_cast<std::size_t>(value >> shift);
    return bin < kBins ? bin : kBins - 1;
  }
  [[nodiscard]] static Tick low_end(std::size_t bin);
  static constexpr int kExactBits = 6;
  static constexpr int kOctaveBits = 5;
  static constexpr std::size_t kBins = 1024;
  std::array<std::int64_t, kBins> bins_{};
};

/// Of each bank of a channel.
using BankCounts = std::vector<std::array<std::int64_t, kBankCommands>>;

struct Statistics {
  std::array<std::int64_t, kCommands> commands{};
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  /// Requests whose first command was their column command.
  std::int64_t row_hits = 0;
  /// Reads of a queued write's address, and writes to one: they need no command.
  std::int64_t forwarded_reads = 0;
  std::int64_t merged_writes = 0;
  Tick read_latency_sum = 0;
  /// From the first tick to the last completion.
  Tick end = 0;
  /// Of all channels up to `end` of the last; nothing where the controller saves no power.
  PowerTicks power_ticks{};
  LatencyHistogram read_latency;

  void merge(const Statistics& other);
  [[nodiscard]] std::int64_t requests() const { return reads + writes; }
};

/// Counts times the energy of each command, and the background over `end`: that of each power state
/// where the controller saves power, and else of standby with rows open throughout.
struct EnergyUse {
  double activate_pj = 0;
  double read_pj = 0;
  double write_pj = 0;
  double refresh_pj = 0;
  double background_pj = 0;
  /// What of the background is spent in which state; nothing where the controller saves no power.
  std::array<double, kPowerStates> state_pj{};
  [[nodiscard]] double total_pj() const {
    return activate_pj + read_pj + write_pj + refresh_pj + background_pj;
  }
};
[[nodiscard]] EnergyUse energy_of(const Statistics& statistics, const Device& device);

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_STATISTICS_H_
