// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/percentile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "sim/core/random.h"

namespace orrery {
namespace {

TEST_CASE("percentile: numpy's linear interpolation") {
  // Position (n - 1) p: of 1..10, 9 * 0.5 = 4.5, between 5 and 6; 9 * 0.9 = 8.1, a tenth after 9;
  // 9 * 0.99 = 8.91.
  std::vector<std::int64_t> ten = {7, 1, 10, 3, 9, 2, 8, 4, 6, 5};
  const double percents[] = {0, 50, 90, 99, 100};
  const auto p = percentiles(ten, percents);
  CHECK(p[0] == 1);
  CHECK(p[1] == 5.5);
  CHECK(p[2] == doctest::Approx(9.1).epsilon(1e-14));
  CHECK(p[3] == doctest::Approx(9.91).epsilon(1e-14));
  CHECK(p[4] == 10);
  // 4 * 0.4 = 1.6: 20 + 0.6 * (35 - 20) = 29.
  std::vector<std::int64_t> five = {50, 15, 40, 20, 35};
  const double forty[] = {40};
  CHECK(percentiles(five, forty)[0] == doctest::Approx(29).epsilon(1e-14));
  std::vector<std::int64_t> one = {42};
  CHECK(percentiles(one, percents) == std::vector<double>{42, 42, 42, 42, 42});
}

TEST_CASE("percentile: selection finds what sorting finds") {
  RandomStream random(7, "percentile_test", "values");
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> values(1 + random.below(40));
    for (auto& value : values) value = static_cast<std::int64_t>(random.below(30));
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const double percents[] = {10, 50, 50, 90, 99, 100};
    const auto got = percentiles(values, percents);
    for (std::size_t i = 0; i < 6; ++i) {
      const auto rank = percentile_rank(sorted.size(), percents[i]);
      const auto low = static_cast<double>(sorted[rank.below]);
      const auto high =
          static_cast<double>(sorted[std::min<std::size_t>(rank.below + 1, sorted.size() - 1)]);
      CHECK(got[i] == interpolate(low, high, rank.fraction));
    }
  }
}

TEST_CASE("percentile: mean and standard deviation") {
  // The mean is 40 / 8 = 5; squares off it: 9+1+1+1+0+0+4+16 = 32; sqrt(32 / 8) = 2.
  const std::vector<std::int64_t> values = {2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(mean_of(values) == 5);
  CHECK(standard_deviation_of(values) == 2);
  // A mean that is no integer: of 1 and 2 it is 1.5 and the deviation 0.5; also below zero.
  CHECK(standard_deviation_of(std::vector<std::int64_t>{1, 2}) == 0.5);
  CHECK(standard_deviation_of(std::vector<std::int64_t>{-1, -2}) == 0.5);
  CHECK(mean_of(std::vector<std::int64_t>{-1, -2}) == -1.5);
  // A small spread on a great value, where doubles would cancel: 10^18 +- 1.
  const std::int64_t far = 1'000'000'000'000'000'000;
  CHECK(standard_deviation_of(std::vector<std::int64_t>{far - 1, far + 1}) == 1);
}

TEST_CASE("percentile: deviations of days in many values do not overflow") {
  // 2^20 values alternate between 0 and 2^62: sigma is 2^61. Squares sum to 2^142.
  std::vector<std::int64_t> values(1U << 20);
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] = std::int64_t{1} << 62;
  CHECK(standard_deviation_of(values) == doctest::Approx(std::ldexp(1, 61)).epsilon(1e-12));
  CHECK(mean_of(values) == std::ldexp(1, 61));
}

}  // namespace
}  // namespace orrery
