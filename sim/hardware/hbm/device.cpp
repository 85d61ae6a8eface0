// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/device.h"

#include <array>

#include "sim/hardware/sources.h"

namespace orrery::hbm {
namespace {

constexpr std::array<std::string_view, 3> kStandards = {"hbm2", "hbm3", "hbm4"};

void describe_power_of_two(Describer& d, std::string_view key, std::int64_t& value, double most,
                           std::string_view help) {
  d.required().field(key, value, Range::between(1, most), help);
  if (d.reading() && (value & (value - 1)) != 0) d.refuse(key, "is not a power of two");
}

void describe_clocks(Describer& d, std::string_view key, std::int64_t& value,
                     std::string_view help) {
  d.required().field(key, value, Range::between(1, 10'000), help);
}

}  // namespace

void Geometry::describe(Describer& d) {
  d.required().field("channels", channels, Range::between(1, 1024), "Channels of the device.");
  describe_power_of_two(d, "pseudo_channels", pseudo_channels, 2, "Pseudo-channels of a channel.");
  describe_power_of_two(d, "stack_ids", stack_ids, 4, "Stack ids of a pseudo-channel.");
  describe_power_of_two(d, "bank_groups", bank_groups, 8, "Bank groups of a stack id.");
  describe_power_of_two(d, "banks", banks, 16, "Banks of a bank group.");
  describe_power_of_two(d, "rows", rows, 1 << 20, "Rows of a bank.");
  describe_power_of_two(d, "columns", columns, 1 << 12, "Accesses of a row.");
  d.required().field("access", access, Range::between(8, 256), "Bytes of one access.");
  if (d.reading()) {
    if ((access.count() & (access.count() - 1)) != 0) d.refuse("access", "is not a power of two");
    if (banks_of_channel() > 256) d.refuse("banks", "make more than 256 banks of a channel");
  }
  describe_sources(d, sources);
}

void Timing::describe(Describer& d) {
  d.required().field("clock", clock, Range::positive(), "Command clock (CK).");
  describe_clocks(d, "burst", burst, "Clocks that an access holds the data bus.");
  describe_clocks(d, "cl", cl, "Read latency, CK.");
  describe_clocks(d, "cwl", cwl, "Write latency, CK.");
  describe_clocks(d, "rcd_read", rcd_read, "Activate to read, CK.");
  describe_clocks(d, "rcd_write", rcd_write, "Activate to write, CK.");
  describe_clocks(d, "rp", rp, "Precharge to activate, CK.");
  describe_clocks(d, "ras", ras, "Activate to precharge, CK.");
  describe_clocks(d, "rc", rc, "Activate to activate of a bank, CK.");
  describe_clocks(d, "wr", wr, "End of write data to precharge, CK.");
  describe_clocks(d, "rtp", rtp, "Read to precharge, CK.");
  describe_clocks(d, "ccd_s", ccd_s, "Column to column command, other bank group, CK.");
  describe_clocks(d, "ccd_l", ccd_l, "Column to column command, same bank group, CK.");
  d.field("ccd_r", ccd_r, Range::between(0, 100),
          "Read to read of another stack id, CK; 0: there are none.");
  describe_clocks(d, "rrd_s", rrd_s, "Activate to activate, other bank group, CK.");
  describe_clocks(d, "rrd_l", rrd_l, "Activate to activate, same bank group, CK.");
  describe_clocks(d, "faw", faw, "Window of four activates, CK.");
  describe_clocks(d, "wtr_s", wtr_s, "End of write data to read, other bank group, CK.");
  describe_clocks(d, "wtr_l", wtr_l, "End of write data to read, same bank group, CK.");
  describe_clocks(d, "rtw", rtw, "Read to write command, CK.");
  d.field("ppd", ppd, Range::between(0, 100), "Precharge to precharge, CK; 0: not limited.");
  describe_clocks(d, "rrefd", rrefd, "Per-bank refresh to the next or to an activate, CK.");
  const Range positive = Range::positive();
  d.required().field("rfc_all_bank", rfc_all_bank, positive, "Time of an all-bank refresh.");
  d.required().field("rfc_per_bank", rfc_per_bank, positive, "Time of a per-bank refresh.");
  d.required().field("refi", refi, positive, "Average time between refreshes.");
  describe_sources(d, sources);
}

void RefreshManagement::describe(Describer& d) {
  constexpr std::array<std::string_view, 2> kLowers = {"whole", "half"};
  d.required().field("rfm_per_bank", rfm_per_bank, Range::positive(), "Time of an RFMpb.");
  d.required().field("rfm_all_bank", rfm_all_bank, Range::positive(), "Time of an RFMab.");
  d.required().field("raaimt", raaimt, Range::between(2, 1024),
                     "Activates of a bank after which it is to be given an RFM.");
  d.required().field("raammt", raammt, Range::between(1, 12),
                     "Times raaimt: activates after which it must be given one first.");
  d.choice_of("refresh_lowers", refresh_lowers, kLowers,
              "Of raaimt: what a refresh takes off the count.");
  describe_sources(d, sources);
}

void LowPower::describe(Describer& d) {
  describe_clocks(d, "cke", cke, "Stay in power-down (tPD), and out of it (tCKE), CK.");
  describe_clocks(d, "xp", xp, "Power-down exit to command, CK.");
  describe_clocks(d, "ckesr", ckesr, "Stay in self-refresh, CK.");
  d.required().field("xs", xs, Range::positive(), "Self-refresh exit to command.");
  const Range range = Range::not_negative();
  d.required().field("precharge_standby_mw", precharge_standby_mw, range,
                     "Background of a channel in standby with all rows closed, mW.");
  d.required().field("active_power_down_mw", active_power_down_mw, range,
                     "Background of a channel in power-down with rows open, mW.");
  d.required().field("precharge_power_down_mw", precharge_power_down_mw, range,
                     "Background of a channel in power-down with all rows closed, mW.");
  d.required().field("self_refresh_mw", self_refresh_mw, range,
                     "Background of a channel in self-refresh, its own refreshes in it, mW.");
  describe_sources(d, sources);
}

void Energy::describe(Describer& d) {
  const Range range = Range::not_negative();
  d.required().field("activate_pj", activate_pj, range, "Activate and its precharge, pJ.");
  d.required().field("read_pj", read_pj, range, "One read access, pJ.");
  d.required().field("write_pj", write_pj, range, "One write access, pJ.");
  d.required().field("refresh_row_pj", refresh_row_pj, range, "Refresh of one row, pJ.");
  d.required().field("background_mw", background_mw, range,
                     "Background of a channel in standby with rows open, mW.");
  describe_sources(d, sources);
}

void Device::describe(Describer& d) {
  d.required().field("name", name, "The device's name.");
  d.required().choice_of("standard", standard, kStandards, "Protocol of the device.");
  d.required().object_of("geometry", geometry, "Channels, banks, rows and columns.");
  d.required().object_of("timing", timing, "Timing parameters.");
  d.required().object_of("energy", energy, "Energy of each command.");
  d.optional_object("refresh_management", refresh_management,
                    "Times and thresholds of RFM commands, where the device has them.");
  d.optional_object("low_power", low_power, "Times and power of power-down and self-refresh.");
}

std::int64_t Timing::clocks(Duration d) const {
  const auto product =
      static_cast<UInt128>(d.count()) * static_cast<UInt128>(clock.units_per_second());
  constexpr UInt128 kPicoseconds = 1'000'000'000'000U;
  return static_cast<std::int64_t>((product + kPicoseconds - 1) / kPicoseconds);
}

double Device::peak_bytes_per_second() const {
  const auto per_burst =
      static_cast<double>(geometry.access.count() * geometry.pseudo_channels * geometry.channels);
  return per_burst / static_cast<double>(timing.burst) *
         static_cast<double>(timing.clock.units_per_second());
}

}  // namespace orrery::hbm
