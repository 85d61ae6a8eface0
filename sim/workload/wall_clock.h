// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_WALL_CLOCK_H_
#define ORRERY_SIM_WORKLOAD_WALL_CLOCK_H_

#include <optional>
#include <string_view>

#include "sim/workload/decimal.h"

namespace orrery {

/// `2023-11-16 18:17:03.9799600` in picoseconds since 1970. The fraction may have 1 to 12 digits or
/// be absent, a T may stand for the blank, and a Z or +hh:mm may follow. Empty for anything else.
[[nodiscard]] std::optional<TraceTime> parse_wall_clock(std::string_view text);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_WALL_CLOCK_H_
