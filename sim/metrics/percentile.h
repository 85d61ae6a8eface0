// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_PERCENTILE_H_
#define ORRERY_SIM_METRICS_PERCENTILE_H_

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

/// Where numpy's default method ("linear") finds a percentile of n sorted values: between the
/// order statistics `below` and `below + 1` (from 0), `fraction` of the way; fraction < 1.
struct PercentileRank {
  std::uint64_t below = 0;
  double fraction = 0;
};

/// `count` > 0, `percent` within 0 to 100.
[[nodiscard]] PercentileRank percentile_rank(std::uint64_t count, double percent);

/// Between `low` and `high`, the way numpy's _lerp rounds.
[[nodiscard]] double interpolate(double low, double high, double fraction);

/// Percentiles of `values`, whose order is lost. `percents` ascend; the answers stand in their
/// order. Exact: the values are integers and only the last interpolation is a double.
[[nodiscard]] std::vector<double> percentiles(std::span<std::int64_t> values,
                                              std::span<const double> percents);

/// The mean, from an exact sum. Not of nothing.
[[nodiscard]] double mean_of(std::span<const std::int64_t> values);

/// numpy's std (of the population). The squares are summed exactly in 128 bits; only where they
/// would not fit (deviations of days in millions of values) are the lowest bits of each dropped
/// first.
[[nodiscard]] double standard_deviation_of(std::span<const std::int64_t> values);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_PERCENTILE_H_
