// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/study/pim_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace orrery::testing {
namespace {

using pim::Issued;
using pim::Kind;
using pim::Part;
using pim::Style;

/// Numbers of one device, in clocks.
struct Numbers {
  int banks, banks_of_group, banks_of_rank, banks_of_pseudo;
  int columns;
  int act_rd, act_wr, act_mac, act_pre, act_act, pre_act, rd_pre, wr_pre;
  int column_short, column_long, mac_mac, data;
  int act_act_short, act_act_long, four_acts;
  int wr_rd_short, wr_rd_long, rd_wr, ref_act;
  int act_slots, mode;
};

// wr_pre is write latency + burst + recovery; wr_rd likewise with the turnaround.
constexpr Numbers kSamsung = {16, 4,  16,        16,         32, 14,  10, 14, 33,
                              47, 14, 3,         8 + 2 + 16, 2,  4,   4,  2,  4,
                              6,  0,  8 + 2 + 4, 8 + 2 + 9,  15, 350, 1,  0};
constexpr Numbers kAim = {16, 4, 16, 16, 64, 36, 28, 56,        54,         89, 32,  12, 6 + 2 + 33,
                          2,  2, 2,  2,  11, 11, 0,  6 + 2 + 9, 6 + 2 + 11, 50, 210, 1,  32};
constexpr Numbers kAttacc = {64, 4,  16,        32,         32, 19,  19, 19, 45,
                             63, 19, 8,         6 + 2 + 21, 2,  4,   6,  2,  2,
                             4,  39, 6 + 2 + 8, 6 + 2 + 11, 17, 456, 2,  0};
constexpr Numbers kNeupims = {16, 4,  16,        16,         32, 14,  14, 14, 34,
                              48, 14, 5,         4 + 2 + 16, 2,  2,   2,  2,  4,
                              6,  30, 4 + 2 + 6, 4 + 2 + 8,  14, 260, 1,  0};

const Numbers& numbers_of(Style style) {
  switch (style) {
    case Style::kSamsung:
      return kSamsung;
    case Style::kAim:
      return kAim;
    case Style::kAttacc:
      return kAttacc;
    default:
      return kNeupims;
  }
}

bool is_row(Kind k) {
  return k == Kind::kActivate || k == Kind::kActivateAll || k == Kind::kActivateFour ||
         k == Kind::kActivateSome || k == Kind::kPrecharge || k == Kind::kPrechargeAll ||
         k == Kind::kPrechargePim || k == Kind::kRefresh || k == Kind::kModeSwitch;
}
bool opens(Kind k) {
  return k == Kind::kActivate || k == Kind::kActivateAll || k == Kind::kActivateFour ||
         k == Kind::kActivateSome;
}
bool closes(Kind k) {
  return k == Kind::kPrecharge || k == Kind::kPrechargeAll || k == Kind::kPrechargePim;
}
/// AiM's commands besides MACs and moves, which use rows.
bool is_aim_other(Kind k) {
  return k == Kind::kMultiply || k == Kind::kFunction || k == Kind::kCopyOut ||
         k == Kind::kCopyIn || k == Kind::kWriteAll;
}
bool moves(Kind k) {
  return k == Kind::kBufferWrite || k == Kind::kBufferMove || k == Kind::kResultMove ||
         k == Kind::kSoftmax || k == Kind::kBiasWrite;
}

/// Whether the two reach into a common run of `size` banks.
bool meet(const Issued& a, const Issued& b, int size, int banks) {
  if (size >= banks) return true;
  const std::uint64_t ones = (std::uint64_t{1} << size) - 1;
  for (int first = 0; first < banks; first += size) {
    if ((a.banks & (ones << first)) != 0 && (b.banks & (ones << first)) != 0) return true;
  }
  return false;
}

class Checker {
 public:
  explicit Checker(Style style) : style_(style), n_(numbers_of(style)) {
    row_[0].fill(-1);
    row_[1].fill(-1);
  }

