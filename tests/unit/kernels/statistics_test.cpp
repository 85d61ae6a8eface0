// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/statistics.h"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

namespace orrery::kernels {
namespace {

TEST_CASE("quantiles lie between neighbours as numpy puts them") {
  // numpy.quantile([1, 2, 4, 8], [0, .1, .5, .9, 1]) = 1, 1.3, 3, 6.8, 8.
  const std::vector<double> sorted = {1, 2, 4, 8};
  CHECK(quantile(sorted, 0) == 1);
  CHECK(quantile(sorted, 0.1) == doctest::Approx(1.3));
  CHECK(quantile(sorted, 0.5) == 3);
  CHECK(quantile(sorted, 0.9) == doctest::Approx(6.8));
  CHECK(quantile(sorted, 1) == 8);
  CHECK(quantile({5}, 0.3) == 5);
  CHECK_THROWS_AS(static_cast<void>(quantile({}, 0.5)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(quantile(sorted, 1.1)), std::invalid_argument);
}

TEST_CASE("a spread does not depend on the order of its samples") {
  const Spread spread = spread_of({8, 1, 4, 2});
  CHECK(spread.repeats == 4);
  CHECK(spread.median == 3);
  CHECK(spread.p10 == doctest::Approx(1.3));
  CHECK(spread.p90 == doctest::Approx(6.8));
}

TEST_CASE("a clock that stands still has measured nothing") {
  CHECK_THROWS_AS(static_cast<void>(spread_of({1, 0})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(spread_of({1, -2})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(spread_of({std::numeric_limits<double>::quiet_NaN()})),
                  std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(spread_of({})), std::invalid_argument);
}

TEST_CASE("short kernels are launched often in a stretch, long ones few times") {
  // 2 us: 200 launches fill 400 us; of a budget of 12 ms that is 30 stretches.
  const Effort brief = effort_for(2, 10, 12000, 400);
  CHECK(brief.launches == 200);
  CHECK(brief.repeats == 30);
  // 5 ms: twice, once an operand, and never fewer than five stretches.
  const Effort slow = effort_for(5000, 2, 12000, 400);
  CHECK(slow.launches == 2);
  CHECK(slow.repeats == 5);
  // All rotations have their turn, however long they take.
  CHECK(effort_for(100, 64, 12000, 400).launches == 64);
  CHECK(effort_for(0.01, 1, 12000, 400).launches == 400);
  CHECK_THROWS_AS(static_cast<void>(effort_for(0, 1, 1, 1)), std::invalid_argument);
}

}  // namespace
}  // namespace orrery::kernels
