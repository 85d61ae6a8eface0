// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/channel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>

#include "sim/core/check.h"
#include "sim/hardware/pim/board.h"
#include "sim/hardware/pim/rows.h"

namespace orrery::pim {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

[[nodiscard]] constexpr bool is_activate(Kind kind) {
  return kind == Kind::kActivate || kind == Kind::kActivateAll || kind == Kind::kActivateFour ||
         kind == Kind::kActivateSome;
}

/// AiM reaches its buffers and registers only in register mode (aim_simulator, request.h).
[[nodiscard]] constexpr bool needs_register_mode(Kind kind) {
  return kind == Kind::kBufferWrite || kind == Kind::kBiasWrite || kind == Kind::kResultMove;
}

/// A request in the window.
struct Waiting {
  const Request* request = nullptr;
  std::int64_t entered = 0;
  /// The command that made room for it, or -1.
  std::int32_t room_by = -1;
  /// Nothing behind goes before this and all before it have gone.
  bool barrier = false;
  bool drains = false;
};

/// A command that could go.
struct Candidate {
  std::int64_t at = kNever;
  int urgency = 0;  ///< Of two at one clock, the lower goes first.
  Kind kind = Kind::kRead;
  BankSet banks = 0;
  const Request* request = nullptr;
  std::size_t place = 0;  ///< In the window, of what it serves; or no place.
  bool host = false;
  Link link;
  bool refresh = false;  ///< Closes a row so that a refresh can go.
};

constexpr std::size_t kNoPlace = static_cast<std::size_t>(-1);

class Channel {
 public:
  Channel(const Device& device, const std::vector<Rule>& rules, const Program& program,
          const Program& host)
      : device_(device),
        control_(device.control),
        program_(program),
        host_(host),
        board_(device.geometry, rules),
        rows_(device),
        // Only all-bank MACs hold off the precharge before a refresh: HBM3-PIM.cpp has no time
        // between AttAcc's other MACs and PREA.
        gives_way_(control_.refresh_gives_way && device.compute.level == Level::kBank) {
    const Timing& t = device.timing;
    if (device.refresh != RefreshKind::kNone) due_ = t.first_refresh > 0 ? t.first_refresh : t.refi;
    fill_window();
  }

  ChannelRun run() {
    while (true) {
      const Candidate best = best_candidate();
      if (best.request == nullptr && best.at == kNever) break;
      if (best.at < due_) {
        issue(best);
      } else if (gives_way_ && rows_.open() != 0) {
        issue(closing_candidate(best));
      } else {
        refresh();
      }
    }
    // Nothing may go although something waits: two rules that wait for each other, a bug.
    ORRERY_CHECK(window_.empty() && next_ == program_.size());
    return std::move(run_);
  }

 private:
  // --- the window -------------------------------------------------------------------------------

  void fill_window(std::int32_t room_by = -1, std::int64_t room_at = 0) {
    while (window_.size() < static_cast<std::size_t>(control_.window) && next_ < program_.size()) {
      last_entered_ = std::max(last_entered_ + control_.enqueue_interval, room_at);
      const Request& request = program_[next_++];
      window_.push_back({&request, last_entered_, room_by, request.barrier, request.drains});
    }
  }

  /// Ends the part of the window that may be served before the next barrier.
  [[nodiscard]] std::size_t segment_end() const {
    for (std::size_t i = 0; i < window_.size(); ++i) {
      if (window_[i].barrier) return i + 1;
    }
    return window_.size();
  }

  void take_from_window(std::size_t place, std::int64_t at) {
    const auto by = static_cast<std::int32_t>(run_.commands.size()) - 1;
    const Waiting& taken = window_[place];
    if (taken.barrier && place > 0) {
      // What now is the last before the barrier carries it.
      window_[place - 1].barrier = true;
      window_[place - 1].drains = taken.drains;
    } else if (taken.barrier) {
      segment_drains_ = taken.drains;
      segment_open_ = (taken.drains ? run_.end : at) + 1;
      segment_by_ = taken.drains ? run_.last : by;
    }
    window_.erase(window_.begin() + static_cast<std::ptrdiff_t>(place));
    fill_window(by, at + 1);
  }

  // --- choosing ---------------------------------------------------------------------------------

