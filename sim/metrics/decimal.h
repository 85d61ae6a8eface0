// SPDX-License-Identifier: Apache-2.0
//
// Digits for the files with a row an event. Each function writes at `out` and returns the end.
#ifndef ORRERY_SIM_METRICS_DECIMAL_H_
#define ORRERY_SIM_METRICS_DECIMAL_H_

#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sim/core/units.h"

namespace orrery {

/// Room that any one of the functions below needs at most, text left out.
inline constexpr std::size_t kMostDigits = 24;

template <std::integral T>
char* put_integer(char* out, T value) {
  return std::to_chars(out, out + kMostDigits, value).ptr;
}

inline char* put_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

inline char* put_seconds(char* out, Duration d) { return out + write_exact_seconds(d, out); }

/// Nothing for what did not happen.
inline char* put_seconds(char* out, Instant when) {
  return when == Instant::never() ? out : put_seconds(out, when.since_start());
}

/// `12.000345` for 12000345 ps, always with six digits behind the dot, so exact. Not negative.
char* put_microseconds(char* out, Duration d);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_DECIMAL_H_