  std::string check(const std::vector<Issued>& commands) {
    for (std::size_t i = 0; i < commands.size(); ++i) {
      const Issued& c = commands[i];
      if (i > 0 && c.at < commands[i - 1].at) return say(c, "goes back in time");
      for (const auto test : {&Checker::state_error, &Checker::mode_error}) {
        if (const std::string error = (this->*test)(c); !error.empty()) return say(c, error);
      }
      // No rule is longer than a refresh and the window of a result's move.
      for (std::size_t j = i; j-- > 0 && c.at - commands[j].at <= 500;) {
        const int gap = least_gap(commands[j], c);
        if (c.at - commands[j].at < gap) {
          return say(c, fmt::format("is {} clocks behind {}, not {}", c.at - commands[j].at,
                                    pim::kKindNames[index_of(commands[j].kind)], gap));
        }
      }
      if (const std::string error = window_error(c); !error.empty()) return say(c, error);
      note(c);
    }
    return {};
  }

 private:
  static std::string say(const Issued& c, const std::string& what) {
    return fmt::format("{} at {}: {}", pim::kKindNames[index_of(c.kind)], c.at, what);
  }

  [[nodiscard]] bool dual(const Issued& c) const {
    return style_ == Style::kNeupims &&
           (c.kind == Kind::kMac || c.kind == Kind::kActivateFour || c.kind == Kind::kPrechargePim);
  }

  // --- rows -------------------------------------------------------------------------------------

  std::string state_error(const Issued& c) {
    const auto& row = row_[dual(c) ? 1 : 0];
    for (int b = 0; b < n_.banks; ++b) {
      if ((c.banks >> b & 1) == 0) continue;
      const std::int32_t open = row[static_cast<std::size_t>(b)];
      if (opens(c.kind) && open >= 0) return fmt::format("bank {} has row {} open", b, open);
      const bool access = c.kind == Kind::kRead || c.kind == Kind::kWrite || c.kind == Kind::kMac ||
                          c.kind == Kind::kMacBank || is_aim_other(c.kind);
      if (access && open != c.row) return fmt::format("bank {} has row {} open", b, open);
      if (c.kind != Kind::kRefresh) continue;
      if (open >= 0 || row_[1][static_cast<std::size_t>(b)] >= 0) {
        return fmt::format("bank {} is open", b);
      }
    }
    const bool of_all = c.kind == Kind::kMac || c.kind == Kind::kMultiply ||
                        c.kind == Kind::kFunction || c.kind == Kind::kWriteAll;
    if (of_all) return order_error(c);
    return {};
  }

  /// MACs reach all banks, and a row's columns in rising order, a query at a time.
  std::string order_error(const Issued& c) {
    if (std::popcount(c.banks) != n_.banks) return "does not reach all banks";
    if (c.column >= n_.columns) return "is beyond the row";
    return {};
  }

  // --- modes ------------------------------------------------------------------------------------

  std::string mode_error(const Issued& c) {
    if (style_ == Style::kAim) {
      const bool registers =
          c.kind == Kind::kBufferWrite || c.kind == Kind::kBiasWrite || c.kind == Kind::kResultMove;
      if (registers != register_mode_ && !is_row(c.kind)) return "needs the other mode";
    }
    if (style_ == Style::kSamsung) {
      const bool many = std::popcount(c.banks) > 1;
      const bool column = c.kind == Kind::kRead || c.kind == Kind::kWrite;
      if (many && column && !lock_step_) return "is in lock step outside of that mode";
      if (c.purpose == Part::kMac && !pim_mode_) return "computes outside of PIM mode";
      if (c.host && lock_step_) return "is the host's in a lock-step mode";
    }
    return {};
  }