  Candidate best_candidate() {
    Candidate best;
    best.at = kNever;
    segment_end_ = segment_end();
    offer_host(best);
    for (std::size_t i = 0; i < window_.size(); ++i) offer(best, i);
    if (control_.close_idle_rows) offer_idle_rows(best);
    return best;
  }

  /// Places `candidate` at its first clock and keeps it if it goes before `best`.
  void consider(Candidate& best, Candidate candidate, std::int64_t entered, std::int32_t room_by,
                bool ordered) {
    const Board::Ready ready = board_.ready(candidate.kind, candidate.banks);
    const std::int64_t bus = on_die(candidate.kind) ? 0 : bus_free_[bus_of(candidate.kind)];
    candidate.at = std::max({ready.at, bus, entered, ordered ? segment_open_ : 0, now_});
    if (best.at < candidate.at || (best.at == candidate.at && best.urgency <= candidate.urgency)) {
      return;
    }
    candidate.link = link_of(candidate.at, ready, bus, bus_of(candidate.kind), ordered);
    if (candidate.link.wait == Wait::kStart && candidate.at > 0) {
      const std::int64_t since = room_by < 0 ? 0 : command(room_by).at;
      candidate.link = {Wait::kQueue, room_by, -1, candidate.at - since};
    }
    best = candidate;
  }

  [[nodiscard]] Link link_of(std::int64_t at, const Board::Ready& ready, std::int64_t bus,
                             std::size_t which, bool ordered) const {
    const auto since = [&](std::int32_t from) { return from < 0 ? at : at - command(from).at; };
    if (ready.rule >= 0 && ready.at == at) {
      return {Wait::kRule, ready.command, ready.rule, since(ready.command)};
    }
    if (bus == at && at > 0) return {Wait::kBus, bus_by_[which], -1, since(bus_by_[which])};
    if (ordered && segment_open_ == at && at > 0) {
      return {segment_drains_ ? Wait::kData : Wait::kBarrier, segment_by_, -1, since(segment_by_)};
    }
    if (at == now_ && at > 0) {  // Only now may it go, by what has just been issued.
      return {Wait::kBarrier, static_cast<std::int32_t>(run_.commands.size()) - 1, -1, 0};
    }
    return {};
  }

  void offer(Candidate& best, std::size_t i) {
    const Request& request = *window_[i].request;
    const bool behind = i >= segment_end_;
    // A request that carries a barrier goes last of its segment, also its row.
    const bool early = behind || (control_.close_idle_rows && window_[i].barrier && i != 0);
    if (early && !control_.rows_ahead) return;
    const Rows::Need need = rows_.need(request);
    if (need.ready && (early || repeats_earlier(i))) return;
    Candidate candidate{kNever, 1, request.kind, request.banks, &request, i, false, {}};
    if (!need.ready) {
      if (!row_may_change(need, i) || host_has_turn(request)) return;
      candidate.kind = need.kind;
      candidate.banks = need.banks;
      candidate.urgency = is_activate(need.kind) ? 2 : 3;
    }
    if (device_.timing.mode_change > 0 && needs_register_mode(request.kind) != register_mode_) {
      offer_mode_switch(best, candidate, window_[i]);
      return;
    }
    consider(best, candidate, window_[i].entered, window_[i].room_by, need.ready);
  }

  /// In the slot that `candidate` would have had.
  void offer_mode_switch(Candidate& best, Candidate candidate, const Waiting& waiting) {
    Candidate first;
    first.at = kNever;
    consider(first, candidate, waiting.entered, waiting.room_by, true);
    first.kind = Kind::kModeSwitch;
    first.banks = rows_.all();
    if (first.at < best.at) best = first;
  }

  /// A request to the same place goes first.
  [[nodiscard]] bool repeats_earlier(std::size_t i) const {
    const Request& request = *window_[i].request;
    for (std::size_t j = 0; j < i; ++j) {
      const Request& earlier = *window_[j].request;
      if (earlier.kind == Kind::kMac && request.kind == Kind::kMac) return true;
      if (earlier.banks == request.banks && earlier.row == request.row &&
          earlier.column == request.column && earlier.kind == request.kind) {
        return true;
      }
    }
    return false;
  }

