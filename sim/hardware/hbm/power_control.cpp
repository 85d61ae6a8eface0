// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/power_control.h"

namespace orrery::hbm {

PowerControl::PowerControl(const TickTiming& timing, const ControllerOptions& options)
    : enabled_(options.saves_power()), closes_rows_(options.power_down == PowerDown::kPrecharge) {
  const auto after = [&timing](bool on, std::int64_t clocks) {
    return on ? clocks * timing.ticks_per_clock : kNever;
  };
  power_down_after_ = after(options.power_down != PowerDown::kOff, options.power_down_after);
  self_refresh_after_ = after(options.self_refresh == SelfRefresh::kOn, options.self_refresh_after);
}

void PowerControl::enter(PowerState state, Tick now) {
  if (state == state_) return;
  ticks_[index_of(state_)] += now - since_;
  since_ = now;
  state_ = state;
  low_ = state != PowerState::kActiveStandby && state != PowerState::kPrechargeStandby;
  if (low_) settled_ = false;
}

PowerTicks PowerControl::ticks(Tick until) const {
  PowerTicks all = ticks_;
  all[index_of(state_)] += until - since_;
  return all;
}

}  // namespace orrery::hbm
