// SPDX-License-Identifier: Apache-2.0
//
// How a channel saves power.
//
// When nobody has wanted a channel for long enough, the refreshes that are owed are given first,
// then rows are closed where they must be, then it powers down or refreshes itself. It wakes for a
// request. From power-down it wakes for refreshes too: for an all-bank one as it falls due, for
// per-bank ones when half of what may be postponed is owed, which are then all given.
#include <algorithm>

#include "sim/core/check.h"
#include "sim/hardware/hbm/channel.h"

namespace orrery::hbm {

void Channel::choose_row_saving_power(Tick now) {
  row_known_ = true;
  if (power_.low()) return choose_exit(now);
  const bool idle = queues_.empty();
  if (idle && power_.settled() && !all_bank_waits()) return choose_low_power(now);
  bank_refresh_.take_any_idle(idle && power_.goal(now) != PowerControl::Goal::kStandby);
  choose_row_awake(now);
  if (idle && row_.action == RowAction::kNone) choose_low_power(now);
}

/// Nothing else is to be done, and nobody wants a bank.
void Channel::choose_low_power(Tick now) {
  const PowerControl::Goal goal = power_.goal(now);
  if (goal == PowerControl::Goal::kStandby) {
    row_ = {power_.first_time_out(), kForRefresh, 0, RowAction::kTimeOut};
    return;
  }
  power_.settle();
  const bool refreshes_itself = goal == PowerControl::Goal::kSelfRefresh;
  if (refreshes_itself && refresh_before_entry_) {
    refresh_before_entry_ = false;
    refresh_count_ += pseudo_channels_;
    return choose_all_bank_refresh(now);
  }
  for (std::uint32_t p = 0; p < pseudo_channels_; ++p) {
    if (!(refreshes_itself || power_.closes_rows()) || !banks_.any_open(p)) continue;
    row_ = {banks_.earliest_preab(p, now), kForRefresh, banks_.first_bank(p), RowAction::kPreab};
    return;
  }
  if (refreshes_itself) {
    row_ = {banks_.earliest_sre(now), kForRefresh, 0, RowAction::kSre};
  } else {
    row_ = {banks_.earliest_pde(now), kForRefresh, 0, RowAction::kPde};
  }
}

bool Channel::wakes() const {
  if (!queues_.empty()) return true;
  return !power_.self_refreshes() && (all_bank_waits() || bank_refresh_.wakes());
}

void Channel::choose_exit(Tick now) {
  const RowAction exit = power_.self_refreshes() ? RowAction::kSrx : RowAction::kPdx;
  row_ = {};
  if (wakes()) {
    row_ = {banks_.earliest_exit(now), kForRefresh, 0, exit};
  } else if (!power_.self_refreshes() && power_.self_refresh_at() < kNever) {
    // Self-refresh is entered from standby.
    row_ = {std::max(banks_.earliest_exit(now), power_.self_refresh_at()), kForRefresh, 0, exit};
  }
}

/// What comes of it may be in this same tick.
void Channel::time_out() {
  choose_row(now_);
  if (row_.at <= now_) issue_row();
}

void Channel::tell_of_channel(Command command) {
  ++statistics_.commands[hbm::index_of(command)];
  tell_who_hears(command, 0, 0, 0);
}

void Channel::change_power(RowAction action) {
  forget_choices();
  switch (action) {
    case RowAction::kPde:
      banks_.pde(now_);
      return tell_of_channel(Command::kPde);
    case RowAction::kPdx:
      banks_.pdx(now_);
      return tell_of_channel(Command::kPdx);
    case RowAction::kSre:
      banks_.sre(now_);
      bank_refresh_.on_entry();
      refresh_due_ = due_ = kNever;
      return tell_of_channel(Command::kSre);
    default:
      ORRERY_CHECK(action == RowAction::kSrx);
      banks_.srx(now_);
      bank_refresh_.on_exit(now_);
      if (refresh_ == Refresh::kAllBank) {
        refresh_due_ = now_ + timing_.refresh_interval;
        refresh_before_entry_ = true;
      }
      due_ = std::min(refresh_due_, bank_refresh_.next_due());
      return tell_of_channel(Command::kSrx);
  }
}

void Channel::tell_who_hears(Command command, std::uint32_t bank, std::uint32_t row,
                             std::uint32_t column) {
  if (listener_ != nullptr) listener_->on_command(now_, command, bank, row, column);
  if (power_.enabled()) follow_power(command);
}

void Channel::follow_power(Command command) {
  const bool open = !banks_.open_banks().empty();
  switch (command) {
    case Command::kPde:
      return power_.enter(open ? PowerState::kActivePowerDown : PowerState::kPrechargePowerDown,
                          now_);
    case Command::kSre:
      return power_.enter(PowerState::kSelfRefresh, now_);
    case Command::kRd:
    case Command::kRda:
    case Command::kWr:
    case Command::kWra:
      banks_.delay_power_down(command == Command::kWr || command == Command::kWra, now_);
      if (queues_.empty()) {
        power_.on_idle(now_);
        row_known_ = false;
      }
      break;
    default:
      break;
  }
  power_.enter(open ? PowerState::kActiveStandby : PowerState::kPrechargeStandby, now_);
}

}  // namespace orrery::hbm
