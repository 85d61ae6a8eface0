// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/hbm_checker.h"

#include <algorithm>

#include "tests/unit/hardware/hbm_figures.h"

namespace orrery::hbm::checker {
namespace {

constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 40);

void lower(std::int64_t& count, std::int64_t by) { count = std::max<std::int64_t>(0, count - by); }

bool is_column(Op op) { return op == Op::kRd || op == Op::kWr || op == Op::kRda || op == Op::kWra; }

}  // namespace

Checker::Checker(Part part, Refreshes refreshes, Activates activates)
    : f_(figures_of(part)), due_(refreshes), count_(activates) {
  pde_ = pdx_ = sre_ = srx_ = kLongAgo;
  for (Bank& b : banks_) b.act = b.rd = b.wr = b.closed = b.refpb = b.rfmpb = kLongAgo;
  for (Group& g : groups_) g.act = g.rd = g.wr = kLongAgo;
  for (Pseudo& p : pseudos_) {
    p.act = p.rd = p.wr = p.pre = p.refab = p.refpb = p.rfmpb = p.rfmab = kLongAgo;
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
  if (is_column(op) || op == Op::kPde || op == Op::kSre) return 2;
  if (op == Op::kAct) return f_.both_edges ? 3 : 4;
  return f_.both_edges ? 1 : 2;
}

const char* Checker::check(const Event& e) {
  last_cycle_ = e.half_clock + length(e.op);
  if (const char* wrong = power(e)) return wrong;
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
    case Op::kRfmab:
      return manage_all(e);
    case Op::kPde:
      return power_down();
    case Op::kPdx:
      return power_up();
    case Op::kSre:
      return begin_self_refresh(e);
    case Op::kSrx:
      return end_self_refresh();
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

/// From power-down and self-refresh only their exits lead, and to those nothing else does.
const char* Checker::power(const Event& e) const {
  if (power_ == Power::kDown) return e.op == Op::kPdx ? nullptr : "a command in power-down";
  if (power_ == Power::kSelfRefresh) {
    return e.op == Op::kSrx ? nullptr : "a command in self-refresh";
  }
  if (e.op == Op::kPdx) return "PDX without PDE";
  if (e.op == Op::kSrx) return "SRX without SRE";
  if (e.op == Op::kPde) {
    if (early(pdx_, f_.cke)) return "tCKE";
  } else if (early(pdx_, f_.xp)) {
    return "tXP";
  }
  return early(srx_, f_.xs) ? "tXS" : nullptr;
}

std::int64_t Checker::refreshes_of_interval() const {
  return due_ == Refreshes::kPerBank ? std::int64_t{f_.stacks} * f_.groups * f_.banks : 1;
}

std::int64_t Checker::refreshes_due(const Event& e) const {
  return (e.half_clock - due_from_) * refreshes_of_interval() / f_.refi_half_clocks;
}

/// Eight intervals may be owed, and the one that falls due is not owed yet. (An all-bank refresh
/// first closes all banks.)
const char* Checker::owed(const Event& e) const {
  if (due_ == Refreshes::kNotDue || power_ == Power::kSelfRefresh) return nullptr;
  const std::int64_t due = refreshes_due(e);
  const std::int64_t most = 8 * refreshes_of_interval() + 1;
  // What is the channel's is of both.
  const bool both = e.op == Op::kPde || e.op == Op::kPdx || e.op == Op::kSre;
  for (int p = 0; p < 2; ++p) {
    const std::int64_t done = pseudos_[static_cast<std::size_t>(p)].refreshes;
    if ((both || p == e.pseudo) && due - done > most) return "too few refreshes";
  }
  return nullptr;
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
  if (early(p.rfmab, f_.rfm_ab)) return "tRFMab";
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

const char* Checker::may_refresh_all(int pseudo) const {
  const Pseudo& p = pseudos_[static_cast<std::size_t>(pseudo)];
  if (early(p.act, f_.rc)) return "tRC";
  if (early(p.refab, f_.rfc_ab)) return "tRFCab";
  if (early(p.refpb, f_.rfc_pb)) return "tRFCpb";
  if (early(p.rfmpb, f_.rfm_pb)) return "tRFMpb";
  if (early(p.rfmab, f_.rfm_ab)) return "tRFMab";
  const auto count = static_cast<std::size_t>(f_.stacks * f_.groups * f_.banks);
  const std::size_t first = static_cast<std::size_t>(pseudo) * count;
  for (std::size_t i = first; i < first + count; ++i) {
    if (banks_[i].open) return "a refresh of all banks while one is open";
    if (early(banks_[i].closed, f_.rp)) return "tRP";
  }
  return nullptr;
}

const char* Checker::manage_all(const Event& e) {
  if (f_.rfm_ab == 0) return "RFMab of a part that has none";
  if (const char* wrong = may_refresh_all(e.pseudo)) return wrong;
  const auto count = static_cast<std::size_t>(f_.stacks * f_.groups * f_.banks);
  const std::size_t first = static_cast<std::size_t>(e.pseudo) * count;
  for (std::size_t i = first; i < first + count; ++i) lower(banks_[i].activates, count_.by_rfm);
  pseudos_[static_cast<std::size_t>(e.pseudo)].rfmab = last_cycle_;
  return nullptr;
}

const char* Checker::power_down() {
  for (const Pseudo& p : pseudos_) {
    if (early(p.rd, f_.rl + f_.bl + 1)) return "tRDPDE";
    if (early(p.wr, f_.wl + f_.bl + f_.wr + 1)) return "tWRPDE";
  }
  power_ = Power::kDown;
  pde_ = last_cycle_;
  return nullptr;
}

const char* Checker::power_up() {
  if (early(pde_, f_.cke)) return "tPD";
  power_ = Power::kUp;
  pdx_ = last_cycle_;
  return nullptr;
}

/// All that has fallen due but part of the last interval has been refreshed, and after an earlier
/// self-refresh all banks once.
const char* Checker::begin_self_refresh(const Event& e) {
  for (int i = 0; i < 2; ++i) {
    const Pseudo& p = pseudos_[static_cast<std::size_t>(i)];
    if (const char* wrong = may_refresh_all(i)) return wrong;
    if (early(p.rd, f_.rl + f_.bl + 1)) return "tRDSRE";
    if (due_ == Refreshes::kNotDue) continue;
    const std::int64_t all = refreshes_of_interval();
    if (refreshes_due(e) - p.refreshes >= all) return "refreshes owed at SRE";
    if (slept_ && p.refreshes < 0) return "no refresh between SRX and SRE";
  }
  power_ = Power::kSelfRefresh;
  sre_ = last_cycle_;
  return nullptr;
}

/// One interval is owed, for a refresh may have been missed, and a new round begins.
const char* Checker::end_self_refresh() {
  if (early(sre_, f_.ckesr)) return "tCKESR";
  power_ = Power::kUp;
  srx_ = due_from_ = last_cycle_;
  slept_ = true;
  for (Pseudo& p : pseudos_) {
    p.refreshes = -refreshes_of_interval();
    p.refreshed = 0;
  }
  for (Bank& b : banks_) b.refreshed = false;
  return nullptr;
}

const char* Checker::refresh_all(const Event& e) {
  Pseudo& p = pseudos_[static_cast<std::size_t>(e.pseudo)];
  if (const char* wrong = may_refresh_all(e.pseudo)) return wrong;
  const auto count = static_cast<std::size_t>(f_.stacks * f_.groups * f_.banks);
  const std::size_t first = static_cast<std::size_t>(e.pseudo) * count;
  for (std::size_t i = first; i < first + count; ++i) {
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
  if (early(p.rfmab, f_.rfm_ab)) return "tRFMab";
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
