// SPDX-License-Identifier: Apache-2.0
//
// The device's timings as distances between the first ticks of commands. A tick is the finest step
// at which a command may start: a clock edge, half a CK, from HBM3 on; a CK in HBM2.
//
// Standards count constraints between the last cycles of two commands, so a distance between their
// starts adds the length of the first and subtracts that of the second: an HBM3 read starts
// tRCD + 1.5 CK - 1 CK after its activate.
#ifndef ORRERY_SIM_HARDWARE_HBM_TICK_TIMING_H_
#define ORRERY_SIM_HARDWARE_HBM_TICK_TIMING_H_

#include <cstdint>

#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

using Tick = std::int64_t;

/// Earlier than any distance from it can matter.
inline constexpr Tick kLongAgo = -(Tick{1} << 40);
/// Later than any run reaches.
inline constexpr Tick kNever = Tick{1} << 60;

struct TickTiming {
  explicit TickTiming(const Device& device);

  Tick ticks_per_clock = 1;
  /// How long a command holds its bus.
  Tick activate_length = 0, precharge_length = 0, column_length = 0, refresh_length = 0;
  /// PDE and SRE take a clock; PDX and SRX are as long as a refresh (JESD238, by a translation of
  /// it) and taken to start on rising edges like one.
  Tick entry_length = 0;

  // Of one bank.
  Tick act_act_bank, act_read, act_write, act_pre, pre_act, read_pre, write_pre;
  // Of a bank group, of the pseudo-channel, and between stack ids.
  Tick column_column_group, column_column, read_read_stack;
  Tick read_write, write_read, write_read_group;
  Tick act_act, act_act_group, four_activates, pre_pre;
  // Refresh.
  Tick pre_refresh, act_refresh, refresh_act;
  Tick refresh_bank_act, refresh_bank_other_act, refresh_bank_refresh, refresh_bank_again;
  Tick act_refresh_bank;
  Tick refresh_refresh;
  Tick refresh_interval;
  /// From an RFMpb to its bank's next activate, and to its next refresh or RFM; 0 where the device
  /// has none. To other banks it is a per-bank refresh.
  Tick rfm_bank_act = 0, rfm_bank_again = 0;
  /// The same of an RFMab and the banks of its pseudo-channel.
  Tick rfm_all_act = 0, rfm_all_again = 0;

  // Power-down and self-refresh, of the channel; 0 where the device has none.
  Tick read_pde = 0, write_pde = 0;
  Tick pde_pdx = 0, pdx_pde = 0;
  Tick pdx_column = 0, pdx_act = 0, pdx_pre = 0, pdx_refresh = 0;
  Tick sre_srx = 0;
  Tick srx_act = 0, srx_refresh = 0, srx_pde = 0;

  /// From the read command to the end of its data.
  Tick read_done;

  /// The first tick from `t` on at which commands other than precharges may start.
  [[nodiscard]] Tick rising(Tick t) const { return (t + ticks_per_clock - 1) & -ticks_per_clock; }
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_TICK_TIMING_H_
