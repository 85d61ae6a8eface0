// SPDX-License-Identifier: Apache-2.0
//
// What a channel's controller does next.
#include <algorithm>

#include "sim/hardware/hbm/channel.h"

namespace orrery::hbm {

template <class Word, class Visit>
inline void Channel::for_each_of(std::uint32_t pseudo, Word&& word, Visit&& visit) const {
  const std::uint32_t first = banks_.first_bank(pseudo) / 64;
  for (std::uint32_t w = first; w < first + words_of_pseudo_; ++w) {
    for_each_bank(word(w) & bits_of_pseudo_[pseudo], w, visit);
  }
}

inline std::uint64_t Channel::eligible(std::uint32_t w) const {
  const std::uint64_t all = ~(bank_refresh_.held().word(w) | activations_.stopped().word(w));
  return scheduler_ == Scheduler::kFcfs ? all & oldest_only(w) : all;
}

std::uint64_t Channel::oldest_only(std::uint32_t w) const {
  if (queues_.size(mode_) == 0) return 0;
  const std::uint32_t bank = queues_.oldest_bank(mode_);
  return bank / 64 == w ? std::uint64_t{1} << (bank % 64) : 0;
}

void Channel::choose_column(Tick now) {
  column_known_ = true;
  const Tick free = std::max(now, banks_.column_bus());
  if (choices_[0].column.at < free) find_column(0, now);
  if (pseudo_channels_ == 2 && choices_[1].column.at < free) find_column(1, now);
  const ColumnChoice& a = choices_[0].column;
  const ColumnChoice& b = choices_[pseudo_channels_ - 1].column;
  column_ = b.at < a.at || (b.at == a.at && b.order < a.order) ? b : a;
}

void Channel::find_column(std::uint32_t pseudo, Tick now) {
  ColumnChoice best;
  if (queues_.any_active()) {
    const Tick reads = banks_.read_floor(pseudo, now);
    const Tick writes = banks_.write_floor(pseudo, now);
    for_each_of(
        pseudo, [&](std::uint32_t w) { return queues_.active_banks().word(w); },
        [&](std::uint32_t bank) { consider_active(bank, reads, writes, best); });
  }
  if (!all_bank_waits()) {
    const bool in_order = scheduler_ == Scheduler::kFcfs;
    const BankSet& hits = in_order ? queues_.hit_first(mode_) : queues_.hits(mode_);
    const auto may = [&](std::uint32_t w) { return hits.word(w) & eligible(w); };
    if (mode_ == BankQueues::kWrite) {
      const Tick floor = banks_.write_floor(pseudo, now);
      for_each_of(pseudo, may, [&](std::uint32_t bank) { consider_hit<true>(bank, floor, best); });
    } else {
      const Tick floor = banks_.read_floor(pseudo, now);
      for_each_of(pseudo, may, [&](std::uint32_t bank) { consider_hit<false>(bank, floor, best); });
    }
  }
  choices_[pseudo].column = best;
}

inline void Channel::consider_active(std::uint32_t bank, Tick read_floor, Tick write_floor,
                                     ColumnChoice& best) const {
  const Slot& slot = queues_.slot(queues_.active(bank));
  const Tick at =
      slot.request.write() ? banks_.write_at(bank, write_floor) : banks_.read_at(bank, read_floor);
  const std::int64_t order = slot.order + kActive;
  if (at < best.at || (at == best.at && order < best.order)) best = {at, order, bank};
}

template <bool Write>
inline void Channel::consider_hit(std::uint32_t bank, Tick floor, ColumnChoice& best) const {
  const std::int64_t order =
      queues_.hit_order(Write ? BankQueues::kWrite : BankQueues::kRead, bank);
  const bool loses_tie = order >= best.order;
  if (floor == best.at && loses_tie) return;
  const Tick at = Write ? banks_.write_at(bank, floor) : banks_.read_at(bank, floor);
  if (at < best.at || (at == best.at && !loses_tie)) best = {at, order, bank};
}

void Channel::reconsider_active(std::uint32_t bank) {
  const std::uint32_t pseudo = banks_.pseudo_of(bank);
  column_known_ = false;
  ColumnChoice& known = choices_[pseudo].column;
  if (known.at == kLongAgo) return;
  const Tick now = now_ + 1;
  consider_active(bank, banks_.read_floor(pseudo, now), banks_.write_floor(pseudo, now), known);
}

void Channel::reconsider_hit(std::uint32_t bank) {
  column_known_ = false;
  ColumnChoice& known = choices_[banks_.pseudo_of(bank)].column;
  if (known.at == kLongAgo || all_bank_waits()) return;
  if (scheduler_ == Scheduler::kFcfs) return forget_choices();
  if (stopped(bank)) return;
  const std::uint32_t pseudo = banks_.pseudo_of(bank);
  if (mode_ == BankQueues::kWrite) {
    consider_hit<true>(bank, banks_.write_floor(pseudo, now_), known);
  } else {
    consider_hit<false>(bank, banks_.read_floor(pseudo, now_), known);
  }
}

bool Channel::kept_open(std::uint32_t bank) const {
  if (queues_.active(bank) >= 0) return true;
  return scheduler_ == Scheduler::kFrFcfsRowHit && queues_.hit_first(mode_).contains(bank);
}

void Channel::choose_row_awake(Tick now) {
  row_known_ = true;
  if (all_bank_waits()) return choose_all_bank_refresh(now);
  const Tick free = std::max(now, banks_.row_bus());
  const RowChoice* best = &choices_[0].act;
  const auto consider = [&best](const RowChoice& choice) {
    if (choice.at < best->at || (choice.at == best->at && choice.order < best->order)) {
      best = &choice;
    }
  };
  for (std::uint32_t p = 0; p < pseudo_channels_; ++p) {
    Choices& known = choices_[p];
    if (known.act.at < free) find_act(p, now);
    if (known.pre.at < free) find_pre(p, now);
    consider(known.act);
    consider(known.pre);
  }
  row_ = *best;
  if (activations_.any()) choose_management(now);
  if (refresh_ == Refresh::kPerBank) choose_bank_refresh(now);
}

void Channel::find_act(std::uint32_t pseudo, Tick now) {
  RowChoice best;
  const Tick floor = banks_.act_floor(pseudo, now);
  for_each_of(
      pseudo,
      [&](std::uint32_t w) {
        return queues_.misses(mode_).word(w) & ~banks_.open_banks().word(w) & eligible(w) &
               ~activations_.held().word(w);
      },
      [&](std::uint32_t bank) { consider_act(bank, floor, best); });
  choices_[pseudo].act = best;
}

void Channel::find_pre(std::uint32_t pseudo, Tick now) {
  RowChoice best;
  const Tick floor = banks_.pre_floor(pseudo, now);
  // A row that the queue's oldest request hits is kept open by that alone.
  const bool kept = scheduler_ != Scheduler::kFrFcfs;
  for_each_of(
      pseudo,
      [&](std::uint32_t w) {
        const std::uint64_t hit_first = kept ? queues_.hit_first(mode_).word(w) : 0;
        return queues_.misses(mode_).word(w) & banks_.open_banks().word(w) & eligible(w) &
               ~queues_.active_banks().word(w) & ~hit_first;
      },
      [&](std::uint32_t bank) { consider_pre(bank, floor, best); });
  choices_[pseudo].pre = best;
}

inline void Channel::consider_act(std::uint32_t bank, Tick floor, RowChoice& best) const {
  const std::int64_t order = queues_.miss_order(mode_, bank);
  if (floor == best.at && order >= best.order) return;
  const Tick at = banks_.act_at(bank, floor);
  if (at > best.at || (at == best.at && order >= best.order)) return;
  best = {at, order, bank, RowAction::kAct};
}

inline void Channel::consider_pre(std::uint32_t bank, Tick floor, RowChoice& best) const {
  const Tick at = banks_.pre_at(bank, floor);
  if (at > best.at) return;
  const std::int64_t order = queues_.miss_order(mode_, bank);
  if (at == best.at && order >= best.order) return;
  best = {at, order, bank, RowAction::kPre};
}

void Channel::reconsider_row(std::uint32_t bank) {
  if (all_bank_waits()) return;
  if (scheduler_ == Scheduler::kFcfs) return forget_choices();
  if (stopped(bank)) return;
  const std::uint32_t pseudo = banks_.pseudo_of(bank);
  Choices& known = choices_[pseudo];
  if (!banks_.open_banks().contains(bank)) {
    row_known_ = false;
    if (activations_.held().contains(bank)) return;
    if (known.act.at != kLongAgo) consider_act(bank, banks_.act_floor(pseudo, now_), known.act);
  } else if (!kept_open(bank)) {
    row_known_ = false;
    if (known.pre.at != kLongAgo) consider_pre(bank, banks_.pre_floor(pseudo, now_), known.pre);
  }
}

void Channel::choose_all_bank_refresh(Tick now) {
  row_ = {};
  const auto pseudo = static_cast<std::uint32_t>(refresh_front_ % pseudo_channels_);
  const std::uint32_t first = banks_.first_bank(pseudo);
  for (std::uint32_t b = first; b < first + banks_.banks_of_pseudo(); ++b) {
    if (queues_.active(b) >= 0) return;  // chosen again when it has been served
  }
  const bool open = banks_.any_open(pseudo);
  const Tick at = open ? banks_.earliest_preab(pseudo, now) : banks_.earliest_refab(pseudo, now);
  row_ = {at, 0, first, open ? RowAction::kPreab : RowAction::kRefab};
}

/// Whether an activate would put off a refresh that is as good as ready: activates follow each
/// other sooner than a refresh may follow one, and would never let it through.
bool Channel::delays(const RowChoice& choice, std::uint32_t pseudo, Tick refresh_at) const {
  return choice.action == RowAction::kAct && banks_.pseudo_of(choice.bank) == pseudo &&
         refresh_at < choice.at + timing_.act_refresh_bank;
}

void Channel::choose_management(Tick now) {
  for (std::uint32_t p = 0; p < pseudo_channels_; ++p) {
    if (activations_.all_bank()) {
      consider_all_bank_management(p, now);
      continue;
    }
    for_each_of(
        p, [&](std::uint32_t w) { return activations_.wants().word(w); },
        [&](std::uint32_t bank) { consider_management(bank, now); });
  }
}

/// An open bank that somebody wants is closed by that request, if need be.
void Channel::consider_management(std::uint32_t bank, Tick now) {
  const bool must = activations_.held().contains(bank);
  const bool open = banks_.open_row(bank) != kNoRow;
  if (!queues_.idle(bank) && (open || !must)) return;
  const std::uint32_t pseudo = banks_.pseudo_of(bank);
  const Tick at =
      open ? banks_.pre_at(bank, banks_.pre_floor(pseudo, now)) : banks_.earliest_refpb(bank, now);
  const bool first = at < row_.at || (must && (at == row_.at || delays(row_, pseudo, at)));
  if (first) row_ = {at, kForRefresh, bank, open ? RowAction::kPre : RowAction::kRfmpb};
}

bool Channel::idle(std::uint32_t pseudo) const {
  std::uint64_t wanted = 0;
  const std::uint32_t first = banks_.first_bank(pseudo) / 64;
  for (std::uint32_t w = first; w < first + words_of_pseudo_; ++w) {
    wanted |= bits_of_pseudo_[pseudo] & ~queues_.idle_word(w);
  }
  return wanted == 0;
}

void Channel::consider_all_bank_management(std::uint32_t pseudo, Tick now) {
  const std::uint32_t bank = banks_.first_bank(pseudo);
  bool wanted = false;
  bool active = false;
  for (std::uint32_t b = bank; b < bank + banks_.banks_of_pseudo(); ++b) {
    wanted = wanted || activations_.wants().contains(b);
    active = active || queues_.active(b) >= 0;
  }
  const bool must = activations_.stopped().contains(bank);
  // What has been activated is served first.
  if (!wanted || active || (!must && !idle(pseudo))) return;
  const bool open = banks_.any_open(pseudo);
  const Tick at = open ? banks_.earliest_preab(pseudo, now) : banks_.earliest_refab(pseudo, now);
  if (at > row_.at || (at == row_.at && !must)) return;
  row_ = {at, kForRefresh, bank, open ? RowAction::kPreab : RowAction::kRfmab};
}

void Channel::count_activate(std::uint32_t bank) {
  activations_.on_activate(bank);
  if (activations_.stopped().contains(bank)) forget_choices(banks_.pseudo_of(bank));
}

bool Channel::managed_first(std::uint32_t pseudo) const {
  if (activations_.stopped().contains(banks_.first_bank(pseudo))) return true;
  const std::uint32_t first = banks_.first_bank(pseudo) / 64;
  std::uint64_t wanted = 0;
  for (std::uint32_t w = first; w < first + words_of_pseudo_; ++w) {
    wanted |= bits_of_pseudo_[pseudo] & activations_.wants().word(w);
  }
  return wanted != 0 && idle(pseudo) && !bank_refresh_.must(pseudo);
}

void Channel::choose_bank_refresh(Tick now) {
  for (std::uint32_t pseudo = 0; pseudo < pseudo_channels_; ++pseudo) {
    if (!bank_refresh_.owes(pseudo)) continue;
    const bool must = bank_refresh_.must(pseudo);
    const Tick pre_floor = banks_.pre_floor(pseudo, now);
    // Requests go first, unless no more refresh may be postponed.
    if (!must && std::min(pre_floor, banks_.refpb_floor(pseudo, now)) >= row_.at) continue;
    if (activations_.all_bank() && managed_first(pseudo)) continue;
    const std::uint32_t bank = bank_refresh_.choose(pseudo, now, queues_);
    if (bank == BankRefresh::kNobody || queues_.active(bank) >= 0) continue;
    const bool open = banks_.open_row(bank) != kNoRow;
    const Tick at = open ? banks_.pre_at(bank, pre_floor) : banks_.earliest_refpb(bank, now);
    if (at > row_.at && must && !open && delays(row_, pseudo, at)) {
      row_ = {at, kForRefresh, bank, RowAction::kRefpb};
      continue;
    }
    if (at > row_.at || (at == row_.at && !must)) continue;
    row_ = {at, kForRefresh, bank, open ? RowAction::kPre : RowAction::kRefpb};
  }
}

}  // namespace orrery::hbm
