// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/tick_timing.h"

namespace orrery::hbm {

TickTiming::TickTiming(const Device& device) {
  const Timing& t = device.timing;
  const bool both_edges = device.standard != Standard::kHbm2;
  ticks_per_clock = both_edges ? 2 : 1;
  activate_length = both_edges ? 3 : 2;  // 1.5 CK; 2 CK in HBM2
  precharge_length = 1;
  refresh_length = 1;
  column_length = ticks_per_clock;
  entry_length = ticks_per_clock;
  const auto distance = [this](std::int64_t clocks, Tick first, Tick second) {
    return clocks * ticks_per_clock + first - second;
  };
  const Tick act = activate_length;
  const Tick pre = precharge_length;
  const Tick column = column_length;
  const Tick refresh = refresh_length;

  act_act_bank = distance(t.rc, act, act);
  act_read = distance(t.rcd_read, act, column);
  act_write = distance(t.rcd_write, act, column);
  act_pre = distance(t.ras, act, pre);
  pre_act = distance(t.rp, pre, act);
  read_pre = distance(t.rtp, column, pre);
  write_pre = distance(t.cwl + t.burst + t.wr, column, pre);

  column_column_group = distance(t.ccd_l, column, column);
  column_column = distance(t.ccd_s, column, column);
  read_read_stack = distance(t.ccd_r, column, column);
  read_write = distance(t.rtw, column, column);
  write_read = distance(t.cwl + t.burst + t.wtr_s, column, column);
  write_read_group = distance(t.cwl + t.burst + t.wtr_l, column, column);
  act_act = distance(t.rrd_s, act, act);
  act_act_group = distance(t.rrd_l, act, act);
  four_activates = distance(t.faw, act, act);
  pre_pre = distance(t.ppd, pre, pre);

  pre_refresh = distance(t.rp, pre, refresh);
  act_refresh = distance(t.rc, act, refresh);
  refresh_act = distance(t.clocks(t.rfc_all_bank), refresh, act);
  refresh_refresh = distance(t.clocks(t.rfc_all_bank), refresh, refresh);
  refresh_bank_act = distance(t.clocks(t.rfc_per_bank), refresh, act);
  refresh_bank_other_act = distance(t.rrefd, refresh, act);
  refresh_bank_refresh = distance(t.rrefd, refresh, refresh);
  refresh_bank_again = distance(t.clocks(t.rfc_per_bank), refresh, refresh);
  act_refresh_bank = distance(t.rrd_s, act, refresh);
  refresh_interval = distance(t.clocks(t.refi), 0, 0);
  if (device.refresh_management) {
    const std::int64_t clocks = t.clocks(device.refresh_management->rfm_per_bank);
    rfm_bank_act = distance(clocks, refresh, act);
    rfm_bank_again = distance(clocks, refresh, refresh);
    const std::int64_t all = t.clocks(device.refresh_management->rfm_all_bank);
    rfm_all_act = distance(all, refresh, act);
    rfm_all_again = distance(all, refresh, refresh);
  }
  if (device.low_power) {
    const LowPower& low = *device.low_power;
    const Tick entry = entry_length;
    const Tick exit = refresh_length;
    // The data of reads is through, and that of writes in its row (DRAMSys, CheckerHBM2.cpp:
    // tRDPDE, tWRPDE).
    read_pde = distance(t.cl + t.burst + 1, column, entry);
    write_pde = distance(t.cwl + t.burst + t.wr + 1, column, entry);
    pde_pdx = distance(low.cke, entry, exit);
    pdx_pde = distance(low.cke, exit, entry);
    pdx_column = distance(low.xp, exit, column);
    pdx_act = distance(low.xp, exit, act);
    pdx_pre = distance(low.xp, exit, pre);
    pdx_refresh = distance(low.xp, exit, refresh);
    sre_srx = distance(low.ckesr, entry, exit);
    srx_act = distance(t.clocks(low.xs), exit, act);
    srx_refresh = distance(t.clocks(low.xs), exit, refresh);
    srx_pde = distance(t.clocks(low.xs), exit, entry);
  }

  read_done = distance(t.cl + t.burst, 0, 0);
}

}  // namespace orrery::hbm
