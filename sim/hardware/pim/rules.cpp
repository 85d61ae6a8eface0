// SPDX-License-Identifier: Apache-2.0
//
// Sources: JEDEC's bank, group and rank rules for reads, writes, activates and refresh; and for
// the PIM commands the public simulators whose parameters the device files carry (the names
// behind the Kinds are those of each simulator):
//   AttAcc   scale-snu/attacc_simulator, pim_ramulator_src/HBM3-PIM.cpp: ACTAB, MACAB, WRGB, ...
//   AiM      arkhadem/aim_simulator, src/dram/impl/GDDR6.cpp: ACT16, MAC16, WRGB, RDMAC16, TMOD
//   NeuPIMs  casys-kaist/NeuPIMs, extern/NewtonSim/src/timing.cc: G_ACT, COMP, GWRITE, READRES
//   Samsung  SAITPublic/PIMSimulator, src/MemoryController.cpp: plain commands in lock step
#include "sim/hardware/pim/rules.h"

#include <initializer_list>

namespace orrery::pim {
namespace {

using Kinds = std::initializer_list<Kind>;

class Table {
 public:
  void add(Kinds before, Kinds after, Scope scope, std::int64_t clocks, std::string_view name,
           int window = 1) {
    if (clocks <= 0) return;
    for (const Kind b : before) {
      for (const Kind a : after) rules_.push_back({b, a, scope, clocks, window, name});
    }
  }
  [[nodiscard]] std::vector<Rule> take() { return std::move(rules_); }

