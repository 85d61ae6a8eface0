// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/channel.h"

#include <cmath>

#include "sim/core/check.h"

namespace orrery::hbm {
namespace {

/// A tick's commands take effect at its end.
constexpr Tick kOwnTick = 1;

}  // namespace

Channel::Channel(const Device& device, const ControllerOptions& options, CommandListener* listener)
    : Channel(device, TickTiming(device), options, listener) {}

Channel::Channel(const Device& device, const TickTiming& timing, const ControllerOptions& options,
                 CommandListener* listener)
    : timing_(timing),
      row_hit_first_(options.scheduler == Scheduler::kFrFcfsRowHit),
      refresh_(options.refresh),
      read_capacity_(static_cast<std::size_t>(options.read_queue)),
      write_capacity_(static_cast<std::size_t>(options.write_queue)),
      listener_(listener),
      banks_(device, timing_),
      queues_(read_capacity_, write_capacity_,
              static_cast<std::uint32_t>(device.geometry.banks_of_channel())),
      bank_refresh_(device, timing_, options.refresh == Refresh::kPerBank),
      words_(static_cast<std::uint32_t>(device.geometry.banks_of_channel() + 63) / 64),
      pseudo_channels_(static_cast<std::uint32_t>(device.geometry.pseudo_channels)) {
  for (std::uint32_t b = 0; b < device.geometry.banks_of_channel(); ++b) {
    pseudo_banks_[banks_.pseudo_of(b)].insert(b);
  }
  const auto entries = static_cast<double>(write_capacity_);
  drain_from_ = static_cast<std::size_t>(std::floor(options.write_high_watermark * entries)) + 1;
  drain_until_ = static_cast<std::size_t>(std::ceil(options.write_low_watermark * entries));
  // Refreshes fall due as a tick ends, like the requests that are offered.
  if (refresh_ == Refresh::kAllBank) refresh_due_ = timing_.refresh_interval - kOwnTick;
}

void Channel::begin_late(double share, Tick phase) {
  ORRERY_CHECK(next_ == 0 && now_ == 0 && share >= 0 && share <= 1);
  ORRERY_CHECK(phase >= 0 && phase < timing_.refresh_interval);
  if (refresh_ == Refresh::kAllBank) refresh_due_ -= phase;
  bank_refresh_.begin_late(share, phase);
}

void Channel::serve(std::span<const Request> requests, std::span<const Tick> arrivals) {
  ORRERY_CHECK(arrivals.empty() || arrivals.size() == requests.size());
  ORRERY_CHECK(next_ == 0 && now_ == 0);
  requests_ = requests;
  arrivals_ = arrivals;
  if (!requests_.empty() && !arrivals_.empty()) offer_at_ = arrivals_[0];
  while (!finished()) {
    step();
    now_ = next_event();
  }
}

bool Channel::finished() const { return next_ == requests_.size() && queues_.empty(); }

Tick Channel::next_event() const {
  const Tick offer = next_ < requests_.size() ? offer_at_ : kNever;
  const Tick column = column_known_ ? column_.at : now_ + 1;
  const Tick row = row_known_ ? row_.at : now_ + 1;
  return std::min({offer, column, row, refresh_due_, bank_refresh_.next_due()});
}

void Channel::step() {
  take_in();
  fall_due();
  choose_mode();
  if (!column_known_) choose_column();
  if (column_.at <= now_) issue_column();
  choose_mode();
  if (!row_known_) choose_row();
  if (row_.at <= now_) issue_row();
}

void Channel::take_in() {
  if (next_ == requests_.size() || offer_at_ > now_) return;
  const Request request = requests_[next_];
  const Tick arrive = arrivals_.empty() ? now_ : arrivals_[next_];
  if (!answer_from_writes(request, arrive)) {
    const int queue = request.write() ? BankQueues::kWrite : BankQueues::kRead;
    if (queues_.size(queue) >= (request.write() ? write_capacity_ : read_capacity_)) {
      offer_at_ = kNever;
      return;
    }
    const std::uint32_t bank = request.bank();
    queues_.push(request, arrive, banks_.open_row(bank));
    if (queue == mode_) {
      if (column_known_ && !all_bank_waits()) reconsider_column(bank);
      if (row_known_ && !all_bank_waits()) reconsider_row(bank);
    }
    // A bank that was idle no longer is.
    if (row_.bank == bank && row_.action != RowAction::kAct) row_known_ = false;
  }
  ++next_;
  block_or_offer_next();
}

void Channel::block_or_offer_next() {
  offer_at_ = now_ + 1;
  if (!arrivals_.empty() && next_ < arrivals_.size()) {
    offer_at_ = std::max(offer_at_, arrivals_[next_]);
  }
}

bool Channel::answer_from_writes(const Request& request, Tick arrive) {
  if (!queues_.holds_write(request)) return false;
  statistics_.end = std::max(statistics_.end, now_ + kOwnTick);
  if (request.write()) {
    ++statistics_.writes;
    ++statistics_.merged_writes;
    return true;
  }
  ++statistics_.reads;
  ++statistics_.forwarded_reads;
  const Tick latency = now_ + kOwnTick - arrive;
  statistics_.read_latency_sum += latency;
  statistics_.read_latency.add(latency);
  return true;
}

void Channel::fall_due() {
  if (now_ >= refresh_due_) {
    refresh_count_ += pseudo_channels_;
    refresh_due_ += timing_.refresh_interval;
    column_known_ = false;
    row_known_ = false;
  }
  if (now_ >= bank_refresh_.next_due()) {
    bank_refresh_.fall_due(now_);
    row_known_ = false;
  }
}

void Channel::choose_mode() {
  if (all_bank_waits()) return;
  const std::size_t writes = queues_.size(BankQueues::kWrite);
  const bool reads = queues_.size(BankQueues::kRead) > 0;
  const int before = mode_;
  if (mode_ == BankQueues::kRead) {
    if (writes >= drain_from_ || !reads) mode_ = BankQueues::kWrite;
  } else if (writes < drain_until_ && reads) {
    mode_ = BankQueues::kRead;
  }
  if (mode_ == before) return;
  column_known_ = false;
  row_known_ = false;
}

Channel::Floors Channel::read_floors() const {
  return {banks_.read_floor(0, now_), banks_.read_floor(pseudo_channels_ - 1, now_)};
}
Channel::Floors Channel::write_floors() const {
  return {banks_.write_floor(0, now_), banks_.write_floor(pseudo_channels_ - 1, now_)};
}
Channel::Floors Channel::act_floors() const {
  return {banks_.act_floor(0, now_), banks_.act_floor(pseudo_channels_ - 1, now_)};
}
Channel::Floors Channel::pre_floors() const {
  return {banks_.pre_floor(0, now_), banks_.pre_floor(pseudo_channels_ - 1, now_)};
}

void Channel::choose_column() {
  ColumnChoice best;
  column_known_ = true;
  const Floors reads = read_floors();
  const Floors writes = write_floors();
  for (std::uint32_t w = 0; w < words_; ++w) {
    for_each_bank(queues_.active_banks().word(w), w,
                  [&](std::uint32_t bank) { consider_active(bank, reads, writes, best); });
  }
  if (!all_bank_waits()) {
    const Floors& own = mode_ == BankQueues::kWrite ? writes : reads;
    // The pseudo-channel that is ready first, so that the other's banks are seldom looked at.
    const std::uint32_t first = own[1] < own[0] ? 1 : 0;
    consider_hits(first, own, best);
    if (pseudo_channels_ == 2) consider_hits(1 - first, own, best);
  }
  column_ = best;
}

inline void Channel::consider_hits(std::uint32_t pseudo, const Floors& own,
                                   ColumnChoice& best) const {
  if (own[pseudo] > best.at) return;
  for (std::uint32_t w = 0; w < words_; ++w) {
    const std::uint64_t hits = queues_.hits(mode_).word(w) & ~bank_refresh_.held().word(w);
    for_each_bank(hits & pseudo_banks_[pseudo].word(w), w,
                  [&](std::uint32_t bank) { consider_hit(bank, own[pseudo], best); });
  }
}

inline void Channel::consider_active(std::uint32_t bank, const Floors& reads, const Floors& writes,
                                     ColumnChoice& best) const {
  const Slot& slot = queues_.slot(queues_.active(bank));
  const std::uint32_t pseudo = banks_.pseudo_of(bank);
  const Tick at = slot.request.write() ? banks_.write_at(bank, writes[pseudo])
                                       : banks_.read_at(bank, reads[pseudo]);
  if (at > best.at) return;
  if (at == best.at && best.active && slot.arrive >= best.arrive) return;
  best = {at, slot.arrive, static_cast<std::uint16_t>(bank), true};
}

inline void Channel::consider_hit(std::uint32_t bank, Tick floor, ColumnChoice& best) const {
  if (floor > best.at) return;
  const Tick arrive = queues_.hit_arrive(mode_, bank);
  const bool loses_tie = best.active || arrive >= best.arrive;
  if (floor == best.at && loses_tie) return;
  const Tick at =
      mode_ == BankQueues::kWrite ? banks_.write_at(bank, floor) : banks_.read_at(bank, floor);
  if (at > best.at || (at == best.at && loses_tie)) return;
  best = {at, arrive, static_cast<std::uint16_t>(bank), false};
}

void Channel::reconsider_column(std::uint32_t bank) {
  const Floors reads = read_floors();
  const Floors writes = write_floors();
  if (queues_.active(bank) >= 0) consider_active(bank, reads, writes, column_);
  if (queues_.hit(mode_, bank) < 0 || bank_refresh_.held().contains(bank)) return;
  const Floors& own = mode_ == BankQueues::kWrite ? writes : reads;
  consider_hit(bank, own[banks_.pseudo_of(bank)], column_);
}

void Channel::issue_column() {
  const std::uint32_t bank = column_.bank;
  Slot& slot = queues_.slot(column_.active ? queues_.active(bank) : queues_.hit(mode_, bank));
  const Request request = slot.request;
  note_first_command(slot, true);
  complete(slot);
  if (request.write()) {
    banks_.write(bank, now_);
  } else {
    banks_.read(bank, now_);
  }
  bank_refresh_.on_used(bank, now_);
  tell(request.write() ? Command::kWr : Command::kRd, bank, request.row(), request.column());
  if (column_.active) {
    queues_.remove_active(bank);
  } else {
    queues_.remove_hit(mode_, bank);
    if (offer_at_ == kNever) offer_at_ = now_ + 1;
  }
  column_known_ = false;
  if (!row_known_) return;
  if (row_.bank == bank || all_bank_waits() || may_refresh(bank)) {
    row_known_ = false;
  } else {
    reconsider_row(bank);
  }
}

bool Channel::may_refresh(std::uint32_t bank) const {
  return queues_.idle(bank) && bank_refresh_.owes(banks_.pseudo_of(bank));
}

void Channel::complete(const Slot& slot) {
  if (slot.request.write()) {
    ++statistics_.writes;
    statistics_.end = std::max(statistics_.end, now_ + kOwnTick);
    return;
  }
  const Tick end = now_ + kOwnTick + timing_.read_done;
  ++statistics_.reads;
  statistics_.end = std::max(statistics_.end, end);
  statistics_.read_latency_sum += end - slot.arrive;
  statistics_.read_latency.add(end - slot.arrive);
}

void Channel::choose_row() {
  row_ = {};
  row_known_ = true;
  if (all_bank_waits()) return choose_all_bank_refresh();
  RowChoice best;
  const Floors acts = act_floors();
  const Floors pres = pre_floors();
  for (std::uint32_t w = 0; w < words_; ++w) {
    const std::uint64_t wanted = queues_.misses(mode_).word(w) & ~bank_refresh_.held().word(w);
    const std::uint64_t open = banks_.open_banks().word(w);
    for_each_bank(wanted & open & ~kept_open(w), w,
                  [&](std::uint32_t bank) { consider_pre(bank, pres, best); });
    for_each_bank(wanted & ~open, w, [&](std::uint32_t bank) { consider_act(bank, acts, best); });
  }
  row_ = best;
  if (refresh_ == Refresh::kPerBank) choose_bank_refresh();
}

std::uint64_t Channel::kept_open(std::uint32_t w) const {
  const std::uint64_t active = queues_.active_banks().word(w);
  return row_hit_first_ ? active | queues_.hit_first(mode_).word(w) : active;
}

inline void Channel::consider_act(std::uint32_t bank, const Floors& acts, RowChoice& best) const {
  const Tick floor = acts[banks_.pseudo_of(bank)];
  if (floor > best.at) return;
  const Tick arrive = queues_.miss_arrive(mode_, bank);
  if (floor == best.at && arrive >= best.arrive) return;
  const Tick at = banks_.act_at(bank, floor);
  if (at > best.at || (at == best.at && arrive >= best.arrive)) return;
  best = {at, arrive, static_cast<std::uint16_t>(bank), RowAction::kAct};
}

inline void Channel::consider_pre(std::uint32_t bank, const Floors& pres, RowChoice& best) const {
  const Tick at = banks_.pre_at(bank, pres[banks_.pseudo_of(bank)]);
  if (at > best.at) return;
  const Tick arrive = queues_.miss_arrive(mode_, bank);
  if (at == best.at && arrive >= best.arrive) return;
  best = {at, arrive, static_cast<std::uint16_t>(bank), RowAction::kPre};
}

void Channel::reconsider_row(std::uint32_t bank) {
  if (queues_.miss(mode_, bank) < 0 || bank_refresh_.held().contains(bank)) return;
  if (!banks_.open_banks().contains(bank)) {
    consider_act(bank, act_floors(), row_);
  } else if ((kept_open(bank / 64) >> (bank % 64) & 1U) == 0) {
    consider_pre(bank, pre_floors(), row_);
  }
}

void Channel::choose_all_bank_refresh() {
  const auto pseudo = static_cast<std::uint32_t>(refresh_front_ % pseudo_channels_);
  const std::uint32_t first = banks_.first_bank(pseudo);
  for (std::uint32_t b = first; b < first + banks_.banks_of_pseudo(); ++b) {
    if (queues_.active(b) >= 0) return;  // chosen again when it has been served
  }
  const bool open = banks_.any_open(pseudo);
  const Tick at = open ? banks_.earliest_preab(pseudo, now_) : banks_.earliest_refab(pseudo, now_);
  row_ = {at, 0, static_cast<std::uint16_t>(first), open ? RowAction::kPreab : RowAction::kRefab};
}

void Channel::choose_bank_refresh() {
  for (std::uint32_t pseudo = 0; pseudo < pseudo_channels_; ++pseudo) {
    if (!bank_refresh_.owes(pseudo)) continue;
    const std::uint32_t bank = bank_refresh_.choose(pseudo, now_, queues_);
    if (bank == BankRefresh::kNobody || queues_.active(bank) >= 0) continue;
    const bool open = banks_.open_row(bank) != kClosed;
    const Tick at = open ? banks_.pre_at(bank, banks_.pre_floor(pseudo, now_))
                         : banks_.earliest_refpb(bank, now_);
    // Requests go first, unless no more refresh may be postponed.
    if (at > row_.at || (at == row_.at && !bank_refresh_.must(pseudo))) continue;
    row_ = {at, kLongAgo, static_cast<std::uint16_t>(bank),
            open ? RowAction::kPre : RowAction::kRefpb};
  }
}

void Channel::issue_row() {
  const std::uint32_t bank = row_.bank;
  row_known_ = false;
  switch (row_.action) {
    case RowAction::kAct:
      return activate(bank);
    case RowAction::kPre:
      return precharge(bank);
    case RowAction::kPreab:
      return precharge_all(banks_.pseudo_of(bank));
    case RowAction::kRefab:
      banks_.refab(banks_.pseudo_of(bank), now_);
      tell(Command::kRefab, bank, 0, 0);
      ++refresh_front_;
      column_known_ = false;
      return;
    case RowAction::kRefpb:
      banks_.refpb(bank, now_);
      tell(Command::kRefpb, bank, 0, 0);
      bank_refresh_.on_refreshed(bank);
      column_known_ = false;
      return;
    case RowAction::kNone:
      ORRERY_CHECK(false);
  }
}

void Channel::activate(std::uint32_t bank) {
  Slot& slot = queues_.slot(queues_.miss(mode_, bank));
  const std::uint32_t row = slot.request.row();
  note_first_command(slot, false);
  banks_.act(bank, row, now_);
  tell(Command::kAct, bank, row, 0);
  queues_.activate(mode_, bank);
  bank_refresh_.on_used(bank, now_);
  if (offer_at_ == kNever) offer_at_ = now_ + 1;
  if (!column_known_) return;
  reconsider_column(bank);
}

void Channel::precharge(std::uint32_t bank) {
  // None where the bank is closed for its refresh.
  const std::int16_t s = queues_.miss(mode_, bank);
  if (s >= 0 && row_.arrive != kLongAgo) note_first_command(queues_.slot(s), false);
  banks_.pre(bank, now_);
  tell(Command::kPre, bank, 0, 0);
  const bool had_hits = queues_.hit(mode_, bank) >= 0;
  queues_.on_precharge(bank);
  if (had_hits) column_known_ = false;
}

void Channel::precharge_all(std::uint32_t pseudo) {
  const std::uint32_t first = banks_.first_bank(pseudo);
  banks_.preab(pseudo, now_);
  tell(Command::kPreab, first, 0, 0);
  for (std::uint32_t b = first; b < first + banks_.banks_of_pseudo(); ++b) queues_.on_precharge(b);
  column_known_ = false;
}

void Channel::note_first_command(Slot& slot, bool hit) {
  if (slot.seen) return;
  slot.seen = true;
  if (hit) ++statistics_.row_hits;
}

void Channel::tell(Command command, std::uint32_t bank, std::uint32_t row, std::uint32_t column) {
  ++statistics_.commands[hbm::index_of(command)];
  if (listener_ != nullptr) listener_->on_command(now_, command, bank, row, column);
}

}  // namespace orrery::hbm
