// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/percentile.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace orrery {
namespace {

Int128 sum_of(std::span<const std::int64_t> values) {
  Int128 sum = 0;
  for (const std::int64_t value : values) sum += value;
  return sum;
}

std::uint64_t distance(std::int64_t a, std::int64_t b) {
  return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
               : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

}  // namespace

PercentileRank percentile_rank(std::uint64_t count, double percent) {
  ORRERY_CHECK(count > 0 && percent >= 0 && percent <= 100);
  const double position = static_cast<double>(count - 1) * (percent / 100);
  const double below = std::floor(position);
  return {static_cast<std::uint64_t>(below), position - below};
}

double interpolate(double low, double high, double fraction) {
  const double step = high - low;
  return fraction >= 0.5 ? high - step * (1 - fraction) : low + step * fraction;
}

std::vector<double> percentiles(std::span<std::int64_t> values, std::span<const double> percents) {
  std::vector<double> answers;
  answers.reserve(percents.size());
  auto unsorted = values.begin();  // everything before it is in its place
  for (const double percent : percents) {
    const PercentileRank rank = percentile_rank(values.size(), percent);
    const auto low = values.begin() + static_cast<std::ptrdiff_t>(rank.below);
    ORRERY_CHECK(low + 1 >= unsorted);
    if (low >= unsorted) {
      std::nth_element(unsorted, low, values.end());
      unsorted = low + 1;
    }
    if (rank.fraction == 0) {
      answers.push_back(static_cast<double>(*low));
      continue;
    }
    const std::int64_t high = *std::min_element(low + 1, values.end());
    answers.push_back(
        interpolate(static_cast<double>(*low), static_cast<double>(high), rank.fraction));
  }
  return answers;
}

double mean_of(std::span<const std::int64_t> values) {
  ORRERY_CHECK(!values.empty());
  return static_cast<double>(sum_of(values)) / static_cast<double>(values.size());
}

double standard_deviation_of(std::span<const std::int64_t> values) {
  ORRERY_CHECK(!values.empty());
  const auto n = static_cast<Int128>(values.size());
  const Int128 sum = sum_of(values);
  const auto center = static_cast<std::int64_t>(sum / n);
  std::uint64_t farthest = 0;
  for (const std::int64_t value : values) farthest = std::max(farthest, distance(value, center));
  // 2 * bits of the largest deviation + bits of n must stay below 128.
  const int bits =
      2 * (64 - std::countl_zero(farthest)) + 64 - std::countl_zero(std::uint64_t{values.size()});
  const int drop = bits < 128 ? 0 : (bits - 127 + 1) / 2;
  UInt128 squares = 0;
  for (const std::int64_t value : values) {
    const std::uint64_t off = distance(value, center) >> drop;
    squares += static_cast<UInt128>(off) * off;
  }
  // center is the mean rounded toward 0; the rest of the mean is taken off again.
  const double rest = static_cast<double>(sum - center * n) / static_cast<double>(n);
  const double variance =
      std::ldexp(static_cast<double>(squares) / static_cast<double>(n), 2 * drop) - rest * rest;
  return std::sqrt(std::max(variance, 0.0));
}

}  // namespace orrery
