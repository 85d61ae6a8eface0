// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/bank_refresh.h"

#include <algorithm>
#include <bit>

#include "sim/core/check.h"

namespace orrery::hbm {
namespace {

/// Intervals of refresh that JEDEC lets a controller owe (JESD235, JESD238: postponing).
constexpr std::int64_t kPostponedIntervals = 8;
/// Refreshes that may fall due while a bank is held for its own.
constexpr std::int64_t kReserve = 4;

}  // namespace

BankRefresh::BankRefresh(const Device& device, const TickTiming& timing, bool enabled,
                         Tick more_reserve)
    : banks_(static_cast<std::uint32_t>(device.geometry.banks_of_pseudo_channel())),
      interval_(timing.refresh_interval / banks_),
      refresh_time_(timing.refresh_bank_act),
      whole_interval_(timing.refresh_interval),
      most_debt_(kPostponedIntervals * banks_),
      reserve_(kReserve + (more_reserve + interval_ - 1) / interval_) {
  pseudo_shift_ = static_cast<std::uint32_t>(std::bit_width(banks_)) - 1;
  last_used_.fill(kLongAgo);
  if (!enabled) return;
  pseudo_channels_ = static_cast<std::uint32_t>(device.geometry.pseudo_channels);
  fall_due_from(0);
}

void BankRefresh::fall_due_from(Tick now) {
  for (std::uint32_t p = 0; p < pseudo_channels_; ++p) {
    pseudo_[p].due = now + interval_ + p * (interval_ / pseudo_channels_);
    begin_round(pseudo_[p], p << pseudo_shift_);
  }
  if (pseudo_channels_ > 0) next_due_ = now + interval_;
}

void BankRefresh::on_exit(Tick now) {
  for (Pseudo& p : pseudo_) {
    ORRERY_CHECK(p.held == kNobody);
    p.debt = p.due == kNever ? 0 : banks_;
    p.choice = kUnknown;
  }
  fall_due_from(now);
}

void BankRefresh::begin_late(double share, Tick phase) {
  if (next_due_ == kNever) return;
  next_due_ = kNever;
  for (Pseudo& p : pseudo_) {
    if (p.due == kNever) continue;
    p.debt = static_cast<std::int64_t>(share * static_cast<double>(most_debt_ - reserve_));
    p.due -= phase % interval_;
    next_due_ = std::min(next_due_, p.due);
  }
}

double BankRefresh::owed_share() const {
  std::int64_t owed = 0;
  std::int64_t most = 0;
  for (const Pseudo& p : pseudo_) {
    if (p.due == kNever) continue;
    owed += std::min(p.debt, most_debt_);
    most += most_debt_;
  }
  return most == 0 ? 0 : static_cast<double>(owed) / static_cast<double>(most);
}

void BankRefresh::begin_round(Pseudo& p, std::uint32_t first) {
  p.left = banks_;
  for (std::uint32_t b = first; b < first + banks_; ++b) waits_.insert(b);
}

void BankRefresh::fall_due(Tick now) {
  next_due_ = kNever;
  for (Pseudo& p : pseudo_) {
    while (p.due <= now) {
      ++p.debt;
      p.choice = kUnknown;
      p.due += interval_;
    }
    next_due_ = std::min(next_due_, p.due);
  }
}

std::uint32_t BankRefresh::choose(std::uint32_t pseudo, Tick now, const BankQueues& queues) {
  Pseudo& p = pseudo_[pseudo];
  if (p.held != kNobody) return p.held;
  const std::uint32_t first = pseudo << pseudo_shift_;
  if (p.choice == kUnknown || (p.choice != kNobody && !good(p, p.choice, now))) {
    p.choice = best_idle(p, first, now, queues);
  }
  if (!must(pseudo)) return p.choice;
  // An idle bank is held too, lest it be wanted again before its turn comes.
  p.held = p.choice != kNobody ? p.choice : first_waiting(first);
  held_.insert(p.held);
  return p.held;
}

std::uint32_t BankRefresh::first_waiting(std::uint32_t first) const {
  while (!waits_.contains(first)) ++first;
  return first;
}

std::uint32_t BankRefresh::best_idle(const Pseudo& p, std::uint32_t first, Tick now,
                                     const BankQueues& queues) const {
  std::uint32_t best = kNobody;
  const auto consider = [&](std::uint32_t b) {
    if (b < first || b >= first + banks_) return;
    if (!good(p, b, now)) return;
    if (best == kNobody || last_used_[b] > last_used_[best]) best = b;
  };
  for (std::uint32_t w = first / 64; w <= (first + banks_ - 1) / 64; ++w) {
    for_each_bank(waits_.word(w) & queues.idle_word(w), w, consider);
  }
  return best;
}

void BankRefresh::on_refreshed(std::uint32_t bank) {
  const std::uint32_t pseudo = bank >> pseudo_shift_;
  Pseudo& p = pseudo_[pseudo];
  --p.debt;
  p.choice = kUnknown;
  waits_.erase(bank);
  if (p.held == bank) {
    p.held = kNobody;
    held_.erase(bank);
  }
  if (--p.left == 0) begin_round(p, pseudo << pseudo_shift_);
}

}  // namespace orrery::hbm
