// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/rate_profile.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/core/math.h"

namespace orrery {
namespace {

/// More than time is kept for: a process that is quiet for ever ends here.
constexpr double kLatestSeconds = 1e7;

bool is_level(const RateSegment& segment) { return segment.rate == segment.end_rate; }

}  // namespace

double expected_arrivals(const RateSegment& segment) {
  if (is_level(segment)) return segment.rate == 0 ? 0 : segment.rate * segment.seconds;
  if (segment.shape == RampShape::kLinear) {
    return (segment.rate + segment.end_rate) / 2 * segment.seconds;
  }
  // The integral of r (e/r)^(t/D) from 0 to D is D (e - r) / ln(e/r).
  return segment.seconds * (segment.end_rate - segment.rate) /
         math::log(segment.end_rate / segment.rate);
}

RateClock::RateClock(std::function<std::optional<RateSegment>()> next_segment)
    : next_segment_(std::move(next_segment)) {}

bool RateClock::begin_segment() {
  if (begun_) segment_start_ += segment_.seconds;
  if (segment_start_ > kLatestSeconds) return false;
  const std::optional<RateSegment> next = next_segment_();
  if (!next) return false;
  begun_ = true;
  segment_ = *next;
  segment_arrivals_ = expected_arrivals(segment_);
  done_in_segment_ = 0;
  return true;
}

std::optional<double> RateClock::advance(double arrivals) {
  while (done_in_segment_ + arrivals > segment_arrivals_) {
    arrivals -= segment_arrivals_ - done_in_segment_;
    done_in_segment_ = segment_arrivals_;
    if (!begin_segment()) {
      segment_arrivals_ = 0;
      done_in_segment_ = 0;
      return {};
    }
  }
  done_in_segment_ += arrivals;
  return segment_start_ + time_in_segment();
}

double RateClock::time_in_segment() const {
  const double w = done_in_segment_;
  if (w == 0) return 0;
  if (is_level(segment_)) return w / segment_.rate;
  const double r = segment_.rate;
  if (segment_.shape == RampShape::kLinear) {
    // r t + slope t^2 / 2 = w, written so that nothing cancels for a small slope.
    const double slope = (segment_.end_rate - r) / segment_.seconds;
    const double root = std::sqrt(std::max(0.0, r * r + 2 * slope * w));
    return std::min(segment_.seconds, 2 * w / (r + root));
  }
  // r (e^(k t) - 1) / k = w with k = ln(e/r) / D.
  const double k = math::log(segment_.end_rate / r) / segment_.seconds;
  return std::min(segment_.seconds, math::log(1 + w * k / r) / k);
}

}  // namespace orrery
