// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_RATE_PROFILE_H_
#define ORRERY_SIM_WORKLOAD_RATE_PROFILE_H_

#include <functional>
#include <optional>

namespace orrery {

enum class RampShape { kLinear, kExponential };

/// A stretch of time over which the arrival rate goes from `rate` to `end_rate`.
struct RateSegment {
  double seconds = 0;  ///< May be infinite if both rates are equal.
  double rate = 0;
  double end_rate = 0;
  RampShape shape = RampShape::kLinear;
};

/// Turns expected arrivals into time: after advance(1) + advance(1) + ... the time is where the
/// integral of the rate reaches that sum. Points that are evenly, exponentially or otherwise spaced
/// in expected arrivals become a process of that kind at the changing rate.
class RateClock {
 public:
  /// `next_segment` gives the segments one after the other, empty at their end.
  explicit RateClock(std::function<std::optional<RateSegment>()> next_segment);

  /// The time in seconds after `arrivals` more expected arrivals; empty once the segments end
  /// before that.
  [[nodiscard]] std::optional<double> advance(double arrivals);

 private:
  bool begin_segment();
  [[nodiscard]] double time_in_segment() const;

  std::function<std::optional<RateSegment>()> next_segment_;
  RateSegment segment_;
  double segment_start_ = 0;
  double segment_arrivals_ = 0;
  double done_in_segment_ = 0;
  bool begun_ = false;
};

/// Expected arrivals of a segment.
[[nodiscard]] double expected_arrivals(const RateSegment& segment);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_RATE_PROFILE_H_