  /// HBM-PIM: four writes to row 0x17ff enter lock step, two to 0x1fff leave it; a write to
  /// column 0 of row 0x3fff turns PIM on and off.
  void note_samsung(const Issued& c) {
    if (style_ != Style::kSamsung || c.kind != Kind::kWrite) return;
    if (c.row == 0x17ff && ++entering_ == 4) {
      lock_step_ = true;
      entering_ = 0;
    }
    if (c.row == 0x1fff && ++leaving_ == 2) {
      lock_step_ = false;
      leaving_ = 0;
    }
    if (c.row == 0x3fff && c.column == 0) pim_mode_ = !pim_mode_;
  }

  // --- timing -----------------------------------------------------------------------------------

  [[nodiscard]] bool same_bus(const Issued& a, const Issued& b) const {
    return style_ != Style::kAttacc || is_row(a.kind) == is_row(b.kind);
  }
  [[nodiscard]] bool on_bus(const Issued& c) const {
    return !(style_ == Style::kNeupims && c.kind == Kind::kMac);
  }

  [[nodiscard]] int slot_gap(const Issued& a, const Issued& b) const {
    if (!on_bus(a) || !on_bus(b) || !same_bus(a, b)) return 0;
    return opens(a.kind) ? n_.act_slots : 1;
  }

  [[nodiscard]] int least_gap(const Issued& a, const Issued& b) const {
    const bool same_bank = (a.banks & b.banks) != 0;
    int gap = slot_gap(a, b);
    const auto at_least = [&](int clocks) { gap = std::max(gap, clocks); };
    if (a.kind == Kind::kRefresh && (opens(b.kind) || b.kind == Kind::kRefresh)) {
      at_least(n_.ref_act);
    }
    if (closes(a.kind) && b.kind == Kind::kRefresh) at_least(n_.pre_act);
    if (a.kind == Kind::kModeSwitch) at_least(n_.mode);
    if (same_bank && dual(a) == dual(b)) at_least(row_gap(a.kind, b.kind));
    if (same_bank && style_ == Style::kAim) at_least(aim_row_gap(a.kind, b.kind));
    if (opens(a.kind) && opens(b.kind)) at_least(activate_gap(a, b));
    at_least(column_gap(a, b));
    at_least(move_gap(a, b));
    return gap;
  }

  [[nodiscard]] int row_gap(Kind a, Kind b) const {
    if (opens(a) && b == Kind::kRead) return n_.act_rd;
    if (opens(a) && b == Kind::kWrite) return n_.act_wr;
    if (opens(a) && b == Kind::kMac) return n_.act_mac;
    if (opens(a) && closes(b)) return n_.act_pre;
    if (opens(a) && opens(b)) return n_.act_act;
    if (closes(a) && opens(b)) return n_.pre_act;
    if (opens(a) && b == Kind::kMacBank) return n_.act_mac;
    if ((a == Kind::kRead || a == Kind::kMac || a == Kind::kMacBank) && closes(b)) {
      return n_.rd_pre;
    }
    if (a == Kind::kWrite && closes(b)) return n_.wr_pre;
    return 0;
  }

  /// Activate to the product 25, the function 86, copies 66 and 48, a write of all 28; to the
  /// precharge a read's 12, after a product write latency and recovery, after a copy into a bank a
  /// burst more; a write of all precharges by itself.
  [[nodiscard]] static int aim_row_gap(Kind a, Kind b) {
    if (opens(a) && b == Kind::kMultiply) return 25;
    if (opens(a) && b == Kind::kFunction) return 86;
    if (opens(a) && b == Kind::kCopyOut) return 66;
    if (opens(a) && b == Kind::kCopyIn) return 48;
    if (opens(a) && b == Kind::kWriteAll) return 28;
    if (a == Kind::kMultiply && closes(b)) return 6 + 33;
    if ((a == Kind::kFunction || a == Kind::kCopyOut) && closes(b)) return 12;
    if (a == Kind::kCopyIn && closes(b)) return 6 + 2 + 33;
    if (a == Kind::kWriteAll && (opens(b) || b == Kind::kRefresh)) return 6 + 2 + 33 + 32;
    return 0;
  }

