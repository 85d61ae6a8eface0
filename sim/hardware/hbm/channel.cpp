// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/channel.h"

#include <algorithm>
#include <cmath>

#include "sim/core/check.h"

namespace orrery::hbm {
namespace {

/// A tick's commands take effect at its end.
constexpr Tick kOwnTick = 1;

/// For how long a pseudo-channel that is stopped has no refresh of a bank: until its rows are
/// closed and the RFMab is over.
Tick whole_management(const TickTiming& t) {
  return t.act_pre + t.write_pre + t.pre_refresh + t.rfm_all_again;
}

}  // namespace

Channel::Channel(const Device& device, const ControllerOptions& options, CommandListener* listener)
    : Channel(device, TickTiming(device), options, listener) {}

Channel::Channel(const Device& device, const TickTiming& timing, const ControllerOptions& options,
                 CommandListener* listener)
    : timing_(timing),
      scheduler_(options.scheduler),
      row_policy_(options.row_policy),
      refresh_(options.refresh),
      read_capacity_(static_cast<std::size_t>(options.read_queue)),
      write_capacity_(static_cast<std::size_t>(options.write_queue)),
      listener_(listener),
      heard_(listener != nullptr || options.saves_power()),
      pseudo_channels_(static_cast<std::uint32_t>(device.geometry.pseudo_channels)),
      banks_(device, timing_),
      queues_(read_capacity_, write_capacity_,
              static_cast<std::uint32_t>(device.geometry.banks_of_channel())),
      bank_refresh_(device, timing_, options.refresh == Refresh::kPerBank,
                    options.rfm == Rfm::kAllBank ? whole_management(timing_) : 0),
      activations_(device, options.rfm),
      power_(timing_, options),
      bank_counts_(static_cast<std::size_t>(device.geometry.banks_of_channel())) {
  words_of_pseudo_ = (banks_.banks_of_pseudo() + 63) / 64;
  for (std::uint32_t p = 0; p < pseudo_channels_; ++p) {
    const std::uint32_t shift = banks_.first_bank(p) % 64;
    bits_of_pseudo_[p] = (~std::uint64_t{0} >> (64 - std::min(64U, banks_.banks_of_pseudo())))
                         << shift;
  }
  const auto entries = static_cast<double>(write_capacity_);
  drain_from_ = static_cast<std::size_t>(std::floor(options.write_high_watermark * entries)) + 1;
  drain_until_ = static_cast<std::size_t>(std::ceil(options.write_low_watermark * entries));
  // Refreshes fall due as a tick ends, like the requests that are offered.
  if (refresh_ == Refresh::kAllBank) refresh_due_ = timing_.refresh_interval - kOwnTick;
  due_ = std::min(refresh_due_, bank_refresh_.next_due());
}

void Channel::begin_late(double share, Tick phase) {
  ORRERY_CHECK(now_ < 0 && share >= 0 && share <= 1);
  ORRERY_CHECK(phase >= 0 && phase < timing_.refresh_interval);
  if (refresh_ == Refresh::kAllBank) refresh_due_ -= phase;
  bank_refresh_.begin_late(share, phase);
  due_ = std::min(refresh_due_, bank_refresh_.next_due());
}

void Channel::submit_each(std::span<const Request> requests, std::span<const Tick> arrivals) {
  ORRERY_CHECK(arrivals.empty() || arrivals.size() == requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (arrivals.empty()) {
      submit(requests[i], now_ + 1);
    } else {
      submit(requests[i], std::max(now_ + 1, arrivals[i]), arrivals[i]);
    }
  }
}

Tick Channel::submit(Request request, Tick at, Tick arrive) {
  ORRERY_DCHECK(at > now_);
  advance(at);
  if (!answer_from_writes(request, arrive)) {
    const int queue = request.write() ? BankQueues::kWrite : BankQueues::kRead;
    while (queues_.size(queue) >= capacity(queue)) step();
    ++now_;
    take(request, arrive);
  }
  ++submitted_;
  tick();
  return now_;
}

bool Channel::has_room(Request request) const {
  const int queue = request.write() ? BankQueues::kWrite : BankQueues::kRead;
  return queues_.size(queue) < capacity(queue) || queues_.holds_write(request);
}

void Channel::advance(Tick until) {
  while (now_ + 1 < until) {
    const Tick at = next_event();
    if (at >= until) {
      now_ = until - 1;
      return;
    }
    if (at <= now_) [[unlikely]]
      stuck("time stands still");
    now_ = at;
    tick();
  }
}

void Channel::finish() {
  while (!queues_.empty()) step();
}

void Channel::step() {
  const Tick at = next_event();
  if (at <= now_) [[unlikely]]
    stuck("time stands still");
  if (at >= kNever) [[unlikely]]
    stuck("requests wait and nothing is to happen");
  now_ = at;
  tick();
}

Tick Channel::next_event() {
  if (column_known_ && row_known_) return std::min({column_.at, row_.at, due_});
  const Tick from = now_ + 1;
  if (due_ <= from) return from;
  choose_mode();
  if (!column_known_) choose_column(from);
  if (!row_known_) choose_row(from);
  return std::min({column_.at, row_.at, due_});
}

void Channel::tick() {
  if (now_ >= due_) fall_due();
  choose_mode();
  if (!column_known_) choose_column(now_);
  if (column_.at <= now_) {
    issue_column();
    choose_mode();
  }
  if (!row_known_) choose_row(now_);
  if (row_.at <= now_) issue_row();
}

void Channel::take(Request request, Tick arrive) {
  const std::uint32_t bank = request.bank();
  const int queue = request.write() ? BankQueues::kWrite : BankQueues::kRead;
  const bool hits = request.row() == banks_.open_row(bank);
  const bool first = queues_.push(request, arrive == kWhenTaken ? now_ : arrive, submitted_, hits);
  // A bank that was idle no longer is.
  if (row_.bank == bank && row_.order == kForRefresh) row_known_ = false;
  if (power_.enabled()) [[unlikely]] {
    power_.unsettle();
    row_known_ = false;
  }
  bank_refresh_.on_wanted(bank);
  if (queue != mode_ || !first) return;
  if (hits) {
    reconsider_hit(bank);
  } else {
    reconsider_row(bank);
  }
}

bool Channel::answer_from_writes(Request request, Tick arrive) {
  if (!queues_.holds_write(request)) return false;
  ++now_;
  if (request.write()) {
    ++statistics_.merged_writes;
    end_write(submitted_);
  } else {
    ++statistics_.forwarded_reads;
    end_read(submitted_, arrive == kWhenTaken ? now_ : arrive, now_ + kOwnTick);
  }
  return true;
}

inline void Channel::end_read(std::int64_t request, Tick arrive, Tick end) {
  ++statistics_.reads;
  statistics_.read_latency_sum += end - arrive;
  statistics_.read_latency.add(end - arrive);
  statistics_.end = std::max(statistics_.end, end);
  if (ends_ != nullptr) ends_->push_back({end, request, false});
}

inline void Channel::end_write(std::int64_t request) {
  ++statistics_.writes;
  statistics_.end = std::max(statistics_.end, now_ + kOwnTick);
  if (ends_ != nullptr) ends_->push_back({now_ + kOwnTick, request, true});
}

void Channel::fall_due() {
  check_progress();
  if (now_ >= refresh_due_) {
    refresh_count_ += pseudo_channels_;
    refresh_due_ += timing_.refresh_interval;
    forget_choices();
  }
  if (now_ >= bank_refresh_.next_due()) {
    bank_refresh_.fall_due(now_);
    row_known_ = false;
  }
  due_ = std::min(refresh_due_, bank_refresh_.next_due());
}

inline void Channel::choose_mode() {
  const std::size_t writes = queues_.size(BankQueues::kWrite);
  const bool reads = queues_.size(BankQueues::kRead) > 0;
  const bool change =
      mode_ == BankQueues::kRead ? writes >= drain_from_ || !reads : writes < drain_until_ && reads;
  if (change) change_mode();
}

void Channel::change_mode() {
  if (all_bank_waits()) return;
  mode_ = mode_ == BankQueues::kRead ? BankQueues::kWrite : BankQueues::kRead;
  forget_choices();
}

void Channel::forget_choices() {
  forget_choices(0);
  forget_choices(1);
}

void Channel::forget_choices(std::uint32_t pseudo) {
  choices_[pseudo] = Choices();
  column_known_ = false;
  row_known_ = false;
}

void Channel::issue_column() {
  const std::uint32_t bank = column_.bank;
  Slot& slot = queues_.slot(column_.active() ? queues_.active(bank) : queues_.hit(mode_, bank));
  const Request request = slot.request;
  note_first_command(slot, true);
  if (request.write()) {
    banks_.write(bank, now_);
    end_write(slot.order);
  } else {
    banks_.read(bank, now_);
    end_read(slot.order, slot.arrive, now_ + kOwnTick + timing_.read_done);
  }
  bank_refresh_.on_used(bank, now_);
  if (column_.active()) {
    queues_.remove_active(bank);
  } else {
    queues_.remove_hit(mode_, bank);
  }
  const bool closes = row_policy_ != RowPolicy::kOpen && closes_row(bank);
  if (closes) {
    banks_.auto_precharge(bank);
    queues_.on_precharge(bank);
  }
  const Command command = request.write() ? (closes ? Command::kWra : Command::kWr)
                                          : (closes ? Command::kRda : Command::kRd);
  tell(command, bank, request.row(), request.column());
  after_column(bank);
}

bool Channel::closes_row(std::uint32_t bank) const {
  if (queues_.active(bank) >= 0) return false;  // an activated request still waits for this row
  if (row_policy_ == RowPolicy::kClosed) return true;
  const auto any = [&](const BankSet& reads, const BankSet& writes) {
    return reads.contains(bank) || writes.contains(bank);
  };
  return any(queues_.misses(BankQueues::kRead), queues_.misses(BankQueues::kWrite)) &&
         !any(queues_.hits(BankQueues::kRead), queues_.hits(BankQueues::kWrite));
}

void Channel::after_column(std::uint32_t bank) {
  Choices& known = choices_[banks_.pseudo_of(bank)];
  known.column.at = kLongAgo;
  column_known_ = false;
  if (known.pre.bank == bank) {
    known.pre.at = kLongAgo;
    row_known_ = false;
  }
  if (scheduler_ == Scheduler::kFcfs) forget_choices();
  if (queues_.idle(bank)) {
    bank_refresh_.on_idle(bank);
    if (bank_refresh_.owes(banks_.pseudo_of(bank))) row_known_ = false;
  }
  if (all_bank_waits() || activations_.any()) row_known_ = false;
  if (queues_.miss(mode_, bank) >= 0) reconsider_row(bank);
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
      return refresh_all(bank);
    case RowAction::kRefpb:
      return refresh_bank(bank);
    case RowAction::kRfmpb:
      return manage_bank(bank);
    case RowAction::kRfmab:
      return manage_all(bank);
    case RowAction::kTimeOut:
      return time_out();
    case RowAction::kPde:
    case RowAction::kPdx:
    case RowAction::kSre:
    case RowAction::kSrx:
      return change_power(row_.action);
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
  if (activations_.enabled()) count_activate(bank);
  bank_refresh_.on_used(bank, now_);
  choices_[banks_.pseudo_of(bank)].act.at = kLongAgo;
  if (scheduler_ == Scheduler::kFcfs) forget_choices();
  reconsider_active(bank);
  if (queues_.hit(mode_, bank) >= 0) reconsider_hit(bank);
}

void Channel::precharge(std::uint32_t bank) {
  // None where the bank is closed for its refresh.
  const std::int16_t s = queues_.miss(mode_, bank);
  if (s >= 0 && row_.order != kForRefresh) note_first_command(queues_.slot(s), false);
  banks_.pre(bank, now_);
  tell(Command::kPre, bank, 0, 0);
  Choices& known = choices_[banks_.pseudo_of(bank)];
  known.pre.at = kLongAgo;
  if (queues_.hit(mode_, bank) >= 0) {
    known.column.at = kLongAgo;
    column_known_ = false;
  }
  queues_.on_precharge(bank);
  if (queues_.miss(mode_, bank) >= 0) reconsider_row(bank);
}

void Channel::precharge_all(std::uint32_t pseudo) {
  const std::uint32_t first = banks_.first_bank(pseudo);
  banks_.preab(pseudo, now_);
  tell(Command::kPreab, first, 0, 0);
  for (std::uint32_t b = first; b < first + banks_.banks_of_pseudo(); ++b) queues_.on_precharge(b);
  forget_choices(pseudo);
}

void Channel::refresh_all(std::uint32_t bank) {
  banks_.refab(banks_.pseudo_of(bank), now_);
  tell(Command::kRefab, bank, 0, 0);
  for (std::uint32_t b = bank; b < bank + banks_.banks_of_pseudo(); ++b) {
    activations_.on_refreshed(b);
  }
  ++refresh_front_;
  forget_choices();
}

void Channel::refresh_bank(std::uint32_t bank) {
  banks_.refpb(bank, now_);
  tell(Command::kRefpb, bank, 0, 0);
  bank_refresh_.on_refreshed(bank);
  activations_.on_refreshed(bank);
  forget_choices(banks_.pseudo_of(bank));
}

void Channel::manage_bank(std::uint32_t bank) {
  banks_.rfmpb(bank, now_);
  tell(Command::kRfmpb, bank, 0, 0);
  activations_.on_managed(bank);
  forget_choices(banks_.pseudo_of(bank));
}

void Channel::manage_all(std::uint32_t bank) {
  banks_.rfmab(banks_.pseudo_of(bank), now_);
  tell(Command::kRfmab, bank, 0, 0);
  for (std::uint32_t b = bank; b < bank + banks_.banks_of_pseudo(); ++b) activations_.on_managed(b);
  forget_choices(banks_.pseudo_of(bank));
}

void Channel::note_first_command(Slot& slot, bool hit) {
  if (slot.seen) return;
  slot.seen = true;
  if (hit) ++statistics_.row_hits;
}

void Channel::tell(Command command, std::uint32_t bank, std::uint32_t row, std::uint32_t column) {
  ++statistics_.commands[hbm::index_of(command)];
  ++bank_counts_[bank][hbm::index_of(command)];
  if (heard_) [[unlikely]]
    tell_who_hears(command, bank, row, column);
}

}  // namespace orrery::hbm
