// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_SCHEDULE_H_
#define ORRERY_SIM_HARDWARE_FABRIC_SCHEDULE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/machine.h"

namespace orrery {

/// One transfer of a collective, or work that a rank does by itself (`from` is `to`): it begins
/// `before` after all that it waits for is done, and then crosses the fabric.
struct Step {
  PortId from{};
  PortId to{};
  /// As the links count them: headers, flags and gaps included.
  Bytes wire;
  Duration before;
  /// Steps of the same schedule that come earlier in it.
  std::vector<std::uint32_t> after;
};

using Schedule = std::vector<Step>;

/// Runs schedules that all begin at once over one fresh fabric of any rung, where they slow each
/// other as they share links. When each of them is done.
[[nodiscard]] std::vector<Duration> run_schedules(Machine& fabric,
                                                  std::span<const Schedule> schedules);
[[nodiscard]] Duration run_schedule(Machine& fabric, const Schedule& schedule);

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_SCHEDULE_H_