  [[nodiscard]] int activate_gap(const Issued& a, const Issued& b) const {
    if (a.kind == Kind::kActivateFour) return n_.four_acts;
    if (b.kind == Kind::kActivateFour) return n_.act_act_long;
    if (a.kind != Kind::kActivate || b.kind != Kind::kActivate) return 0;
    if (meet(a, b, n_.banks_of_group, n_.banks)) return n_.act_act_long;
    return meet(a, b, n_.banks_of_rank, n_.banks) ? n_.act_act_short : 0;
  }

  [[nodiscard]] int column_gap(const Issued& a, const Issued& b) const {
    const auto mac = [](Kind k) { return k == Kind::kMac || k == Kind::kMacBank; };
    const bool of_all = a.kind == Kind::kMac || b.kind == Kind::kMac;
    // One bank of each of 16 groups: the power cap of all-bank MACs (nCCDSB).
    const bool of_groups = std::popcount(a.banks) == 16 && std::popcount(b.banks) == 16;
    const bool capped = of_all || (style_ == Style::kAttacc && of_groups);
    if (mac(a.kind) && mac(b.kind) && capped) return n_.mac_mac;
    if (style_ == Style::kNeupims && (a.kind == Kind::kMac || b.kind == Kind::kMac)) return 0;
    const bool group = meet(a, b, n_.banks_of_group, n_.banks);
    const bool pseudo = meet(a, b, n_.banks_of_pseudo, n_.banks);
    if (a.kind == Kind::kWrite && (b.kind == Kind::kRead || b.kind == Kind::kMac)) {
      return group ? n_.wr_rd_long : pseudo ? n_.wr_rd_short : 0;
    }
    if (a.kind == Kind::kWrite && b.kind == Kind::kMacBank) return group ? n_.wr_rd_long : 0;
    if (a.kind == Kind::kRead && b.kind == Kind::kWrite) return pseudo ? n_.rd_wr : 0;
    const auto access = [](Kind k) {
      return k == Kind::kRead || k == Kind::kWrite || k == Kind::kMac || k == Kind::kMacBank;
    };
    if (!access(a.kind) || !access(b.kind)) return 0;
    if (group) return n_.column_long;
    if (meet(a, b, n_.banks_of_rank, n_.banks)) return n_.column_short;
    return pseudo ? n_.data : 0;
  }

  [[nodiscard]] int move_gap(const Issued& a, const Issued& b) const {
    if (style_ == Style::kAttacc) return attacc_move_gap(a, b);
    if (style_ == Style::kAim) return aim_move_gap(a.kind, b.kind);
    if (style_ == Style::kNeupims) return neupims_move_gap(a.kind, b.kind);
    return 0;
  }

  [[nodiscard]] int attacc_move_gap(const Issued& a, const Issued& b) const {
    const auto path = [](Kind k) { return moves(k) || k == Kind::kRead || k == Kind::kWrite; };
    if (!path(a.kind) || !path(b.kind) || (!moves(a.kind) && !moves(b.kind))) return 0;
    if (meet(a, b, n_.banks_of_group, n_.banks)) return n_.column_long;
    if (meet(a, b, n_.banks_of_rank, n_.banks)) return n_.column_short;
    return meet(a, b, n_.banks_of_pseudo, n_.banks) ? n_.data : 0;
  }

  [[nodiscard]] static int aim_move_gap(Kind a, Kind b) {
    if (is_aim_other(a) || is_aim_other(b)) return aim_other_gap(a, b);
    const bool fill_a = a == Kind::kBufferWrite || a == Kind::kBiasWrite;
    const bool fill_b = b == Kind::kBufferWrite || b == Kind::kBiasWrite;
    // Result registers: latency 0, burst 2, 3 + 1 to turn the bus, minus the buffers' latency 1.
    if (a == Kind::kResultMove && fill_b) return 0 + 2 + 3 + 1 - 1;
    // Buffers: latency 1, burst 2, then the turn of a read of other (9) or all (11) bank groups.
    if (a == Kind::kBufferWrite && b == Kind::kResultMove) return 1 + 2 + 9;
    if (a == Kind::kBiasWrite && b == Kind::kResultMove) return 1 + 2 + 11;
    if (fill_a && fill_b) return 2;
    if (a == Kind::kMac && b == Kind::kResultMove) return 2;
    if (a == Kind::kResultMove && (b == Kind::kMac || b == Kind::kResultMove)) return 2;
    return 0;
  }

