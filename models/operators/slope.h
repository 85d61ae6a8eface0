// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_OPERATORS_SLOPE_H_
#define ORRERY_MODELS_OPERATORS_SLOPE_H_

#include <cstdint>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace orrery {

/// Time in proportion to a count of units, rounded up. It answers like Rate::time_for to one part
/// in 10^9, but multiplies where that divides 128 bits, because it is asked in every step.
class Slope {
 public:
  Slope() = default;
  /// `share` of `units_per_second`, rounded down to a whole unit.
  Slope(std::int64_t units_per_second, double share) {
    const auto rate = static_cast<std::int64_t>(static_cast<double>(units_per_second) * share);
    ORRERY_CHECK(rate > 0);
    const UInt128 picos = static_cast<UInt128>(1'000'000'000'000) << kFraction;
    const UInt128 each = (picos + static_cast<UInt128>(rate) - 1) / static_cast<UInt128>(rate);
    ORRERY_CHECK(each >> 64 == 0);
    picos_each_ = static_cast<std::uint64_t>(each);
  }

  [[nodiscard]] Duration time_for(std::int64_t units) const {
    const UInt128 product = static_cast<UInt128>(static_cast<std::uint64_t>(units)) * picos_each_;
    const UInt128 rounding = (static_cast<UInt128>(1) << kFraction) - 1;
    return Duration(static_cast<std::int64_t>((product + rounding) >> kFraction));
  }

 private:
  static constexpr int kFraction = 40;
  /// Picoseconds of one unit, times 2^40.
  std::uint64_t picos_each_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_SLOPE_H_
