// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/histogram.h"

#include <cmath>

#include "sim/metrics/percentile.h"

namespace orrery {

Duration DurationHistogram::min() const {
  ORRERY_CHECK(count_ > 0);
  return Duration(static_cast<std::int64_t>(least_));
}

Duration DurationHistogram::max() const {
  ORRERY_CHECK(count_ > 0);
  return Duration(static_cast<std::int64_t>(greatest_));
}

double DurationHistogram::mean() const {
  ORRERY_CHECK(count_ > 0);
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

double DurationHistogram::middle_of(std::size_t bin) {
  return static_cast<double>(bin_begin(bin)) + static_cast<double>(bin_width(bin) - 1) / 2;
}

double DurationHistogram::standard_deviation() const {
  ORRERY_CHECK(count_ > 0);
  // About the mean of the middles and not about the exact one: what lies in one bin has none.
  const auto n = static_cast<double>(count_);
  double middle_mean = 0;
  for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
    if (counts_[bin] != 0) middle_mean += middle_of(bin) * (static_cast<double>(counts_[bin]) / n);
  }
  double variance = 0;
  for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
    if (counts_[bin] == 0) continue;
    const double off = middle_of(bin) - middle_mean;
    variance += off * off * (static_cast<double>(counts_[bin]) / n);
  }
  return std::sqrt(variance);
}

double DurationHistogram::value_at(std::uint64_t rank) const {
  std::uint64_t before = 0;
  for (std::size_t bin = 0; bin < counts_.size(); ++bin) {
    before += counts_[bin];
    if (before > rank) {
      return std::clamp(middle_of(bin), static_cast<double>(least_),
                        static_cast<double>(greatest_));
    }
  }
  return static_cast<double>(greatest_);
}

double DurationHistogram::percentile(double percent) const {
  ORRERY_CHECK(count_ > 0);
  const PercentileRank rank = percentile_rank(count_, percent);
  const double low = value_at(rank.below);
  if (rank.fraction == 0) return low;
  return interpolate(low, value_at(rank.below + 1), rank.fraction);
}

}  // namespace orrery