  /// Reads and writes of either kind are a column time apart; a write of all turns the bus.
  [[nodiscard]] static int aim_other_gap(Kind a, Kind b) {
    const auto reads = [](Kind k) {
      return k == Kind::kRead || k == Kind::kMac || k == Kind::kMacBank || k == Kind::kCopyOut ||
             k == Kind::kMultiply || k == Kind::kResultMove;
    };
    const auto writes = [](Kind k) {
      return k == Kind::kWrite || k == Kind::kCopyIn || k == Kind::kMultiply ||
             k == Kind::kWriteAll || k == Kind::kBufferWrite || k == Kind::kBiasWrite;
    };
    if (a == Kind::kRead && b == Kind::kWriteAll) return 50 + 2 + 3 - 6 + 1;
    if (a == Kind::kWriteAll && (b == Kind::kRead || b == Kind::kResultMove)) return 6 + 2 + 11;
    return (reads(a) && reads(b)) || (writes(a) && writes(b)) ? 2 : 0;
  }

  [[nodiscard]] static int neupims_move_gap(Kind a, Kind b) {
    // GWRITE: 32 pairs of a short and a long column time, (1 + 2) * 32.
    if (a == Kind::kBufferWrite && (b == Kind::kMac || b == Kind::kBufferWrite)) return 96;
    if (a == Kind::kMac && (b == Kind::kResultMove || b == Kind::kBufferWrite)) return 2;
    if (a == Kind::kResultMove && b == Kind::kMac) return 2;
    if (a == Kind::kResultMove && b == Kind::kPrechargePim) return 5;
    if (a == Kind::kRead && b == Kind::kResultMove) return 2;
    if ((a == Kind::kResultMove || a == Kind::kBufferWrite) && b == Kind::kRead) return 2;
    return 0;
  }

  /// No five activates of a rank within the window of four.
  std::string window_error(const Issued& c) {
    if (c.kind != Kind::kActivate || n_.four_acts == 0) return {};
    for (int first = 0; first < n_.banks; first += n_.banks_of_rank) {
      const std::uint64_t rank = ((std::uint64_t{1} << n_.banks_of_rank) - 1) << first;
      if ((c.banks & rank) == 0) continue;
      std::vector<std::int64_t>& acts = activates_[static_cast<std::size_t>(first)];
      if (acts.size() >= 4 && c.at - acts[acts.size() - 4] < n_.four_acts) {
        return "is the fifth activate in a window of four";
      }
      acts.push_back(c.at);
    }
    return {};
  }

  void note(const Issued& c) {
    if (c.kind == Kind::kModeSwitch) register_mode_ = !register_mode_;
    note_samsung(c);
    for (int b = 0; b < n_.banks; ++b) {
      if ((c.banks >> b & 1) == 0) continue;
      std::int32_t& row = row_[dual(c) ? 1 : 0][static_cast<std::size_t>(b)];
      if (opens(c.kind)) row = c.row;
      if (closes(c.kind) || c.kind == Kind::kWriteAll) row = -1;
    }
  }

  Style style_;
  const Numbers& n_;
  std::array<std::array<std::int32_t, 64>, 2> row_{};
  std::array<std::vector<std::int64_t>, 64> activates_;
  bool register_mode_ = false;
  bool lock_step_ = false;
  bool pim_mode_ = false;
  int entering_ = 0;
  int leaving_ = 0;
};

}  // namespace

std::string pim_violation(pim::Style style, const std::vector<pim::Issued>& commands) {
  return Checker(style).check(commands);
}

}  // namespace orrery::testing