 private:
  std::vector<Rule> rules_;
};

constexpr Kind kAct = Kind::kActivate, kPre = Kind::kPrecharge, kRd = Kind::kRead,
               kWr = Kind::kWrite, kRef = Kind::kRefresh, kActAll = Kind::kActivateAll,
               kPreAll = Kind::kPrechargeAll, kAct4 = Kind::kActivateFour,
               kActSome = Kind::kActivateSome, kPrePim = Kind::kPrechargePim, kMac = Kind::kMac,
               kMacBank = Kind::kMacBank, kFill = Kind::kBufferWrite, kBias = Kind::kBiasWrite,
               kMove = Kind::kBufferMove, kResult = Kind::kResultMove, kSoftmax = Kind::kSoftmax,
               kMode = Kind::kModeSwitch;

/// Plain memory, which each style is besides.
void add_memory(Table& table, const Timing& t) {
  const Kinds acts = {kAct, kActSome};
  table.add(acts, {kRd}, Scope::kBank, t.rcd_read, "rcd_read");
  table.add(acts, {kWr}, Scope::kBank, t.rcd_write, "rcd_write");
  table.add(acts, {kPre}, Scope::kBank, t.ras, "ras");
  table.add(acts, {kPreAll}, Scope::kChannel, t.ras, "ras");
  table.add(acts, acts, Scope::kBank, t.rc, "rc");
  table.add({kAct}, {kAct}, Scope::kGroup, t.rrd_l, "rrd_l");
  table.add({kAct}, {kAct}, Scope::kRank, t.rrd_s, "rrd_s");
  table.add({kAct}, {kAct}, Scope::kRank, t.faw, "faw", 4);
  table.add({kPre}, acts, Scope::kBank, t.rp, "rp");
  table.add({kPreAll}, acts, Scope::kChannel, t.rp, "rp");
  table.add({kPre, kPreAll}, {kRef}, Scope::kChannel, t.rp, "rp");
  table.add({kRef}, {kAct, kActSome, kRef}, Scope::kChannel, t.rfc, "rfc");
  const std::int64_t written = t.cwl + t.burst;
  table.add({kRd}, {kPre}, Scope::kBank, t.rtp, "rtp");
  table.add({kRd}, {kPreAll}, Scope::kChannel, t.rtp, "rtp");
  table.add({kWr}, {kPre}, Scope::kBank, written + t.wr, "cwl + burst + wr");
  table.add({kWr}, {kPreAll}, Scope::kChannel, written + t.wr, "cwl + burst + wr");
  for (const Kind access : {kRd, kWr}) {
    table.add({access}, {access}, Scope::kGroup, t.ccd_l, "ccd_l");
    table.add({access}, {access}, Scope::kRank, t.ccd_s, "ccd_s");
    table.add({access}, {access}, Scope::kPseudo, t.burst, "burst");
  }
  table.add({kRd}, {kWr}, Scope::kPseudo, t.rtw, "rtw");
  table.add({kWr}, {kRd}, Scope::kGroup, written + t.wtr_l, "cwl + burst + wtr_l");
  table.add({kWr}, {kRd}, Scope::kPseudo, written + t.wtr_s, "cwl + burst + wtr_s");
}

/// Rows of all banks at once, and MACs on them, beside plain commands to the same banks.
void add_all_banks(Table& table, const Timing& t) {
  table.add({kActAll}, {kMac}, Scope::kChannel, t.rcd_mac, "rcd_mac");
  table.add({kAct, kActSome}, {kMac}, Scope::kChannel, t.rcd_mac, "rcd_mac");
  table.add({kActAll}, {kRd}, Scope::kChannel, t.rcd_read, "rcd_read");
  table.add({kActAll}, {kWr}, Scope::kChannel, t.rcd_write, "rcd_write");
  table.add({kActAll}, {kPre, kPreAll}, Scope::kChannel, t.ras, "ras");
  table.add({kActAll}, {kActAll, kAct, kActSome}, Scope::kChannel, t.rc, "rc");
  table.add({kAct, kActSome}, {kActAll}, Scope::kChannel, t.rc, "rc");
  table.add({kMac}, {kPre, kPreAll}, Scope::kChannel, t.rtp, "rtp");
  table.add({kPre, kPreAll}, {kActAll}, Scope::kChannel, t.rp, "rp");
  table.add({kRef}, {kActAll}, Scope::kChannel, t.rfc, "rfc");
  table.add({kMac}, {kMac}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  table.add({kMac}, {kRd, kWr}, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add({kRd}, {kMac}, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add({kWr}, {kMac}, Scope::kChannel, t.cwl + t.burst + t.wtr_l, "cwl + burst + wtr_l");
}

/// MACs of single banks: inside a bank they keep a read's distances, but nothing reaches the bus.
/// In AttAcc activates for them keep no distance between banks (ACTSB and ACTPB of HBM3-PIM.cpp),
/// and where one bank of each group multiplies, the power cap holds for those MACs, too (nCCDSB).
void add_bank_macs(Table& table, const Timing& t, Level level) {
  table.add({kAct, kActSome}, {kMacBank}, Scope::kBank, t.rcd_mac, "rcd_mac");
  if (level == Level::kBankGroup) {
    table.add({kMacBank}, {kMacBank}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  }
  table.add({kActAll}, {kMacBank}, Scope::kChannel, t.rcd_mac, "rcd_mac");
  table.add({kMacBank}, {kPre}, Scope::kBank, t.rtp, "rtp");
  table.add({kMacBank}, {kPreAll}, Scope::kChannel, t.rtp, "rtp");
  table.add({kMacBank}, {kMacBank}, Scope::kGroup, t.ccd_l, "ccd_l");
  table.add({kMacBank}, {kMacBank}, Scope::kRank, t.ccd_s, "ccd_s");
  table.add({kMacBank}, {kMacBank}, Scope::kPseudo, t.burst, "burst");
  table.add({kMacBank}, {kRd, kWr}, Scope::kGroup, t.ccd_l, "ccd_l");
  table.add({kRd}, {kMacBank}, Scope::kGroup, t.ccd_l, "ccd_l");
  table.add({kWr}, {kMacBank}, Scope::kGroup, t.cwl + t.burst + t.wtr_l, "cwl + burst + wtr_l");
  table.add({kMac}, {kMacBank}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  table.add({kMacBank}, {kMac}, Scope::kChannel, t.ccd_mac, "ccd_mac");
}

/// Moves share the normal data path with reads and writes, but not with MACs.
void add_attacc_moves(Table& table, const Timing& t) {
  const Kinds moves = {kFill, kMove, kResult, kSoftmax};
  const Kinds all = {kFill, kMove, kResult, kSoftmax, kRd, kWr};
  const auto add_path = [&](Kinds before, Kinds after) {
    table.add(before, after, Scope::kGroup, t.ccd_l, "ccd_l");
    table.add(before, after, Scope::kRank, t.ccd_s, "ccd_s");
    table.add(before, after, Scope::kPseudo, t.burst, "burst");
  };
  add_path(moves, all);
  add_path({kRd, kWr}, moves);
  table.add({kSoftmax}, {kMove}, Scope::kChannel, t.softmax, "softmax");
}

/// AiM's element-wise product and activation function of all banks, copies between a bank and the
/// operand buffer, and writes of all banks, which close their rows.
void add_aim_others(Table& table, const Timing& t) {
  constexpr Kind kMul = Kind::kMultiply, kFunction = Kind::kFunction, kOut = Kind::kCopyOut,
                 kIn = Kind::kCopyIn, kWrAll = Kind::kWriteAll;
  const std::int64_t written = t.cwl + t.burst;
  for (const Kind act : {kAct, kActAll}) {
    table.add({act}, {kMul}, Scope::kChannel, t.rcd_multiply, "rcd_multiply");
    table.add({act}, {kFunction}, Scope::kChannel, t.rcd_function, "rcd_function");
    table.add({act}, {kWrAll}, Scope::kChannel, t.rcd_write, "rcd_write");
    const Scope scope = act == kAct ? Scope::kBank : Scope::kChannel;
    table.add({act}, {kOut}, scope, t.rcd_copy_out, "rcd_copy_out");
    table.add({act}, {kIn}, scope, t.rcd_copy_in, "rcd_copy_in");
  }
  const Kinds reads = {kRd, kMac, kMacBank, kOut, kMul, kResult};
  const Kinds writes = {kWr, kIn, kMul, kWrAll, kFill, kBias};
  table.add({kMul, kOut}, reads, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add(reads, {kMul, kOut}, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add({kMul, kIn, kWrAll}, writes, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add(writes, {kMul, kIn, kWrAll}, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add({kRd}, {kWrAll}, Scope::kChannel, t.rtw, "rtw");
  table.add({kResult}, {kWrAll}, Scope::kChannel, t.buffer_cl + t.burst + t.bus_turn - t.cwl,
            "buffer_cl + burst + bus_turn - cwl");
  table.add({kWrAll}, {kRd, kResult}, Scope::kChannel, written + t.wtr_l, "cwl + burst + wtr_l");
  table.add({kMul, kFunction}, {kPre, kPreAll}, Scope::kChannel, t.rtp, "rtp");
  table.add({kMul}, {kPre, kPreAll}, Scope::kChannel, t.cwl + t.wr, "cwl + wr");
  table.add({kOut}, {kPre}, Scope::kBank, t.rtp, "rtp");
  table.add({kOut}, {kPreAll}, Scope::kChannel, t.rtp, "rtp");
  table.add({kIn}, {kPre}, Scope::kBank, written + t.wr, "cwl + burst + wr");
  table.add({kIn}, {kPreAll}, Scope::kChannel, written + t.wr, "cwl + burst + wr");
  table.add({kWrAll}, {kAct, kActAll, kRef}, Scope::kChannel, written + t.wr + t.rp,
            "cwl + burst + wr + rp");
  table.add({kMode}, {kMul, kFunction, kOut, kIn, kWrAll}, Scope::kChannel, t.mode_change,
            "mode_change");
}

/// One shared bus, registers behind it with latencies of their own, and the register mode.
void add_aim_moves(Table& table, const Timing& t) {
  const std::int64_t buffered = t.buffer_cwl + t.burst;
  const std::int64_t turn = t.burst + t.bus_turn - t.buffer_cwl;
  for (const Kind read : {kRd, kMac, kMacBank, kResult}) {
    table.add({read}, {kResult}, Scope::kChannel, t.ccd_l, "ccd_l");
  }
  table.add({kResult}, {kRd, kMac, kMacBank}, Scope::kChannel, t.ccd_l, "ccd_l");
  for (const Kind write : {kWr, kFill, kBias}) {
    table.add({write}, {kFill, kBias}, Scope::kChannel, t.ccd_l, "ccd_l");
  }
  table.add({kFill, kBias}, {kWr}, Scope::kChannel, t.ccd_l, "ccd_l");
  table.add({kRd}, {kFill, kBias}, Scope::kChannel, t.cl + turn,
            "cl + burst + bus_turn - buffer_cwl");
  table.add({kResult}, {kFill, kBias}, Scope::kChannel, t.buffer_cl + turn,
            "buffer_cl + burst + bus_turn - buffer_cwl");
  table.add({kResult}, {kWr}, Scope::kChannel, t.buffer_cl + turn,
            "buffer_cl + burst + bus_turn - buffer_cwl");
  table.add({kFill}, {kRd, kResult}, Scope::kChannel, buffered + t.wtr_s,
            "buffer_cwl + burst + wtr_s");
  table.add({kBias}, {kRd, kResult}, Scope::kChannel, buffered + t.wtr_l,
            "buffer_cwl + burst + wtr_l");
  table.add({kWr}, {kResult}, Scope::kChannel, t.cwl + t.burst + t.wtr_l, "cwl + burst + wtr_l");
  table.add(
      {kMode},
      {kAct, kPre, kRd, kWr, kRef, kActAll, kPreAll, kMac, kMacBank, kFill, kBias, kResult, kMode},
      Scope::kChannel, t.mode_change, "mode_change");
}

/// PIM rows lie in buffers of their own: only activates (by power) and the data bus are shared.
void add_dual_buffers(Table& table, const Timing& t) {
  table.add({kAct4}, {kAct4, kAct}, Scope::kRank, t.faw, "faw");
  table.add({kAct}, {kAct4}, Scope::kRank, t.rrd_l, "rrd_l");
  table.add({kAct4}, {kMac}, Scope::kChannel, t.rcd_mac, "rcd_mac");
  table.add({kAct4}, {kPrePim}, Scope::kChannel, t.ras, "ras");
  table.add({kMac}, {kPrePim}, Scope::kChannel, t.rtp, "rtp");
  table.add({kPrePim}, {kAct4, kRef}, Scope::kChannel, t.rp, "rp");
  table.add({kRef}, {kAct4}, Scope::kChannel, t.rfc, "rfc");
  table.add({kMac}, {kMac, kResult}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  table.add({kResult}, {kMac}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  table.add({kResult}, {kPrePim}, Scope::kChannel, t.rtp, "rtp");
  table.add({kFill}, {kMac, kFill}, Scope::kChannel, t.buffer_fill, "buffer_fill");
  table.add({kMac}, {kFill}, Scope::kChannel, t.ccd_mac, "ccd_mac");
  for (const Kind user : {kRd, kResult, kFill}) {
    table.add({user}, {kResult}, Scope::kChannel, t.burst, "burst");
    if (user != kRd) table.add({user}, {kRd}, Scope::kChannel, t.burst, "burst");
  }
  table.add({kResult, kFill}, {kWr}, Scope::kChannel, t.rtw, "rtw");
  table.add({kWr}, {kResult, kFill}, Scope::kChannel, t.cwl + t.burst + t.wtr_l,
            "cwl + burst + wtr_l");
  table.add({kRd}, {kFill}, Scope::kChannel, t.burst, "burst");
}

}  // namespace

std::vector<Rule> rules_of(const Device& device) {
  Table table;
  add_memory(table, device.timing);
  switch (device.style) {
    case Style::kSamsung:
      break;
    case Style::kAim:
      add_all_banks(table, device.timing);
      add_bank_macs(table, device.timing, device.compute.level);
      add_aim_moves(table, device.timing);
      add_aim_others(table, device.timing);
      break;
    case Style::kAttacc:
      add_all_banks(table, device.timing);
      add_bank_macs(table, device.timing, device.compute.level);
      add_attacc_moves(table, device.timing);
      break;
    case Style::kNeupims:
      add_dual_buffers(table, device.timing);
      break;
  }
  return table.take();
}

std::int64_t completion_clocks(const Device& device, Kind kind) {
  const Timing& t = device.timing;
  switch (kind) {
    case Kind::kRead:
      return t.cl + t.burst;
    case Kind::kWrite:
    case Kind::kWriteAll:
      return t.cwl + t.burst;
    case Kind::kBufferWrite:
    case Kind::kBiasWrite:
      return t.buffer_cwl + t.burst;
    case Kind::kResultMove:
      return t.buffer_cl + t.burst;
    default:
      return 1;
  }
}

}  // namespace orrery::pim
