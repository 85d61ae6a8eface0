// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/device.h"

#include <array>

#include "sim/hardware/sources.h"

namespace orrery::pim {
namespace {

constexpr std::array<std::string_view, 4> kStyles = {"samsung", "aim", "attacc", "neupims"};
constexpr std::array<std::string_view, 3> kLevels = {"bank", "bank-group", "buffer"};
constexpr std::array<std::string_view, 2> kRefreshKinds = {"none", "all-bank"};

void describe_count(Describer& d, std::string_view key, std::int64_t& value, double most,
                    std::string_view help) {
  d.required().field(key, value, Range::between(1, most), help);
}

void describe_clocks(Describer& d, std::string_view key, std::int64_t& value,
                     std::string_view help) {
  d.required().field(key, value, Range::between(1, 100'000), help);
}

/// A rule that not every device has.
void describe_extra(Describer& d, std::string_view key, std::int64_t& value,
                    std::string_view help) {
  d.field(key, value, Range::between(0, 100'000), help);
}

void describe_row_timing(Describer& d, Timing& t) {
  describe_clocks(d, "rcd_read", t.rcd_read, "Activate to read, clocks.");
  describe_clocks(d, "rcd_write", t.rcd_write, "Activate to write, clocks.");
  describe_clocks(d, "rcd_mac", t.rcd_mac, "Activate to MAC, clocks.");
  describe_extra(d, "rcd_multiply", t.rcd_multiply, "Activate to element-wise product, clocks.");
  describe_extra(d, "rcd_function", t.rcd_function, "Activate to activation function, clocks.");
  describe_extra(d, "rcd_copy_out", t.rcd_copy_out, "Activate to copy into the buffer, clocks.");
  describe_extra(d, "rcd_copy_in", t.rcd_copy_in, "Activate to copy from the buffer, clocks.");
  describe_clocks(d, "rp", t.rp, "Precharge to activate, clocks.");
  describe_clocks(d, "ras", t.ras, "Activate to precharge, clocks.");
  describe_clocks(d, "rc", t.rc, "Activate to activate of a bank, clocks.");
  describe_clocks(d, "wr", t.wr, "End of write data to precharge, clocks.");
  describe_clocks(d, "rtp", t.rtp, "Read or MAC to precharge, clocks.");
  describe_clocks(d, "rrd_s", t.rrd_s, "Activate to activate, other bank group, clocks.");
  describe_clocks(d, "rrd_l", t.rrd_l, "Activate to activate, same bank group, clocks.");
  describe_extra(d, "faw", t.faw, "Window of four activates, clocks; 0: not limited.");
  describe_clocks(d, "rfc", t.rfc, "Refresh to activate, clocks.");
  describe_clocks(d, "refi", t.refi, "Between two refreshes, clocks.");
  describe_extra(d, "first_refresh", t.first_refresh, "The first refresh, clocks; 0: refi.");
}

}  // namespace

void Geometry::describe(Describer& d) {
  describe_count(d, "channels", channels, 1024, "Channels with a controller of their own.");
  d.field("pseudo_channels", pseudo_channels, Range::between(1, 2),
          "Pseudo-channels of a channel.");
  d.field("ranks", ranks, Range::between(1, 4), "Stack ids of a pseudo-channel.");
  describe_count(d, "bank_groups", bank_groups, 8, "Bank groups of a rank.");
  describe_count(d, "banks", banks, 8, "Banks of a bank group.");
  describe_count(d, "rows", rows, 1 << 20, "Rows of a bank.");
  describe_count(d, "columns", columns, 1 << 12, "Accesses of a row.");
  d.required().field("access", access, Range::between(8, 256), "Bytes of a column.");
  if (d.reading() && banks_of_channel() > 64) {
    d.refuse("banks", "make more than 64 banks of a channel");
  }
  describe_sources(d, sources);
}

void Timing::describe(Describer& d) {
  d.required().field("clock", clock, Range::positive(), "One clock of the command bus.");
  describe_clocks(d, "burst", burst, "Clocks that an access holds the data bus.");
  describe_clocks(d, "cl", cl, "Read latency, clocks.");
  describe_clocks(d, "cwl", cwl, "Write latency, clocks.");
  describe_row_timing(d, *this);
  describe_clocks(d, "ccd_s", ccd_s, "Column to column command, other bank group, clocks.");
  describe_clocks(d, "ccd_l", ccd_l, "Column to column command, same bank group, clocks.");
  describe_clocks(d, "ccd_mac", ccd_mac, "MAC to MAC of all banks, clocks.");
  describe_clocks(d, "wtr_s", wtr_s, "End of write data to read, other bank group, clocks.");
  describe_clocks(d, "wtr_l", wtr_l, "End of write data to read, same bank group, clocks.");
  describe_clocks(d, "rtw", rtw, "Read to write command, clocks.");
  d.field("activate_slots", activate_slots, Range::between(1, 4),
          "Clocks that an activate occupies the command bus.");
  describe_extra(d, "mode_change", mode_change, "Register-mode switch to any command, clocks.");
  describe_extra(d, "buffer_cwl", buffer_cwl, "Write latency of buffers and registers, clocks.");
  describe_extra(d, "buffer_cl", buffer_cl, "Read latency of the result registers, clocks.");
  describe_extra(d, "bus_turn", bus_turn, "More when the bus turns from read to write, clocks.");
  describe_extra(d, "buffer_fill", buffer_fill, "Operands of a row to the first MAC, clocks.");
  describe_extra(d, "softmax", softmax, "Softmax to the use of its result, clocks.");
  describe_sources(d, sources);
}

void Compute::describe(Describer& d) {
  d.choice_of("level", level, kLevels, "Where units sit; only the attacc style has the choice.");
  describe_count(d, "blocks", blocks, 64, "Units of a channel that compute.");
  describe_count(d, "registers", registers, 64, "Accumulators of a unit that a pass fills.");
  d.required().field("operand_buffer", operand_buffer, Range::positive(),
                     "Operand buffer of a unit, or of a channel, as the style has it.");
  d.field("element", element, Range::between(1, 4), "Bytes of a number.");
  describe_sources(d, sources);
}

void Control::describe(Describer& d) {
  describe_count(d, "window", window, 1024, "Requests looked at; 1: in order.");
  d.field("enqueue_interval", enqueue_interval, Range::between(0, 1000),
          "Clocks between two requests that enter the window.");
  d.field("separate_buses", separate_buses, "Row and column commands may go in one clock.");
  d.field("close_idle_rows", close_idle_rows, "Rows without a pending hit are closed at once.");
  d.field("rows_ahead", rows_ahead, "Rows may be opened for what waits behind a barrier.");
  d.field("refresh_gives_way", refresh_gives_way,
          "Requests go on while rows are closed one by one for a refresh.");
  d.field("host_turn", host_turn, Range::between(1, 1 << 20),
          "Host requests served between two rows of PIM, where they share the row buffers.");
  d.field(
      "lone_head_repeats_moves", lone_head_repeats_moves,
      "A head of attention without a partner moves softmax results after each piece of scores.");
  describe_sources(d, sources);
}

void Energy::describe(Describer& d) {
  const Range range = Range::not_negative();
  d.required().field("activate_pj", activate_pj, range, "A row of a bank, with precharge, pJ.");
  d.required().field("mac_pj", mac_pj, range, "A column of a bank read and multiplied, pJ.");
  d.field("group_move_pj", group_move_pj, range,
          "A column from a bank to a unit at its bank group, pJ; with level: bank-group.");
  d.required().field("buffer_write_pj", buffer_write_pj, range, "An operand access, pJ.");
  d.required().field("move_pj", move_pj, range, "An access between banks and buffer die, pJ.");
  d.required().field("read_pj", read_pj, range, "A host read, pJ.");
  d.required().field("write_pj", write_pj, range, "A host write, pJ.");
  d.required().field("refresh_row_pj", refresh_row_pj, range, "Refresh of one row, pJ.");
  d.required().field("background_mw", background_mw, range, "Background of a channel, mW.");
  describe_sources(d, sources);
}

void Device::describe(Describer& d) {
  d.required().field("name", name, "The device's name.");
  d.required().choice_of("style", style, kStyles, "Which commands and controller it has.");
  d.required().object_of("geometry", geometry, "Channels, banks, rows and columns.");
  d.required().object_of("timing", timing, "Timing parameters.");
  d.required().object_of("compute", compute, "What computes.");
  d.required().object_of("control", control, "How commands are chosen.");
  d.required().choice_of("refresh", refresh, kRefreshKinds, "How rows are refreshed.");
  d.required().object_of("energy", energy, "Energy of each command.");
  if (d.reading() && style != Style::kAttacc && compute.level != Level::kBank) {
    d.refuse("compute", "has another level than bank, which only the attacc style knows");
  }
  if (d.reading() && compute.level == Level::kBankGroup && energy.group_move_pj <= 0) {
    d.refuse("energy",
             "lacks group_move_pj, without which compute.level: bank-group has no energy");
  }
}

}  // namespace orrery::pim
