// SPDX-License-Identifier: Apache-2.0
//
// Per-bank refresh that costs little: a refresh that is due waits for a bank that nobody wants.
//
// Each bank of a pseudo-channel is refreshed once before any is refreshed again (the standard's set
// rule). Of those that are left and idle, the one used last is taken: a stream that has just gone
// past a bank comes back to it latest. A bank that was used neither lately nor for a whole
// interval is next in nobody's way either; between the two the refresh is rather postponed, while
// less than half of the eight intervals are spent that the standard allows. When all are spent,
// a bank is held: its requests wait until it has been refreshed.
#ifndef ORRERY_SIM_HARDWARE_HBM_BANK_REFRESH_H_
#define ORRERY_SIM_HARDWARE_HBM_BANK_REFRESH_H_

#include <array>
#include <cstdint>

#include "sim/hardware/hbm/bank_queues.h"
#include "sim/hardware/hbm/bank_timing.h"

namespace orrery::hbm {

class BankRefresh {
 public:
  /// Not `enabled`: nothing ever falls due.
  /// `more_reserve`: ticks for which all banks may be kept from their refreshes.
  BankRefresh(const Device& device, const TickTiming& timing, bool enabled, Tick more_reserve = 0);

  /// Begins as after a long time: each pseudo-channel owes `share` of what it does before it must
  /// refresh, and
  /// refreshes fall due `phase` ticks sooner. Before the first tick.
  void begin_late(double share, Tick phase);
  /// Of the most that may be owed, over all pseudo-channels.
  [[nodiscard]] double owed_share() const;

  /// When the next refresh falls due.
  [[nodiscard]] Tick next_due() const { return next_due_; }
  void fall_due(Tick now);
  [[nodiscard]] bool owes(std::uint32_t pseudo) const { return pseudo_[pseudo].debt > 0; }
  /// So many are owed that a bank is held: a few fewer than may be, for it takes a while to close
  /// the bank and more fall due meanwhile.
  [[nodiscard]] bool must(std::uint32_t pseudo) const {
    return pseudo_[pseudo].debt >= most_debt_ - reserve_;
  }
  /// So many are owed that a pseudo-channel in power-down is woken: half of what may be.
  [[nodiscard]] bool wakes() const {
    return pseudo_[0].debt * 2 >= most_debt_ || pseudo_[1].debt * 2 >= most_debt_;
  }
  [[nodiscard]] const BankSet& held() const { return held_; }

  static constexpr std::uint32_t kNobody = UINT32_MAX;
  /// The bank to refresh (closing it first if it is open), or kNobody for now. A bank that it
  /// holds stays the choice.
  [[nodiscard]] std::uint32_t choose(std::uint32_t pseudo, Tick now, const BankQueues& queues);
  /// Whether there is nothing to wait for, so that any idle bank is good.
  void take_any_idle(bool any) {
    if (any == any_idle_) return;
    any_idle_ = any;
    for (Pseudo& p : pseudo_) p.choice = kUnknown;
  }
  void on_used(std::uint32_t bank, Tick now) { last_used_[bank] = now; }
  /// Nobody wants the bank any more; it has just been used, so that it is the best choice.
  void on_idle(std::uint32_t bank) {
    if (waits_.contains(bank)) pseudo_[bank >> pseudo_shift_].choice = bank;
  }
  void on_wanted(std::uint32_t bank) {
    Pseudo& p = pseudo_[bank >> pseudo_shift_];
    if (p.choice == bank) p.choice = kUnknown;
  }
  void on_refreshed(std::uint32_t bank);
  /// The device refreshes itself: nothing falls due until on_exit().
  void on_entry() { next_due_ = kNever; }
  /// It no longer does. One interval of refreshes is owed, whatever was before: one internal
  /// refresh may have been missed (JESD79-3F and JESD209-2F, which ask for one refresh before the
  /// next entry; taken to hold for HBM). A new round begins, as LPDDR4's bank counter does
  /// (JESD209-4, recalled).
  void on_exit(Tick now);

 private:
  struct Pseudo {
    std::int64_t debt = 0;
    Tick due = kNever;
    std::uint32_t left = 0;  ///< Banks of this round that wait for their refresh.
    std::uint32_t held = kNobody;
    /// The idle bank to take; looked for anew when it is wanted, is no good any more, or when the
    /// next refresh falls due.
    std::uint32_t choice = kUnknown;
  };
  void fall_due_from(Tick now);
  static constexpr std::uint32_t kUnknown = UINT32_MAX - 1;
  [[nodiscard]] std::uint32_t best_idle(const Pseudo& p, std::uint32_t first, Tick now,
                                        const BankQueues& queues) const;
  [[nodiscard]] bool good(const Pseudo& p, std::uint32_t bank, Tick now) const {
    const Tick age = now - last_used_[bank];
    return age <= refresh_time_ || age >= whole_interval_ || p.debt * 2 >= most_debt_ || any_idle_;
  }
  [[nodiscard]] std::uint32_t first_waiting(std::uint32_t first) const;
  void begin_round(Pseudo& p, std::uint32_t first);

  std::uint32_t pseudo_shift_;
  std::uint32_t banks_;  ///< Of a pseudo-channel.
  Tick interval_;
  Tick refresh_time_;
  Tick whole_interval_;
  std::int64_t most_debt_;
  std::int64_t reserve_;
  bool any_idle_ = false;
  Tick next_due_ = kNever;
  std::uint32_t pseudo_channels_ = 0;  ///< That have refreshes.
  std::array<Pseudo, 2> pseudo_;
  BankSet waits_;
  std::array<Tick, kMaxBanks> last_used_{};
  BankSet held_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_BANK_REFRESH_H_
