// SPDX-License-Identifier: Apache-2.0
//
// When a channel that nobody wants powers down, and when it refreshes itself: after so many clocks
// without a request each, as AMD's HBM controller does it (PG313, "Power Down and Self-Refresh").
// The channel says what happens to it and asks what is to come; which commands that takes it finds
// itself (channel_power.cpp).
#ifndef ORRERY_SIM_HARDWARE_HBM_POWER_CONTROL_H_
#define ORRERY_SIM_HARDWARE_HBM_POWER_CONTROL_H_

#include <algorithm>

#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/statistics.h"

namespace orrery::hbm {

class PowerControl {
 public:
  PowerControl(const TickTiming& timing, const ControllerOptions& options);

  [[nodiscard]] bool enabled() const { return enabled_; }
  /// In power-down or self-refresh: no command but the exit is possible.
  [[nodiscard]] bool low() const { return low_; }
  [[nodiscard]] bool self_refreshes() const { return state_ == PowerState::kSelfRefresh; }
  [[nodiscard]] bool closes_rows() const { return closes_rows_; }
  [[nodiscard]] PowerState state() const { return state_; }

  /// What a channel is to do that has been idle until `now`.
  enum class Goal : std::uint8_t { kStandby, kPowerDown, kSelfRefresh };
  [[nodiscard]] Goal goal(Tick now) const {
    if (now >= self_refresh_at()) return Goal::kSelfRefresh;
    return now >= power_down_at() ? Goal::kPowerDown : Goal::kStandby;
  }
  [[nodiscard]] Tick self_refresh_at() const { return idle_since_ + self_refresh_after_; }
  /// When the goal is no longer standby.
  [[nodiscard]] Tick first_time_out() const { return std::min(power_down_at(), self_refresh_at()); }

  /// The last request has been served.
  void on_idle(Tick now) { idle_since_ = now; }
  /// From now on it is in this state.
  void enter(PowerState state, Tick now);
  /// How long it has been in each state by `until`, which is not before the last change.
  [[nodiscard]] PowerTicks ticks(Tick until) const;

  /// All refreshes that were owed have been given; those that fall due from now on wait until after
  /// the entry, which they would put off for ever.
  void settle() { settled_ = true; }
  void unsettle() { settled_ = false; }
  [[nodiscard]] bool settled() const { return settled_; }

 private:
  [[nodiscard]] Tick power_down_at() const { return idle_since_ + power_down_after_; }

  bool enabled_;
  bool low_ = false;
  bool settled_ = false;
  bool closes_rows_;
  Tick power_down_after_;
  Tick self_refresh_after_;
  Tick idle_since_ = 0;
  PowerState state_ = PowerState::kPrechargeStandby;
  Tick since_ = 0;
  PowerTicks ticks_{};
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_POWER_CONTROL_H_
