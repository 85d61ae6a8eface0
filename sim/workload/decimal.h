// SPDX-License-Identifier: Apache-2.0
//
// Text of traces to integers. Times go from their digits to picoseconds in one rounding: a detour
// over double would move a wall clock of today by a fraction of a microsecond.
#ifndef ORRERY_SIM_WORKLOAD_DECIMAL_H_
#define ORRERY_SIM_WORKLOAD_DECIMAL_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/core/units.h"

namespace orrery {

/// A time on a trace's own clock in picoseconds. Wider than a Duration, because wall clocks count
/// from 1970 and some traces run for longer than 106 days.
using TraceTime = Int128;

/// Largest magnitude read: 10^12 seconds, so that no later sum or product overflows.
inline constexpr TraceTime kTraceTimeLimit =
    static_cast<TraceTime>(1'000'000'000'000) * 1'000'000'000'000;

/// `text` (decimal, with or without point and exponent) times 10^digits, rounded to the nearest
/// integer, halves away from zero. Empty where it is no number or beyond kTraceTimeLimit.
[[nodiscard]] std::optional<TraceTime> parse_decimal(std::string_view text, int digits);

/// time * by, by > 0, rounded to the nearest integer, halves away from zero, from the exact value
/// of the double. Empty where the result is beyond kTraceTimeLimit.
[[nodiscard]] std::optional<TraceTime> scale_time(TraceTime time, double by);

/// time / by in the same way.
[[nodiscard]] std::optional<TraceTime> divide_time(TraceTime time, double by);

/// A whole number without sign, point or blanks.
[[nodiscard]] std::optional<std::uint64_t> parse_whole(std::string_view text);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_DECIMAL_H_
