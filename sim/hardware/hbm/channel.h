// SPDX-License-Identifier: Apache-2.0
//
// The controller of one channel and the banks behind it, command by command. Work is done for each
// command and each request, never for idle ticks: what was found to be next stays known until
// something happens that could change it.
//
// In each tick, in this order: one request is taken in, refresh falls due, at most one column
// command issues, then at most one row command (the two have buses of their own).
//
// A channel knows nothing of where its requests come from: whoever feeds it calls submit() for one
// after the other, and the channel lives on by itself as far as it must to take each of them. Feeds
// that couple channels need no common clock for that (memory_system.h).
#ifndef ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_
#define ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/hardware/hbm/activation_counts.h"
#include "sim/hardware/hbm/bank_queues.h"
#include "sim/hardware/hbm/bank_refresh.h"
#include "sim/hardware/hbm/bank_timing.h"
#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/power_control.h"
#include "sim/hardware/hbm/statistics.h"

namespace orrery::hbm {

/// Hears each command, in the order they issue. `bank` counts through the channel (of PREab, REFab
/// and RFMab: the first of its pseudo-channel; of PDE, PDX, SRE and SRX, which are the channel's:
/// 0); `row` and `column` are 0 where a command has none.
class CommandListener {
 public:
  virtual ~CommandListener() = default;
  virtual void on_command(Tick at, Command command, std::uint32_t bank, std::uint32_t row,
                          std::uint32_t column) = 0;
};

class Channel {
 public:
  /// The device and the listener (which may be null) outlive the channel.
  Channel(const Device& device, const ControllerOptions& options, CommandListener* listener);
  /// With other timings than the device's own: to see what a checker makes of wrong ones.
  Channel(const Device& device, const TickTiming& timing, const ControllerOptions& options,
          CommandListener* listener);

  /// Which channel of its device it is, for messages.
  void set_number(std::uint32_t number) { number_ = number; }
  /// Begins with refreshes as after a long time, for samples that need not wait for it: of per-bank
  /// refreshes `share` of the most that may be owed are, and refreshes fall due `phase` ticks
  /// sooner (less than the refresh interval). Before the first request.
  void begin_late(double share, Tick phase);
  /// The share that is owed now; 0 where refreshes are not per bank.
  [[nodiscard]] double owed_refreshes() const { return bank_refresh_.owed_share(); }

  /// The request's latency counts from when it is taken in.
  static constexpr Tick kWhenTaken = -1;

  /// Offers a request from tick `at` on, which is later than the tick that took the one before. It
  /// is taken as soon as its queue has room; that tick is returned and all of it is over then. The
  /// latency counts from `arrive`.
  Tick submit(Request request, Tick at, Tick arrive = kWhenTaken);
  /// Lives through all ticks before `until`. Throws InternalError, as submit() and finish() do, if
  /// the channel gets nowhere.
  void advance(Tick until);
  /// Serves all that was taken in.
  void finish();
  /// When something is to happen next; kNever if nothing is. Refreshes do for ever.
  [[nodiscard]] Tick next_event();
  [[nodiscard]] bool idle() const { return queues_.empty(); }
  /// Whether a request would be taken in the tick after those lived through.
  [[nodiscard]] bool has_room(Request request) const;
  /// The ticks before this one are over.
  [[nodiscard]] Tick next_tick() const { return now_ + 1; }

  /// Submits requests that come in this order: each is offered from the tick `arrivals` gives it
  /// (at once if that is empty), and a full queue keeps back all that come after. Latencies count
  /// from the arrival, or without arrivals from when the request is taken in.
  void submit_each(std::span<const Request> requests, std::span<const Tick> arrivals);
  /// The same, and finishes.
  void serve(std::span<const Request> requests, std::span<const Tick> arrivals) {
    submit_each(requests, arrivals);
    finish();
  }

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  /// How long it has been in each power state by `until`, which is not before next_tick(); nothing
  /// where the controller saves no power.
  [[nodiscard]] PowerTicks power_ticks(Tick until) const {
    return power_.enabled() ? power_.ticks(until) : PowerTicks{};
  }
  /// Commands that each bank was given, of its own: an all-bank one counts for its first bank.
  [[nodiscard]] const BankCounts& bank_counts() const { return bank_counts_; }
  /// When a request ends: a read when its data is through, a write when it issues; `request` counts
  /// those submitted before it.
  struct End {
    Tick at = 0;
    std::int64_t request = 0;
    bool write = false;
  };
  /// Where ends are noted from now on, as soon as they are known: when the command issues. Null:
  /// nowhere.
  void note_ends(std::vector<End>* ends) { ends_ = ends; }
  [[nodiscard]] std::int64_t submitted() const { return submitted_; }

