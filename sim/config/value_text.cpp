// SPDX-License-Identifier: Apache-2.0
#include "sim/config/value_text.h"

#include <fmt/format.h>

#include <cmath>

#include "sim/core/units_text.h"

namespace orrery {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

/// A bound of a range as a value of the quantity.
std::string bound_text(double bound, std::int64_t) { return fmt::format("{}", bound); }
std::string bound_text(double bound, double) { return fmt::format("{}", bound); }
std::string bound_text(double bound, PerSecond) { return value_text(PerSecond{bound}); }
template <class Tag>
std::string bound_text(double bound, Quantity<Tag>) {
  ORRERY_CHECK(bound >= 0 && bound < kTwoTo63);
  // No one asks how many picoseconds 0 are.
  if (bound == 0) return "0";
  return exact_text(Quantity<Tag>(static_cast<std::int64_t>(bound)));
}
template <class Work>
std::string bound_text(double bound, Rate<Work>) {
  ORRERY_CHECK(bound >= 0 && bound < kTwoTo63);
  if (bound == 0) return "0";
  return exact_text(Rate<Work>::per_second(static_cast<std::int64_t>(bound)));
}

template <class T>
std::string text_of_range(const Range& range, T like) {
  const bool low = std::isfinite(range.low);
  const bool high = std::isfinite(range.high);
  if (low && high && !range.open_low) {
    return fmt::format("from {} to {}", bound_text(range.low, like), bound_text(range.high, like));
  }
  std::string text;
  if (low) {
    text = fmt::format("{} {}", range.open_low ? "above" : "at least", bound_text(range.low, like));
  }
  if (high) {
    text += fmt::format("{}at most {}", low ? " and " : "", bound_text(range.high, like));
  }
  return text;
}

}  // namespace

std::string value_text(std::int64_t value) { return std::to_string(value); }
std::string value_text(double value) { return fmt::format("{}", value); }
std::string value_text(Duration value) { return exact_text(value); }
std::string value_text(Bytes value) { return exact_text(value); }
std::string value_text(Bandwidth value) { return exact_text(value); }
std::string value_text(ComputeRate value) { return exact_text(value); }
std::string value_text(Frequency value) { return exact_text(value); }
std::string value_text(PerSecond value) { return fmt::format("{}/s", value.value); }

std::string range_text(const Range& range, std::int64_t like) { return text_of_range(range, like); }
std::string range_text(const Range& range, double like) { return text_of_range(range, like); }
std::string range_text(const Range& range, Duration like) { return text_of_range(range, like); }
std::string range_text(const Range& range, Bytes like) { return text_of_range(range, like); }
std::string range_text(const Range& range, Bandwidth like) { return text_of_range(range, like); }
std::string range_text(const Range& range, ComputeRate like) { return text_of_range(range, like); }
std::string range_text(const Range& range, Frequency like) { return text_of_range(range, like); }
std::string range_text(const Range& range, PerSecond like) { return text_of_range(range, like); }

}  // namespace orrery