  /// A row is closed, or opened beside others, only when nothing in the window still uses it.
  [[nodiscard]] bool row_may_change(const Rows::Need& need, std::size_t i) const {
    if (is_activate(need.kind)) return true;
    const bool pim = need.kind == Kind::kPrechargePim;
    // MACs of all banks keep their order: what is behind one cannot go first and hold it up.
    const bool in_order = window_[i].request->kind == Kind::kMac;
    const std::size_t looked_at = in_order                   ? i
                                  : control_.close_idle_rows ? segment_end_
                                                             : window_.size();
    for (std::size_t j = 0; j < looked_at; ++j) {
      if (j != i && rows_.hits(*window_[j].request, need.banks, pim)) return false;
    }
    return true;
  }

  void offer_idle_rows(Candidate& best) {
    for (BankSet open = rows_.open(); open != 0;) {
      const BankSet unit = rows_.opened_with(std::countr_zero(open));
      open &= ~unit;
      bool used = false;
      for (std::size_t j = 0; j < segment_end_ && !used; ++j) {
        used = rows_.hits(*window_[j].request, unit, false);
      }
      if (used || window_.empty()) continue;
      consider(best, {kNever, 4, Kind::kPrecharge, unit, nullptr, kNoPlace, false, {}}, 0, -1,
               false);
    }
  }

  // --- the host ---------------------------------------------------------------------------------

  /// At the end of a PIM row the host gets its turn, if it waits and shares the row buffers.
  [[nodiscard]] bool host_has_turn(const Request& request) const {
    if (device_.style == Style::kNeupims || request.kind != Kind::kMac || register_mode_) {
      return false;
    }
    return host_next_ < host_.size() && host_[host_next_].arrival <= now_ && host_turn_ > 0;
  }

  /// Whether a PIM row lies open that the program still reads.
  [[nodiscard]] bool pim_holds_rows() const {
    for (const Waiting& waiting : window_) {
      const Request& request = *waiting.request;
      if (rows_.need(request).ready && rows_.hits(request, rows_.all(), false)) return true;
    }
    return false;
  }

  void offer_host(Candidate& best) {
    if (host_next_ == host_.size() || lock_step_) return;
    const Request& request = host_[host_next_];
    const Rows::Need need = rows_.need(request);
    Candidate candidate{kNever, 2, request.kind, request.banks, &request, kNoPlace, true, {}};
    if (!need.ready) {
      if (pim_holds_rows()) return;
      candidate.kind = need.kind;
      candidate.banks = need.banks;
      candidate.urgency = 3;
    }
    if (!register_mode_) {
      consider(best, candidate, request.arrival, -1, false);
    } else if (window_.empty()) {
      offer_mode_switch(best, candidate, {&request, request.arrival, -1, false, false});
    }
  }

  // --- issuing ----------------------------------------------------------------------------------

  [[nodiscard]] std::size_t bus_of(Kind kind) const {
    return control_.separate_buses && is_column(kind) ? 1 : 0;
  }
  /// NeuPIMs' banks step through a row by themselves (COMPS_READRES is one command).
  [[nodiscard]] bool on_die(Kind kind) const {
    return device_.style == Style::kNeupims && kind == Kind::kMac;
  }
  [[nodiscard]] const Issued& command(std::int32_t index) const {
    return run_.commands[static_cast<std::size_t>(index)];
  }

  void put(const Candidate& c, Part purpose, std::int32_t row, std::int32_t column) {
    const auto index = static_cast<std::int32_t>(run_.commands.size());
    Issued issued{c.at, c.kind, purpose, c.banks, row, column, false, false, c.host, c.link};
    run_.commands.push_back(issued);
    board_.issue(c.kind, c.banks, c.at, index);
    rows_.apply(c.kind, c.banks, row);
    const std::size_t bus = bus_of(c.kind);
    if (!on_die(c.kind)) {
      bus_free_[bus] = c.at + (is_activate(c.kind) ? device_.timing.activate_slots : 1);
      bus_by_[bus] = index;
    }
    now_ = c.at;
    const std::int64_t end = c.at + completion_clocks(device_, c.kind);
    if (end > run_.end) {
      run_.end = end;
      run_.last = index;
    }
    if (!c.host && end > run_.program_end) {
      run_.program_end = end;
      run_.program_last = index;
    }
  }

