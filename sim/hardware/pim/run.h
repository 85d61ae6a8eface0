// SPDX-License-Identifier: Apache-2.0
//
// A device serves a plan: all channels start together, and the slowest one's end is the device's.
#ifndef ORRERY_SIM_HARDWARE_PIM_RUN_H_
#define ORRERY_SIM_HARDWARE_PIM_RUN_H_

#include <array>
#include <cstdint>
#include <functional>

#include "sim/hardware/pim/critical_path.h"

namespace orrery::pim {

/// Counts of a whole run, over all channels.
struct Counts {
  std::array<std::int64_t, kKinds> commands{};
  std::int64_t activated_rows = 0;  ///< A command that opens many counts each.
  std::int64_t mac_columns = 0;     ///< Columns of banks that were multiplied.
  std::int64_t operand_accesses = 0;
  std::int64_t moved_accesses = 0;
  std::int64_t reads = 0;   ///< Accesses that reach the host.
  std::int64_t writes = 0;  ///< Accesses from the host to banks.
  std::int64_t refreshed_banks = 0;
};

struct EnergyUse {
  double activate_pj = 0, mac_pj = 0, operand_pj = 0, move_pj = 0;
  double read_pj = 0, write_pj = 0, refresh_pj = 0, background_pj = 0;
  [[nodiscard]] double total_pj() const {
    return activate_pj + mac_pj + operand_pj + move_pj + read_pj + write_pj + refresh_pj +
           background_pj;
  }
};

struct Report {
  /// Of the plan; host requests may end later.
  std::int64_t cycles = 0;
  CriticalPath path;  ///< Of the slowest channel.
  Counts counts;
  EnergyUse energy;
  /// Mean clocks from a host request's arrival to the end of its data; 0 without such requests.
  double host_latency = 0;
};

/// Sees the commands of one channel of each kind of channel, with how many there are of it.
using CommandSink = std::function<void(std::int64_t channels, const ChannelRun&)>;

/// Each channel also serves `host`, the same requests in each.
[[nodiscard]] Report run_plan(const Device& device, const Plan& plan, const Program& host = {},
                              const CommandSink& sink = {});

[[nodiscard]] EnergyUse energy_of(const Device& device, const Counts& counts, std::int64_t cycles);

/// Bytes of bank columns that a run read for MACs, over its time.
[[nodiscard]] double internal_bytes_per_second(const Device& device, const Report& report);

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_RUN_H_
