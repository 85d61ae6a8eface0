// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hardware/hbm_checker.h"

#include <map>
#include <tuple>

namespace orrery::hbm::checker {
namespace {

enum class Scope : std::uint8_t { kBank, kGroup, kStack, kOtherStack, kPseudo };

struct Rule {
  const char* name;
  Op first;
  Op second;
  Scope scope;
  double clocks;
};

// Written from JESD235C (HBM2) and JESD238A (HBM3) with the figures of the speed bins.
const std::vector<Rule>& rules_of(Part part) {
  using enum Op;
  using enum Scope;
  // HBM3 6.4 Gb/s, clock 0.625 ns, 16 Gb channels.
  static const std::vector<Rule> kHbm3 = {
      {"tRC", kAct, kAct, kBank, 72},           {"tRCDRD", kAct, kRd, kBank, 31},
      {"tRCDWR", kAct, kWr, kBank, 15},         {"tRAS", kAct, kPre, kBank, 45},
      {"tRAS", kAct, kPreab, kPseudo, 45},      {"tRP", kPre, kAct, kBank, 26},
      {"tRP", kPreab, kAct, kPseudo, 26},       {"tRTP", kRd, kPre, kBank, 9},
      {"tRTP", kRd, kPreab, kPseudo, 9},        {"tWR", kWr, kPre, kBank, 10 + 2 + 33},
      {"tWR", kWr, kPreab, kPseudo, 45},        {"tCCDS", kRd, kRd, kPseudo, 2},
      {"tCCDL", kRd, kRd, kGroup, 4},           {"tCCDR", kRd, kRd, kOtherStack, 3},
      {"tCCDS", kWr, kWr, kPseudo, 2},          {"tCCDL", kWr, kWr, kGroup, 4},
      {"tRTW", kRd, kWr, kPseudo, 20},          {"tWTRS", kWr, kRd, kPseudo, 10 + 2 + 7},
      {"tWTRL", kWr, kRd, kGroup, 10 + 2 + 10}, {"tRRDS", kAct, kAct, kPseudo, 4},
      {"tRRDL", kAct, kAct, kGroup, 5},         {"tPPD", kPre, kPre, kPseudo, 2},
      {"tPPD", kPre, kPreab, kPseudo, 2},       {"tPPD", kPreab, kPre, kPseudo, 2},
      {"tRFCab", kRefab, kAct, kPseudo, 560},   {"tRFCab", kRefab, kRefab, kPseudo, 560},
      {"tRP", kPre, kRefab, kPseudo, 26},       {"tRP", kPreab, kRefab, kPseudo, 26},
      {"tRC", kAct, kRefab, kPseudo, 72},       {"tRP", kPre, kRefpb, kBank, 26},
      {"tRC", kAct, kRefpb, kBank, 72},         {"tRFCpb", kRefpb, kAct, kBank, 320},
      {"tRREFD", kRefpb, kRefpb, kPseudo, 8},   {"tRREFD", kRefpb, kAct, kPseudo, 8},
      {"tRRDS", kAct, kRefpb, kPseudo, 4}};
  // HBM2 2.0 Gb/s, clock 1 ns, 8 Gb channels.
  static const std::vector<Rule> kHbm2 = {
      {"tRC", kAct, kAct, kBank, 48},          {"tRCDRD", kAct, kRd, kBank, 14},
      {"tRCDWR", kAct, kWr, kBank, 12},        {"tRAS", kAct, kPre, kBank, 34},
      {"tRAS", kAct, kPreab, kPseudo, 34},     {"tRP", kPre, kAct, kBank, 14},
      {"tRP", kPreab, kAct, kPseudo, 14},      {"tRTP", kRd, kPre, kBank, 5},
      {"tRTP", kRd, kPreab, kPseudo, 5},       {"tWR", kWr, kPre, kBank, 5 + 2 + 16},
      {"tWR", kWr, kPreab, kPseudo, 23},       {"tCCDS", kRd, kRd, kPseudo, 2},
      {"tCCDL", kRd, kRd, kGroup, 4},          {"tCCDS", kWr, kWr, kPseudo, 2},
      {"tCCDL", kWr, kWr, kGroup, 4},          {"tRTW", kRd, kWr, kPseudo, 14 + 2 + 2 - 5},
      {"tWTRS", kWr, kRd, kPseudo, 5 + 2 + 6}, {"tWTRL", kWr, kRd, kGroup, 5 + 2 + 8},
      {"tRRDS", kAct, kAct, kPseudo, 4},       {"tRRDL", kAct, kAct, kGroup, 4},
      {"tRFCab", kRefab, kAct, kPseudo, 350},  {"tRFCab", kRefab, kRefab, kPseudo, 350},
      {"tRP", kPre, kRefab, kPseudo, 14},      {"tRP", kPreab, kRefab, kPseudo, 14},
      {"tRC", kAct, kRefab, kPseudo, 48},      {"tRP", kPre, kRefpb, kBank, 14},
      {"tRC", kAct, kRefpb, kBank, 48},        {"tRFCpb", kRefpb, kAct, kBank, 160},
      {"tRREFD", kRefpb, kRefpb, kPseudo, 8},  {"tRREFD", kRefpb, kAct, kPseudo, 8},
      {"tRRDS", kAct, kRefpb, kPseudo, 4}};
  return part == Part::kHbm3At6400 ? kHbm3 : kHbm2;
}

bool is_column(Op op) { return op == Op::kRd || op == Op::kWr; }

class Replay {
 public:
  explicit Replay(Part part) : part_(part), hbm3_(part == Part::kHbm3At6400) {}

