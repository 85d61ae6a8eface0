// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/histogram.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sim/core/random.h"
#include "sim/metrics/percentile.h"

namespace orrery {
namespace {

TEST_CASE("histogram: bins tile all durations and none is wider than a thousandth") {
  // Each bin begins where the one before ended, from 0 to 2^63, so every duration has one bin.
  const std::size_t last = DurationHistogram::bin_of(INT64_MAX);
  std::uint64_t begin = 0;
  for (std::size_t bin = 0; bin <= last; ++bin) {
    REQUIRE(DurationHistogram::bin_begin(bin) == begin);
    const std::uint64_t width = DurationHistogram::bin_width(bin);
    REQUIRE(DurationHistogram::bin_of(begin) == bin);
    REQUIRE(DurationHistogram::bin_of(begin + width - 1) == bin);
    // At most 0.1 % of its least value; a bin of one value has no error at all.
    REQUIRE((width == 1 || width * 1000 <= begin));
    begin += width;
  }
  CHECK(begin == std::uint64_t{1} << 63);
  CHECK((last + 1) * sizeof(std::uint64_t) < 500'000);
}

TEST_CASE("histogram: count, mean, least and greatest are exact") {
  DurationHistogram histogram;
  CHECK(histogram.count() == 0);
  histogram.add(picoseconds(12'345'678'901), 3);
  histogram.add(picoseconds(1));
  histogram.add(picoseconds(99'999'999'999'999), 2);
  histogram.add(picoseconds(5), 0);  // nothing happened
  CHECK(histogram.count() == 6);
  CHECK(histogram.min() == picoseconds(1));
  CHECK(histogram.max() == picoseconds(99'999'999'999'999));
  // (3 * 12345678901 + 1 + 2 * 99999999999999) / 6 = 200037037036702 / 6
  CHECK(histogram.mean() == 200'037'037'036'702.0 / 6);
  CHECK_THROWS_AS(histogram.add(picoseconds(-1)), InternalError);
}

TEST_CASE("histogram: sums past 64 bits") {
  DurationHistogram histogram;
  histogram.add(Duration(INT64_MAX), INT64_MAX);
  CHECK(histogram.mean() == std::ldexp(1, 63));
}

TEST_CASE("histogram: one value is itself at every percentile") {
  DurationHistogram histogram;
  histogram.add(picoseconds(12'345'678'901), 1000);
  for (const double p : {0.0, 50.0, 99.0, 100.0}) CHECK(histogram.percentile(p) == 12'345'678'901);
  CHECK(histogram.standard_deviation() == 0);
}

TEST_CASE("histogram: below 2048 ps percentiles are numpy's") {
  DurationHistogram histogram;
  for (int i = 1; i <= 10; ++i) histogram.add(picoseconds(i));
  CHECK(histogram.percentile(50) == 5.5);
  CHECK(histogram.percentile(90) == doctest::Approx(9.1).epsilon(1e-14));
}

TEST_CASE("histogram: percentiles over twelve orders of magnitude are within half a bin") {
  RandomStream random(3, "histogram_test", "values");
  for (int decade = 0; decade < 12; ++decade) {
    DurationHistogram histogram;
    std::vector<std::int64_t> values;
    auto scale = static_cast<std::int64_t>(1000);
    for (int i = 0; i < decade; ++i) scale *= 10;
    for (int i = 0; i < 500; ++i) {
      values.push_back(random.between(scale, 20 * scale));
      histogram.add(Duration(values.back()));
    }
    const double percents[] = {1, 50, 90, 99, 99.9};
    const auto exact = percentiles(values, percents);
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(std::abs(histogram.percentile(percents[i]) - exact[i]) <= exact[i] / 2048 + 0.5);
    }
    const double sigma = standard_deviation_of(values);
    CHECK(std::abs(histogram.standard_deviation() - sigma) <=
          20.0 / 2048 * static_cast<double>(scale));
  }
}

}  // namespace
}  // namespace orrery