  void issue(const Candidate& c) {
    const Request* const request = c.request;
    Part purpose = c.refresh ? Part::kRefresh : Part::kActPre;
    if (request != nullptr) purpose = request->purpose;
    const std::int32_t row = request == nullptr ? 0 : request->row;
    put(c, purpose, row, request == nullptr ? 0 : request->column);
    if (c.kind == Kind::kModeSwitch) register_mode_ = !register_mode_;
    if (request == nullptr || c.kind != request->kind) return;
    if (c.host) {
      ++host_next_;
      if (host_turn_ > 0) --host_turn_;
      ++run_.host_requests;
      run_.host_latency += c.at + completion_clocks(device_, c.kind) - request->arrival;
      return;
    }
    note_lock_step(*request);
    // A new PIM row: the host may have its turn again after it.
    if (request->kind == Kind::kMac) host_turn_ = control_.host_turn;
    run_.commands.back().barrier = c.place == 0 && window_[0].barrier;
    run_.commands.back().drains = run_.commands.back().barrier && window_[0].drains;
    take_from_window(c.place, c.at);
  }

  /// Between the writes that enter Samsung's modes and the reads that leave them, single banks
  /// cannot be reached.
  void note_lock_step(const Request& request) {
    if (device_.style != Style::kSamsung) return;
    if (request.kind == Kind::kWrite) lock_step_ = request.purpose == Part::kMode || lock_step_;
    if (request.kind == Kind::kRead && request.purpose == Part::kMode) lock_step_ = false;
  }

  void put_refresh_command(Kind kind) {
    const Board::Ready ready = board_.ready(kind, rows_.all());
    const std::size_t which = bus_of(kind);
    Candidate c{std::max({ready.at, bus_free_[which], due_}),
                0,
                kind,
                rows_.all(),
                nullptr,
                kNoPlace,
                false,
                {}};
    c.link = link_of(c.at, ready, bus_free_[which], which, false);
    if (c.link.wait == Wait::kStart) {
      const auto last = static_cast<std::int32_t>(run_.commands.size()) - 1;
      c.link = {Wait::kRefresh, last, -1, last < 0 ? c.at : c.at - command(last).at};
    }
    put(c, Part::kRefresh, 0, 0);
  }

  /// While a refresh is due, rows are closed one by one or all at once, each as soon as it may be
  /// and before anything else; requests go on meanwhile, and a stream of writes can hold the
  /// refresh off, as MACs closer than rtp do until their row's end.
  Candidate closing_candidate(Candidate best) {
    const bool all = rows_.all_at_once();
    for (BankSet open = rows_.open(); open != 0;) {
      const BankSet unit = all ? rows_.all() : rows_.opened_with(std::countr_zero(open));
      open &= ~unit;
      const Kind kind = all ? Kind::kPrechargeAll : Kind::kPrecharge;
      Candidate close{kNever, 0, kind, unit, nullptr, kNoPlace, false, {}};
      close.refresh = true;
      consider(best, close, due_, static_cast<std::int32_t>(run_.commands.size()) - 1, false);
    }
    return best;
  }

  void refresh() {
    if (rows_.open() != 0) put_refresh_command(Kind::kPrechargeAll);
    if (rows_.open_pim() != 0) put_refresh_command(Kind::kPrechargePim);
    put_refresh_command(Kind::kRefresh);
    due_ += device_.timing.refi;
  }

  const Device& device_;
  const Control& control_;
  const Program& program_;
  const Program& host_;
  Board board_;
  Rows rows_;
  bool gives_way_;
  ChannelRun run_;

  std::vector<Waiting> window_;
  std::size_t next_ = 0;
  std::int64_t last_entered_ = 0;
  std::size_t segment_end_ = 0;
  std::int64_t segment_open_ = 0;
  std::int32_t segment_by_ = -1;
  bool segment_drains_ = false;

  std::int64_t now_ = 0;
  std::array<std::int64_t, 2> bus_free_{};
  std::array<std::int32_t, 2> bus_by_{-1, -1};
  bool register_mode_ = false;
  bool lock_step_ = false;
  std::int64_t due_ = kNever;
  std::size_t host_next_ = 0;
  std::int64_t host_turn_ = 0;
};

}  // namespace

ChannelRun run_channel(const Device& device, const std::vector<Rule>& rules, const Program& program,
                       const Program& host) {
  return Channel(device, rules, program, host).run();
}

}  // namespace orrery::pim