  std::string check(const Event& e) {
    std::string wrong = bus(e);
    if (wrong.empty()) wrong = state(e);
    if (wrong.empty()) wrong = distances(e);
    if (wrong.empty()) wrong = window(e);
    note(e);
    return wrong;
  }

 private:
  // In half clocks.
  [[nodiscard]] std::int64_t length(Op op) const {
    if (is_column(op)) return 2;
    if (op == Op::kAct) return hbm3_ ? 3 : 4;
    return hbm3_ ? 1 : 2;
  }

  std::string bus(const Event& e) {
    const bool falling = e.half_clock % 2 != 0;
    const bool precharge = e.op == Op::kPre || e.op == Op::kPreab;
    if (falling && !(hbm3_ && precharge)) return "on a falling edge";
    std::int64_t& free_at = is_column(e.op) ? column_free_ : row_free_;
    if (e.half_clock < free_at) return "on a busy command bus";
    free_at = e.half_clock + length(e.op);
    return {};
  }

  using Bank = std::tuple<int, int, int, int>;
  static Bank bank_of(const Event& e) { return {e.pseudo, e.stack, e.group, e.bank}; }

  std::string state(const Event& e) {
    const auto open = rows_.find(bank_of(e));
    const bool is_open = open != rows_.end();
    if (is_column(e.op)) return is_open && open->second == e.row ? "" : "not on its open row";
    if (e.op == Op::kAct || e.op == Op::kRefpb) return is_open ? "on an open bank" : "";
    if (e.op == Op::kPre) return is_open ? "" : "on a closed bank";
    if (e.op == Op::kRefab) {
      for (const auto& [bank, row] : rows_) {
        if (std::get<0>(bank) == e.pseudo) return "while a bank is open";
      }
    }
    return {};
  }

  std::string distances(const Event& e) {
    for (const Rule& rule : rules_of(part_)) {
      if (rule.second != e.op) continue;
      for (const auto& [where, at] : last_[rule.first]) {
        if (!in_scope(rule.scope, where, e)) continue;
        const std::int64_t last_cycles = e.half_clock + length(e.op) - (at + length(rule.first));
        if (last_cycles < static_cast<std::int64_t>(2 * rule.clocks)) return rule.name;
      }
    }
    return {};
  }

  static bool in_scope(Scope scope, const Bank& a, const Event& e) {
    const auto& [pseudo, stack, group, bank] = a;
    if (pseudo != e.pseudo) return false;
    switch (scope) {
      case Scope::kBank:
        return stack == e.stack && group == e.group && bank == e.bank;
      case Scope::kGroup:
        return stack == e.stack && group == e.group;
      case Scope::kStack:
        return stack == e.stack;
      case Scope::kOtherStack:
        return stack != e.stack;
      case Scope::kPseudo:
        return true;
    }
    return true;
  }

  std::string window(const Event& e) {
    if (e.op != Op::kAct) return {};
    std::vector<std::int64_t>& acts = acts_[e.pseudo];
    const std::int64_t faw = 2 * (hbm3_ ? 24 : 15);
    acts.push_back(e.half_clock);
    const std::size_t n = acts.size();
    return n > 4 && acts[n - 1] - acts[n - 5] < faw ? "tFAW" : "";
  }

  void note(const Event& e) {
    last_[e.op][bank_of(e)] = e.half_clock;
    if (e.op == Op::kAct) rows_[bank_of(e)] = e.row;
    if (e.op == Op::kPre) rows_.erase(bank_of(e));
    if (e.op == Op::kPreab) {
      std::erase_if(rows_, [&](const auto& row) { return std::get<0>(row.first) == e.pseudo; });
    }
  }

  Part part_;
  bool hbm3_;
  std::int64_t column_free_ = 0, row_free_ = 0;
  std::map<Bank, std::uint32_t> rows_;
  std::map<Op, std::map<Bank, std::int64_t>> last_;
  std::map<int, std::vector<std::int64_t>> acts_;
};

}  // namespace

std::string first_violation(Part part, const std::vector<Event>& events) {
  Replay replay(part);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::string wrong = replay.check(events[i]);
    if (!wrong.empty()) return "command " + std::to_string(i) + ": " + wrong;
  }
  return {};
}

}  // namespace orrery::hbm::checker