 private:
  /// kTimeOut is no command: the channel has been idle for so long that it is to save power.
  enum class RowAction : std::uint8_t {
    kNone,
    kAct,
    kPre,
    kPreab,
    kRefab,
    kRefpb,
    kRfmpb,
    kRfmab,
    kTimeOut,
    kPde,
    kPdx,
    kSre,
    kSrx
  };
  /// What would issue next on a bus if nothing else happened. The earlier wins; at the same tick an
  /// activated request before a queued one, then the older.
  struct ColumnChoice {
    Tick at = kNever;
    std::int64_t order = 0;  ///< Of an activated request kActive is added, which puts it first.
    std::uint32_t bank = 0;
    [[nodiscard]] bool active() const { return order < 0; }
  };
  static constexpr std::int64_t kActive = INT64_MIN;
  static constexpr std::int64_t kForRefresh = -1;
  struct RowChoice {
    Tick at = kNever;
    std::int64_t order = 0;  ///< kForRefresh: no request wants it.
    std::uint32_t bank = 0;
    RowAction action = RowAction::kNone;
  };
  /// Of one pseudo-channel. A choice stands while its tick is not before its bus is free: till then
  /// no other can have come level with it. kLongAgo: it is to be made anew.
  struct Choices {
    ColumnChoice column{.at = kLongAgo};
    RowChoice act{.at = kLongAgo};
    RowChoice pre{.at = kLongAgo};
  };

  void step();
  void tick();
  [[nodiscard]] std::size_t capacity(int queue) const {
    return queue == BankQueues::kWrite ? write_capacity_ : read_capacity_;
  }
  void take(Request request, Tick arrive);
  [[nodiscard]] bool answer_from_writes(Request request, Tick arrive);
  void end_read(std::int64_t request, Tick arrive, Tick end);
  void end_write(std::int64_t request);
  void fall_due();
  [[noreturn]] void stuck(const char* why) const;
  void check_progress();
  void choose_mode();
  void change_mode();
  [[nodiscard]] bool all_bank_waits() const { return refresh_front_ < refresh_count_; }
  void forget_choices();
  void forget_choices(std::uint32_t pseudo);

  // Finding what is next (channel_choice.cpp). `now` is the first tick it may happen in.
  void choose_column(Tick now);
  void find_column(std::uint32_t pseudo, Tick now);
  void consider_active(std::uint32_t bank, Tick read_floor, Tick write_floor,
                       ColumnChoice& best) const;
  template <bool Write>
  void consider_hit(std::uint32_t bank, Tick floor, ColumnChoice& best) const;
  void choose_row(Tick now) {
    if (power_.enabled()) return choose_row_saving_power(now);
    choose_row_awake(now);
  }
  void choose_row_awake(Tick now);
  void find_act(std::uint32_t pseudo, Tick now);
  void find_pre(std::uint32_t pseudo, Tick now);
  void consider_act(std::uint32_t bank, Tick floor, RowChoice& best) const;
  void consider_pre(std::uint32_t bank, Tick floor, RowChoice& best) const;
  /// A bank in which something came up may beat what is known to be next.
  void reconsider_active(std::uint32_t bank);
  void reconsider_hit(std::uint32_t bank);
  void reconsider_row(std::uint32_t bank);
  [[nodiscard]] bool kept_open(std::uint32_t bank) const;
  /// Its requests wait for a refresh or an RFM.
  [[nodiscard]] bool stopped(std::uint32_t bank) const {
    const std::uint32_t w = bank / 64;
    return ((bank_refresh_.held().word(w) | activations_.stopped().word(w)) >> (bank % 64) & 1U) !=
           0;
  }
  void choose_all_bank_refresh(Tick now);
  void choose_bank_refresh(Tick now);
  void choose_management(Tick now);
  void consider_management(std::uint32_t bank, Tick now);
  void consider_all_bank_management(std::uint32_t pseudo, Tick now);
  /// An RFMab of the pseudo-channel waits for nothing but its banks: a REFpb would put it off.
  [[nodiscard]] bool managed_first(std::uint32_t pseudo) const;
  [[nodiscard]] bool idle(std::uint32_t pseudo) const;
  [[nodiscard]] bool delays(const RowChoice& choice, std::uint32_t pseudo, Tick refresh_at) const;
  /// The banks of a word that may do something for a queued request.
  [[nodiscard]] std::uint64_t eligible(std::uint32_t w) const;
  [[nodiscard]] std::uint64_t oldest_only(std::uint32_t w) const;
  template <class Word, class Visit>
  void for_each_of(std::uint32_t pseudo, Word&& word, Visit&& visit) const;

