// SPDX-License-Identifier: Apache-2.0
//
// The text forms of option values and of their ranges, shared by the reader's errors, the list, the
// schema and the writer.
#ifndef ORRERY_SIM_CONFIG_VALUE_TEXT_H_
#define ORRERY_SIM_CONFIG_VALUE_TEXT_H_

#include <cstdint>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// What the reader reads back to the same value.
[[nodiscard]] std::string value_text(std::int64_t value);
[[nodiscard]] std::string value_text(double value);
[[nodiscard]] std::string value_text(Duration value);
[[nodiscard]] std::string value_text(Bytes value);
[[nodiscard]] std::string value_text(Bandwidth value);
[[nodiscard]] std::string value_text(ComputeRate value);
[[nodiscard]] std::string value_text(Frequency value);
[[nodiscard]] std::string value_text(PerSecond value);

/// The number a Range speaks of.
[[nodiscard]] inline double magnitude(std::int64_t v) { return static_cast<double>(v); }
[[nodiscard]] inline double magnitude(double v) { return v; }
[[nodiscard]] inline double magnitude(PerSecond v) { return v.value; }
template <class Tag>
[[nodiscard]] double magnitude(Quantity<Tag> v) {
  return static_cast<double>(v.count());
}
template <class Work>
[[nodiscard]] double magnitude(Rate<Work> v) {
  return static_cast<double>(v.units_per_second());
}

/// `at least 1`, `above 0 ps and at most 10 s`, `from 1 to 8`; empty for any. The bounds are
/// written in the unit of `like`'s type.
[[nodiscard]] std::string range_text(const Range& range, std::int64_t like);
[[nodiscard]] std::string range_text(const Range& range, double like);
[[nodiscard]] std::string range_text(const Range& range, Duration like);
[[nodiscard]] std::string range_text(const Range& range, Bytes like);
[[nodiscard]] std::string range_text(const Range& range, Bandwidth like);
[[nodiscard]] std::string range_text(const Range& range, ComputeRate like);
[[nodiscard]] std::string range_text(const Range& range, Frequency like);
[[nodiscard]] std::string range_text(const Range& range, PerSecond like);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_VALUE_TEXT_H_
