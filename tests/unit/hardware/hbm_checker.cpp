// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/hbm_checker.h"

#include <algorithm>

namespace orrery::hbm::checker {

/// In clocks; the refresh interval in half clocks, for it may end in between.
struct Figures {
  bool both_edges;  ///< HBM3 on: ACT 1.5 clocks, PRE and REF 0.5, precharges on either edge.
  int stacks, groups, banks;
  int rc, rcd_rd, rcd_wr, ras, rp, rtp;
  int wl, bl, wr, wtr_s, wtr_l, rtw;
  int ccd_s, ccd_l, ccd_r;
  int rrd_s, rrd_l, faw, ppd;
  int rfc_ab, rfc_pb, rrefd;
  int rfm_pb;  ///< 0: the part has no RFM.
  std::int64_t refi_half_clocks;
};

namespace {

constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 40);

// Constraints from JESD235C (HBM2, HBM2E) and JESD238A (HBM3; HBM4 taken to keep them), with the
// figures of the speed bins. Those of HBM2E and HBM3E are the lower bins' nanoseconds in their own
// clocks: nothing is published.
//
// HBM2 2.0 Gb/s, clock 1 ns, 8 Gb channels: refresh 350 and 160 ns, tREFI 3.9 us.
constexpr Figures kHbm2 = {.both_edges = false,
                           .stacks = 1,
                           .groups = 4,
                           .banks = 4,
                           .rc = 48,
                           .rcd_rd = 14,
                           .rcd_wr = 12,
                           .ras = 34,
                           .rp = 14,
                           .rtp = 5,
                           .wl = 5,
                           .bl = 2,
                           .wr = 16,
                           .wtr_s = 6,
                           .wtr_l = 8,
                           .rtw = 13,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 0,
                           .rrd_s = 4,
                           .rrd_l = 4,
                           .faw = 15,
                           .ppd = 0,
                           .rfc_ab = 350,
                           .rfc_pb = 160,
                           .rrefd = 8,
                           .rfm_pb = 0,
                           .refi_half_clocks = 7'800};
// Clock 0.625 ns: RAS 34 ns is 54.4 clocks; tRTW is RL 23 + BL/2 2 + 2 - WL 8; 350 ns 560 clocks.
constexpr Figures kHbm2e = {.both_edges = false,
                            .stacks = 1,
                            .groups = 4,
                            .banks = 4,
                            .rc = 78,
                            .rcd_rd = 23,
                            .rcd_wr = 20,
                            .ras = 55,
                            .rp = 23,
                            .rtp = 8,
                            .wl = 8,
                            .bl = 2,
                            .wr = 26,
                            .wtr_s = 10,
                            .wtr_l = 13,
                            .rtw = 19,
                            .ccd_s = 2,
                            .ccd_l = 4,
                            .ccd_r = 0,
                            .rrd_s = 7,
                            .rrd_l = 7,
                            .faw = 24,
                            .ppd = 0,
                            .rfc_ab = 560,
                            .rfc_pb = 256,
                            .rrefd = 13,
                            .rfm_pb = 0,
                            .refi_half_clocks = 12'480};
// HBM3 6.4 Gb/s, clock 0.625 ns, 16 Gb channels: refresh 350 and 200 ns. An RFM is taken to last
// as long as a per-bank refresh, from here on.
constexpr Figures kHbm3 = {.both_edges = true,
                           .stacks = 2,
                           .groups = 4,
                           .banks = 4,
                           .rc = 72,
                           .rcd_rd = 31,
                           .rcd_wr = 15,
                           .ras = 45,
                           .rp = 26,
                           .rtp = 9,
                           .wl = 10,
                           .bl = 2,
                           .wr = 33,
                           .wtr_s = 7,
                           .wtr_l = 10,
                           .rtw = 20,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 3,
                           .rrd_s = 4,
                           .rrd_l = 5,
                           .faw = 24,
                           .ppd = 2,
                           .rfc_ab = 560,
                           .rfc_pb = 320,
                           .rrefd = 8,
                           .rfm_pb = 320,
                           .refi_half_clocks = 12'480};
// 2300 MHz: RCD 19.375 ns is 44.6 clocks, tRFC 350 ns 805, 200 ns 460, tREFI 3.9 us 8970.
constexpr Figures kHbm3e92 = {.both_edges = true,
                              .stacks = 2,
                              .groups = 4,
                              .banks = 4,
                              .rc = 104,
                              .rcd_rd = 45,
                              .rcd_wr = 22,
                              .ras = 65,
                              .rp = 38,
                              .rtp = 13,
                              .wl = 15,
                              .bl = 2,
                              .wr = 48,
                              .wtr_s = 11,
                              .wtr_l = 15,
                              .rtw = 29,
                              .ccd_s = 2,
                              .ccd_l = 4,
                              .ccd_r = 3,
                              .rrd_s = 6,
                              .rrd_l = 8,
                              .faw = 35,
                              .ppd = 2,
                              .rfc_ab = 805,
                              .rfc_pb = 460,
                              .rrefd = 12,
                              .rfm_pb = 460,
                              .refi_half_clocks = 17'940};
// 2400 MHz: tRFC 350 ns is 840 clocks, 200 ns 480, tREFI 3.9 us 9360.
constexpr Figures kHbm3e96 = {.both_edges = true,
                              .stacks = 2,
                              .groups = 4,
                              .banks = 4,
                              .rc = 108,
                              .rcd_rd = 47,
                              .rcd_wr = 23,
                              .ras = 68,
                              .rp = 39,
                              .rtp = 14,
                              .wl = 15,
                              .bl = 2,
                              .wr = 50,
                              .wtr_s = 11,
                              .wtr_l = 15,
                              .rtw = 30,
                              .ccd_s = 2,
                              .ccd_l = 4,
                              .ccd_r = 3,
                              .rrd_s = 6,
                              .rrd_l = 8,
                              .faw = 36,
                              .ppd = 2,
                              .rfc_ab = 840,
                              .rfc_pb = 480,
                              .rrefd = 12,
                              .rfm_pb = 480,
                              .refi_half_clocks = 18'720};
// HBM4 8 Gb/s (preliminary), clock 0.5 ns: refresh 450 and 280 ns; 2 groups of 8 banks.
constexpr Figures kHbm4 = {.both_edges = true,
                           .stacks = 2,
                           .groups = 2,
                           .banks = 8,
                           .rc = 90,
                           .rcd_rd = 39,
                           .rcd_wr = 19,
                           .ras = 57,
                           .rp = 33,
                           .rtp = 12,
                           .wl = 10,
                           .bl = 2,
                           .wr = 42,
                           .wtr_s = 9,
                           .wtr_l = 13,
                           .rtw = 25,
                           .ccd_s = 2,
                           .ccd_l = 4,
                           .ccd_r = 2,
                           .rrd_s = 5,
                           .rrd_l = 7,
                           .faw = 30,
                           .ppd = 2,
                           .rfc_ab = 900,
                           .rfc_pb = 560,
                           .rrefd = 16,
                           .rfm_pb = 560,
                           .refi_half_clocks = 15'600};
// tRC above tRAS + tRP; four tRRDS below tFAW; tRRDL above tRRDS; precharges 2 clocks apart; an
// RFM longer than a per-bank refresh.
constexpr Figures kMadeUp = {.both_edges = false,
                             .stacks = 2,
                             .groups = 4,
                             .banks = 4,
                             .rc = 56,
                             .rcd_rd = 14,
                             .rcd_wr = 12,
                             .ras = 34,
                             .rp = 14,
                             .rtp = 5,
                             .wl = 5,
                             .bl = 2,
                             .wr = 16,
                             .wtr_s = 6,
                             .wtr_l = 8,
                             .rtw = 13,
                             .ccd_s = 2,
                             .ccd_l = 4,
                             .ccd_r = 3,
                             .rrd_s = 4,
                             .rrd_l = 6,
                             .faw = 22,
                             .ppd = 2,
                             .rfc_ab = 350,
                             .rfc_pb = 160,
                             .rrefd = 8,
                             .rfm_pb = 200,
                             .refi_half_clocks = 7'800};

// The parts of H100, H200 and B200: the 6.4 Gb/s bin's nanoseconds (WL 6.25, RCDRD 19.375, RCDWR
// 9.375, RP 16.25, RAS 28.125, WR 20.625, RTP 5.625, RRD 2.5 and 3.125, FAW 15, WTR 4.375 and 6.25,
// RTW 12.5, RREFD 5) in their clocks, RC = RAS + RP + 1, and refresh of their densities.
constexpr Figures at_1309_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 26, f.rcd_wr = 13, f.rp = 22, f.ras = 37, f.rc = 60, f.rtp = 8;
  f.wl = 9, f.wr = 27, f.wtr_s = 6, f.wtr_l = 9, f.rtw = 17;
  f.rrd_s = 4, f.rrd_l = 5, f.faw = 20;
  f.rfc_ab = 459, f.rfc_pb = f.rfm_pb = 262, f.rrefd = 7, f.refi_half_clocks = 10'210;
  return f;
}
constexpr Figures at_1562_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 31, f.rcd_wr = 15, f.rp = 26, f.ras = 44, f.rc = 71, f.rtp = 9;
  f.wl = 10, f.wr = 33, f.wtr_s = 7, f.wtr_l = 10, f.rtw = 20;
  f.rrd_s = 4, f.rrd_l = 5, f.faw = 24;
  f.rfc_ab = 704, f.rfc_pb = f.rfm_pb = 313, f.rrefd = 8, f.refi_half_clocks = 12'187;
  return f;
}
constexpr Figures at_1998_mhz() {
  Figures f = kHbm3;
  f.rcd_rd = 39, f.rcd_wr = 19, f.rp = 33, f.ras = 57, f.rc = 91, f.rtp = 12;
  f.wl = 13, f.wr = 42, f.wtr_s = 9, f.wtr_l = 13, f.rtw = 25;
  f.rrd_s = 5, f.rrd_l = 7, f.faw = 30;
  f.rfc_ab = 900, f.rfc_pb = f.rfm_pb = 400, f.rrefd = 10, f.refi_half_clocks = 15'584;
  return f;
}
// The parts of the two A100: the nanoseconds of HBM2 at 2.0 Gb/s, whose clock is one, in theirs.
constexpr Figures at_1215_mhz() {
  Figures f = kHbm2;
  f.rcd_rd = 18, f.rcd_wr = 15, f.rp = 18, f.ras = 42, f.rc = 60, f.rtp = 7;
  f.wl = 7, f.wr = 20, f.wtr_s = 8, f.wtr_l = 10, f.rtw = 15;
  f.rrd_s = 5, f.rrd_l = 5, f.faw = 19;
  f.rfc_ab = 426, f.rfc_pb = 195, f.rrefd = 10, f.refi_half_clocks = 9'477;
  return f;
}
constexpr Figures at_1593_mhz() {
  Figures f = kHbm2e;
  f.rfc_ab = 558, f.rfc_pb = 255, f.refi_half_clocks = 12'425;
  return f;
}
constexpr Figures kHbm2At1215 = at_1215_mhz();
constexpr Figures kHbm2At1593 = at_1593_mhz();
constexpr Figures kHbm3At1309 = at_1309_mhz();
constexpr Figures kHbm3At1562 = at_1562_mhz();
constexpr Figures kHbm3At1998 = at_1998_mhz();

const Figures& figures_of(Part part) {
  switch (part) {
    case Part::kHbm2At2000:
      return kHbm2;
    case Part::kHbm2eAt3200:
      return kHbm2e;
    case Part::kHbm3At6400:
      return kHbm3;
    case Part::kHbm3eAt9200:
      return kHbm3e92;
    case Part::kHbm3eAt9600:
      return kHbm3e96;
    case Part::kHbm4At8000:
      return kHbm4;
    case Part::kHbm3At5236:
      return kHbm3At1309;
    case Part::kHbm3eAt6250:
      return kHbm3At1562;
    case Part::kHbm3eAt7992:
      return kHbm3At1998;
    case Part::kHbm2At2430:
      return kHbm2At1215;
    case Part::kHbm2eAt3186:
      return kHbm2At1593;
    case Part::kMadeUp:
      return kMadeUp;
  }
  return kHbm3;
}

void lower(std::int64_t& count, std::int64_t by) { count = std::max<std::int64_t>(0, count - by); }

bool is_column(Op op) { return op == Op::kRd || op == Op::kWr || op == Op::kRda || op == Op::kWra; }

}  // namespace

Checker::Checker(Part part, Refreshes refreshes, Activates activates)
    : f_(figures_of(part)), due_(refreshes), count_(activates) {
  for (Bank& b : banks_) b.act = b.rd = b.wr = b.closed = b.refpb = b.rfmpb = kLongAgo;
  for (Group& g : groups_) g.act = g.rd = g.wr = kLongAgo;
  for (Pseudo& p : pseudos_) {
    p.act = p.rd = p.wr = p.pre = p.refab = p.refpb = p.rfmpb = kLongAgo;
    p.stack_rd.fill(kLongAgo);
    p.window.fill(kLongAgo);
  }
}

std::size_t Checker::group_of(const Event& e) const {
  return static_cast<std::size_t>((e.pseudo * f_.stacks + e.stack) * f_.groups + e.group);
}
std::size_t Checker::bank_of(const Event& e) const {
  return group_of(e) * static_cast<std::size_t>(f_.banks) + static_cast<std::size_t>(e.bank);
}

/// In half clocks.
std::int64_t Checker::length(Op op) const {
  if (is_column(op)) return 2;
  if (op == Op::kAct) return f_.both_edges ? 3 : 4;
  return f_.both_edges ? 1 : 2;
}

const char* Checker::check(const Event& e) {
  last_cycle_ = e.half_clock + length(e.op);
  if (const char* wrong = bus(e)) return wrong;
  if (const char* wrong = owed(e)) return wrong;
  switch (e.op) {
    case Op::kAct:
      return activate(e);
    case Op::kPre:
      return precharge(e);
    case Op::kPreab:
      return precharge_all(e);
    case Op::kRd:
    case Op::kRda:
      return read(e);
    case Op::kWr:
    case Op::kWra:
      return write(e);
    case Op::kRefab:
      return refresh_all(e);
    case Op::kRefpb:
      return refresh_bank(e);
    case Op::kRfmpb:
      return manage_bank(e);
  }
  return "no command";
}

const char* Checker::bus(const Event& e) {
  const bool falling = e.half_clock % 2 != 0;
  const bool precharge = e.op == Op::kPre || e.op == Op::kPreab;
  if (falling && !(f_.both_edges && precharge)) return "on a falling edge";
  std::int64_t& free_at = is_column(e.op) ? column_free_ : row_free_;
  if (e.half_clock < free_at) return "on a busy command bus";
  free_at = last_cycle_;
  return nullptr;
}

/// Eight intervals may be owed, and the one that falls due is not owed yet. (An all-bank refresh
/// first closes all banks.)
const char* Checker::owed(const Event& e) const {
  if (due_ == Refreshes::kNotDue) return nullptr;
  const std::int64_t banks =
      due_ == Refreshes::kPerBank ? std::int64_t{f_.stacks} * f_.groups * f_.banks : 1;
  const std::int64_t due = e.half_clock * banks / f_.refi_half_clocks;
  const auto p = static_cast<std::size_t>(e.pseudo);
  return due - pseudos_[p].refreshes > 8 * banks + 1 ? "too few refreshes" : nullptr;
}

const char* Checker::activate(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Group& g = groups_[group_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (b.open) return "ACT on an open bank";
  if (early(b.act, f_.rc)) return "tRC";
  if (early(b.closed, f_.rp)) return "tRP";
  if (early(g.act, f_.rrd_l)) return "tRRDL";
  if (early(p.act, f_.rrd_s)) return "tRRDS";
  std::int64_t& fourth_last = p.window[p.activates++ % 4];
  if (early(fourth_last, f_.faw)) return "tFAW";
  if (early(p.refab, f_.rfc_ab)) return "tRFCab";
  if (early(b.refpb, f_.rfc_pb)) return "tRFCpb";
  if (early(b.rfmpb, f_.rfm_pb)) return "tRFMpb";
  if (early(std::max(p.refpb, p.rfmpb), f_.rrefd)) return "tRREFD";
  if (count_.most > 0 && ++b.activates > count_.most) return "RAAMMT";
  b.open = true;
  b.row = e.row;
  b.act = g.act = p.act = fourth_last = last_cycle_;
  return nullptr;
}

const char* Checker::may_precharge(const Bank& b) const {
  if (early(b.act, f_.ras)) return "tRAS";
  if (early(b.rd, f_.rtp)) return "tRTP";
  return early(b.wr, f_.wl + f_.bl + f_.wr) ? "tWR" : nullptr;
}

const char* Checker::precharge(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (!b.open) return "PRE on a closed bank";
  if (early(p.pre, f_.ppd)) return "tPPD";
  if (const char* wrong = may_precharge(b)) return wrong;
  b.open = false;
  b.closed = p.pre = last_cycle_;
  return nullptr;
}

const char* Checker::precharge_all(const Event& e) {
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (early(p.pre, f_.ppd)) return "tPPD";
  p.pre = last_cycle_;
  const auto count = static_cast<std::size_t>(f_.stacks * f_.groups * f_.banks);
  const std::size_t first = static_cast<std::size_t>(e.pseudo) * count;
  for (std::size_t i = first; i < first + count; ++i) {
    Bank& b = banks_[i];
    if (!b.open) continue;
    if (const char* wrong = may_precharge(b)) return wrong;
    b.open = false;
    b.closed = last_cycle_;
  }
  return nullptr;
}

/// The bank closes itself as soon as both tRAS and what follows its access have passed.
void Checker::auto_precharge(Bank& b, std::int64_t earliest) {
  b.open = false;
  b.closed = std::max(earliest, b.act + std::int64_t{2} * f_.ras);
}

const char* Checker::read(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Group& g = groups_[group_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (!b.open || b.row != e.row) return "RD not on its open row";
  if (early(b.act, f_.rcd_rd)) return "tRCDRD";
  if (early(p.rd, f_.ccd_s)) return "tCCDS";
  if (early(g.rd, f_.ccd_l)) return "tCCDL";
  for (int s = 0; s < f_.stacks; ++s) {
    const bool other = s != e.stack;
    if (other && early(p.stack_rd[static_cast<std::size_t>(s)], f_.ccd_r)) return "tCCDR";
  }
  if (early(p.wr, f_.wl + f_.bl + f_.wtr_s)) return "tWTRS";
  if (early(g.wr, f_.wl + f_.bl + f_.wtr_l)) return "tWTRL";
  p.stack_rd[static_cast<std::size_t>(e.stack)] = last_cycle_;
  b.rd = g.rd = p.rd = last_cycle_;
  if (e.op == Op::kRda) auto_precharge(b, last_cycle_ + std::int64_t{2} * f_.rtp);
  return nullptr;
}

const char* Checker::write(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Group& g = groups_[group_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (!b.open || b.row != e.row) return "WR not on its open row";
  if (early(b.act, f_.rcd_wr)) return "tRCDWR";
  if (early(p.wr, f_.ccd_s)) return "tCCDS";
  if (early(g.wr, f_.ccd_l)) return "tCCDL";
  if (early(p.rd, f_.rtw)) return "tRTW";
  b.wr = g.wr = p.wr = last_cycle_;
  const int recovery = f_.wl + f_.bl + f_.wr;
  if (e.op == Op::kWra) auto_precharge(b, last_cycle_ + std::int64_t{2} * recovery);
  return nullptr;
}

const char* Checker::refresh_all(const Event& e) {
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (early(p.act, f_.rc)) return "tRC";
  if (early(p.refab, f_.rfc_ab)) return "tRFCab";
  if (early(p.refpb, f_.rfc_pb)) return "tRFCpb";
  if (early(p.rfmpb, f_.rfm_pb)) return "tRFMpb";
  const auto count = static_cast<std::size_t>(f_.stacks * f_.groups * f_.banks);
  const std::size_t first = static_cast<std::size_t>(e.pseudo) * count;
  for (std::size_t i = first; i < first + count; ++i) {
    if (banks_[i].open) return "REFab while a bank is open";
    if (early(banks_[i].closed, f_.rp)) return "tRP";
    lower(banks_[i].activates, count_.by_refresh);
  }
  p.refab = last_cycle_;
  ++p.refreshes;
  return nullptr;
}

const char* Checker::may_refresh(const Bank& b, const Pseudo& p) const {
  if (early(b.closed, f_.rp)) return "tRP";
  if (early(b.act, f_.rc)) return "tRC";
  if (early(b.refpb, f_.rfc_pb)) return "tRFCpb";
  if (early(b.rfmpb, f_.rfm_pb)) return "tRFMpb";
  if (early(std::max(p.refpb, p.rfmpb), f_.rrefd)) return "tRREFD";
  if (early(p.act, f_.rrd_s)) return "tRRDS";
  return early(p.refab, f_.rfc_ab) ? "tRFCab" : nullptr;
}

const char* Checker::manage_bank(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (f_.rfm_pb == 0) return "RFMpb of a part that has none";
  if (b.open) return "RFMpb on an open bank";
  if (const char* wrong = may_refresh(b, p)) return wrong;
  lower(b.activates, count_.by_rfm);
  b.rfmpb = p.rfmpb = last_cycle_;
  return nullptr;
}

const char* Checker::refresh_bank(const Event& e) {
  Bank& b = banks_[bank_of(e)];
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (b.open) return "REFpb on an open bank";
  if (const char* wrong = may_refresh(b, p)) return wrong;
  // Each bank once before any a second time.
  if (b.refreshed) return "the set rule";
  b.refreshed = true;
  lower(b.activates, count_.by_refresh);
  b.refpb = p.refpb = last_cycle_;
  ++p.refreshes;
  const int count = f_.stacks * f_.groups * f_.banks;
  if (++p.refreshed < count) return nullptr;
  p.refreshed = 0;
  const std::size_t first = static_cast<std::size_t>(e.pseudo * count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    banks_[first + i].refreshed = false;
  }
  return nullptr;
}

std::string first_violation(Part part, const std::vector<Event>& events, Refreshes refreshes,
                            Activates activates) {
  Checker checker(part, refreshes, activates);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (const char* wrong = checker.check(events[i])) {
      return "command " + std::to_string(i) + ": " + wrong;
    }
  }
  return {};
}

}  // namespace orrery::hbm::checker
