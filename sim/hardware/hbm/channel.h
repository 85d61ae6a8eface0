// SPDX-License-Identifier: Apache-2.0
//
// The controller of one channel and the banks behind it, command by command. Work is done for each
// command and each request, never for idle ticks: what was found to be next stays known until
// something happens that could change it.
//
// In each tick, in this order: one request is taken in, refresh falls due, at most one column
// command issues, then at most one row command (the two have buses of their own).
#ifndef ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_
#define ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/hardware/hbm/bank_queues.h"
#include "sim/hardware/hbm/bank_refresh.h"
#include "sim/hardware/hbm/bank_timing.h"
#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/statistics.h"

namespace orrery::hbm {

/// Hears each command, in the order they issue. `bank` counts through the channel (of PREab and
/// REFab: the first of its pseudo-channel); `row` and `column` are 0 where a command has none.
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

  /// Begins with refreshes as after a long time, for samples that need not wait for it: of per-bank
  /// refreshes `share` of the most that may be owed are, and refreshes fall due `phase` ticks
  /// sooner (less than the refresh interval). Before serve().
  void begin_late(double share, Tick phase);

  /// Serves all requests, which come in this order: each is offered from the tick `arrivals` gives
  /// it (0 if that is empty), and a full queue keeps back all that come after. Latencies count from
  /// the arrival, or without arrivals from when the request is taken in. Called once.
  void serve(std::span<const Request> requests, std::span<const Tick> arrivals);

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  enum class RowAction : std::uint8_t { kNone, kAct, kPre, kPreab, kRefab, kRefpb };
  /// What would issue next on a bus if nothing else happened. The earlier wins; at the same tick an
  /// activated request before a queued one, then the older.
  struct ColumnChoice {
    Tick at = kNever;
    Tick arrive = 0;
    std::uint16_t bank = 0;
    bool active = false;
  };
  struct RowChoice {
    Tick at = kNever;
    Tick arrive = 0;
    std::uint16_t bank = 0;
    RowAction action = RowAction::kNone;
  };

  /// What each pseudo-channel's banks wait for (the first's twice where there is one).
  using Floors = std::array<Tick, 2>;
  [[nodiscard]] Floors read_floors() const;
  [[nodiscard]] Floors write_floors() const;
  [[nodiscard]] Floors act_floors() const;
  [[nodiscard]] Floors pre_floors() const;

  void step();
  [[nodiscard]] bool finished() const;
  [[nodiscard]] Tick next_event() const;

  void take_in();
  [[nodiscard]] bool answer_from_writes(const Request& request, Tick arrive);
  void block_or_offer_next();
  void fall_due();
  void choose_mode();
  [[nodiscard]] bool all_bank_waits() const { return refresh_front_ < refresh_count_; }

  void choose_column();
  void consider_active(std::uint32_t bank, const Floors& reads, const Floors& writes,
                       ColumnChoice& best) const;
  void consider_hits(std::uint32_t pseudo, const Floors& own, ColumnChoice& best) const;
  void consider_hit(std::uint32_t bank, Tick floor, ColumnChoice& best) const;
  /// Whether a bank in which something came up beats what is known to be next.
  void reconsider_column(std::uint32_t bank);
  void reconsider_row(std::uint32_t bank);
  void issue_column();
  void complete(const Slot& slot);
  /// Whether nobody wants the bank any more and a refresh waits for such a one.
  [[nodiscard]] bool may_refresh(std::uint32_t bank) const;

  void choose_row();
  void consider_act(std::uint32_t bank, const Floors& acts, RowChoice& best) const;
  void consider_pre(std::uint32_t bank, const Floors& pres, RowChoice& best) const;
  /// Banks of a word that may not be precharged for a request.
  [[nodiscard]] std::uint64_t kept_open(std::uint32_t w) const;
  void choose_all_bank_refresh();
  void choose_bank_refresh();
  void issue_row();
  void activate(std::uint32_t bank);
  void precharge(std::uint32_t bank);
  void precharge_all(std::uint32_t pseudo);
  void note_first_command(Slot& slot, bool hit);
  void tell(Command command, std::uint32_t bank, std::uint32_t row, std::uint32_t column);

  const TickTiming timing_;
  const bool row_hit_first_;
  const Refresh refresh_;
  const std::size_t read_capacity_;
  const std::size_t write_capacity_;
  /// Sizes of the write queue at which draining begins and at which it ends.
  std::size_t drain_from_ = 0;
  std::size_t drain_until_ = 0;
  CommandListener* const listener_;

  BankTiming banks_;
  BankQueues queues_;
  BankRefresh bank_refresh_;
  Statistics statistics_;

  Tick now_ = 0;
  ColumnChoice column_;
  RowChoice row_;
  bool column_known_ = false;
  bool row_known_ = false;
  /// kRead or kWrite: whose requests are served. Activated requests are served in both.
  int mode_ = BankQueues::kRead;

  std::span<const Request> requests_;
  std::span<const Tick> arrivals_;
  std::size_t next_ = 0;
  /// When the next request is offered; kNever while a full queue keeps it back.
  Tick offer_at_ = 0;

  /// All-bank refreshes that wait: pseudo-channels in the order they fell due.
  Tick refresh_due_ = kNever;
  std::int64_t refresh_front_ = 0;
  std::int64_t refresh_count_ = 0;
  const std::uint32_t words_;
  std::array<BankSet, 2> pseudo_banks_;
  const std::uint32_t pseudo_channels_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_CHANNEL_H_
