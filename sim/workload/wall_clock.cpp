// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/wall_clock.h"

#include <chrono>
#include <cstdint>

namespace orrery {
namespace {

/// Exactly `width` digits followed by `then` (unless that is 0); moves `text` past both.
bool take(std::string_view& text, std::size_t width, char then, int& value) {
  if (text.size() < width + (then != 0 ? 1 : 0)) return false;
  value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  if (then == 0) return true;
  if (text.front() != then) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, std::int64_t& picos) {
  picos = 0;
  if (!text.starts_with('.')) return true;
  text.remove_prefix(1);
  std::int64_t unit = 1'000'000'000'000;
  std::size_t n = 0;
  for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
    unit /= 10;
    if (unit == 0) return false;
    picos += (text[n] - '0') * unit;
  }
  text.remove_prefix(n);
  return n > 0;
}

bool take_offset(std::string_view text, std::int64_t& offset_seconds) {
  offset_seconds = 0;
  if (text.empty() || text == "Z") return true;
  const bool negative = text.front() == '-';
  if (!negative && text.front() != '+') return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take(text, 2, ':', hours) || !take(text, 2, 0, minutes) || !text.empty()) return false;
  offset_seconds = (hours * 60 + minutes) * 60 * (negative ? -1 : 1);
  return hours <= 14 && minutes < 60;
}

}  // namespace

std::optional<TraceTime> parse_wall_clock(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take(text, 4, '-', year) || !take(text, 2, '-', month) || !take(text, 2, 0, day)) return {};
  if (!text.starts_with(' ') && !text.starts_with('T')) return {};
  text.remove_prefix(1);
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!take(text, 2, ':', hour) || !take(text, 2, ':', minute) || !take(text, 2, 0, second)) {
    return {};
  }
  std::int64_t picos = 0;
  std::int64_t offset = 0;
  if (!take_fraction(text, picos) || !take_offset(text, offset)) return {};
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 59) return {};
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t whole = ((days * 24 + hour) * 60 + minute) * 60 + second - offset;
  return static_cast<TraceTime>(whole) * 1'000'000'000'000 + picos;
}

}  // namespace orrery