  // Saving power (channel_power.cpp).
  void choose_row_saving_power(Tick now);
  void choose_low_power(Tick now);
  void choose_exit(Tick now);
  [[nodiscard]] bool wakes() const;
  void follow_power(Command command);
  void time_out();
  void change_power(RowAction action);
  void tell_of_channel(Command command);

  void issue_column();
  [[nodiscard]] bool closes_row(std::uint32_t bank) const;
  void after_column(std::uint32_t bank);
  void issue_row();
  void activate(std::uint32_t bank);
  void count_activate(std::uint32_t bank);
  void precharge(std::uint32_t bank);
  void precharge_all(std::uint32_t pseudo);
  void refresh_all(std::uint32_t bank);
  void refresh_bank(std::uint32_t bank);
  void manage_bank(std::uint32_t bank);
  void manage_all(std::uint32_t bank);
  void note_first_command(Slot& slot, bool hit);
  void tell(Command command, std::uint32_t bank, std::uint32_t row, std::uint32_t column);
  void tell_who_hears(Command command, std::uint32_t bank, std::uint32_t row, std::uint32_t column);

  const TickTiming timing_;
  const Scheduler scheduler_;
  const RowPolicy row_policy_;
  const Refresh refresh_;
  const std::size_t read_capacity_;
  const std::size_t write_capacity_;
  /// Sizes of the write queue at which draining begins and at which it ends.
  std::size_t drain_from_ = 0;
  std::size_t drain_until_ = 0;
  CommandListener* const listener_;
  /// Commands matter to somebody: the listener, or who saves power.
  const bool heard_;
  const std::uint32_t pseudo_channels_;
  std::uint32_t number_ = 0;
  /// The words of a BankSet that a pseudo-channel has banks in, and which bits of them.
  std::uint32_t words_of_pseudo_ = 1;
  std::array<std::uint64_t, 2> bits_of_pseudo_{};

  /// The last tick that is over.
  Tick now_ = -1;
  ColumnChoice column_;
  RowChoice row_;
  bool column_known_ = false;
  bool row_known_ = false;
  /// kRead or kWrite: whose requests are served. Activated requests are served in both.
  int mode_ = BankQueues::kRead;
  std::array<Choices, 2> choices_;
  /// When the next refresh falls due, of whichever kind.
  Tick due_ = kNever;

  BankTiming banks_;
  BankQueues queues_;
  BankRefresh bank_refresh_;
  ActivationCounts activations_;
  PowerControl power_;
  /// All-bank refreshes that wait: pseudo-channels in the order they fell due.
  Tick refresh_due_ = kNever;
  std::int64_t refresh_front_ = 0;
  std::int64_t refresh_count_ = 0;
  /// An all-bank refresh is owed that must come before the next self-refresh.
  bool refresh_before_entry_ = false;

  /// When the served requests were last seen to have grown while others waited.
  Tick progress_at_ = 0;
  std::int64_t progress_ = 0;
  std::int64_t submitted_ = 0;
  std::vector<End>* ends_ = nullptr;
  Statistics statistics_;
  BankCounts bank_counts_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_
