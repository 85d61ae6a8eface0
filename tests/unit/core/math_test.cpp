// SPDX-License-Identifier: Apache-2.0
#include "sim/core/math.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "sim/core/check.h"
#include "sim/core/random.h"

namespace orrery {
namespace {

// long double has 64 bits here: 11 more than what is checked.
static_assert(std::numeric_limits<long double>::digits >= 64);

/// The distance of `value` from `truth` in units of the last place of the truth.
double ulps(double value, long double truth) {
  const auto rounded = static_cast<double>(truth);
  if (value == rounded) return 0;
  const double above = std::nextafter(std::fabs(rounded), std::numeric_limits<double>::infinity());
  const long double unit = static_cast<long double>(above) - std::fabs(rounded);
  return static_cast<double>(std::fabs((value - truth) / unit));
}

constexpr int kDraws = 200'000;

TEST_CASE("exp is within 4 ulp") {
  RandomStream random(1, "math", "exp");
  double worst = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double wide = -745 + 1454 * random.uniform();
    const double narrow = 2 * random.uniform() - 1;
    worst = std::max(worst, ulps(math::exp(wide), std::exp(static_cast<long double>(wide))));
    worst = std::max(worst, ulps(math::exp(narrow), std::exp(static_cast<long double>(narrow))));
  }
  CHECK(worst < 4);
  CHECK(math::exp(0) == 1);
  CHECK(math::exp(-1e-300) == 1);
  CHECK(math::exp(1000) == std::numeric_limits<double>::infinity());
  CHECK(math::exp(-1000) == 0);
  // The last double below ln(DBL_MAX) is finite.
  CHECK(math::exp(709.782712893384) > 1.797e308);
  CHECK(std::isnan(math::exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("log is within 4 ulp") {
  RandomStream random(1, "math", "log");
  double worst = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double unit = 1 - random.uniform();
    const double near_one = 0.9 + 0.2 * random.uniform();
    const double wide = std::ldexp(unit, static_cast<int>(random.between(-1060, 1020)));
    for (const double x : {unit, near_one, wide}) {
      if (x > 0) worst = std::max(worst, ulps(math::log(x), std::log(static_cast<long double>(x))));
    }
  }
  CHECK(worst < 4);
  CHECK(math::log(1) == 0);
  CHECK(ulps(math::log(5e-324), std::log(static_cast<long double>(5e-324))) < 4);
  CHECK_THROWS_AS(static_cast<void>(math::log(0)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(math::log(-1)), InternalError);
}

TEST_CASE("pow is within 4 ulp over the whole range of results") {
  RandomStream random(1, "math", "pow");
  double worst = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double base = std::ldexp(1 - random.uniform(), static_cast<int>(random.between(-40, 40)));
    // Results from e^-700 to e^700, whatever the base.
    const double exponent = (1400 * random.uniform() - 700) / std::log(base);
    if (!std::isfinite(exponent)) continue;
    const long double truth =
        std::pow(static_cast<long double>(base), static_cast<long double>(exponent));
    worst = std::max(worst, ulps(math::pow(base, exponent), truth));
  }
  CHECK(worst < 4);
  CHECK(math::pow(2, 10) == 1024);
  CHECK(math::pow(10, 15) == 1e15);
  CHECK(math::pow(7, 0) == 1);
  CHECK(math::pow(2, 2000) == std::numeric_limits<double>::infinity());
  CHECK(math::pow(0.5, 2000) == 0);
  CHECK(math::pow(2, -2000) == 0);
  CHECK(math::pow(5e-324, 1e300) == 0);
}

TEST_CASE("cos of turns is within 4 ulp and exact on the axes") {
  constexpr long double kTwoPi = 6.283185307179586476925286766559005768L;
  RandomStream random(1, "math", "cos");
  double worst = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double turns = random.uniform();
    // Near the zeros the argument of the reference must be reduced as well, exactly: the cosine
    // there is a sine of the distance.
    const long double distance = std::fabs(static_cast<long double>(turns) - 0.5L) - 0.25L;
    worst = std::max(worst, ulps(math::cos_turns(turns), std::sin(kTwoPi * distance)));
  }
  CHECK(worst < 4);
  CHECK(math::cos_turns(0) == 1);
  CHECK(math::cos_turns(0.25) == 0);
  CHECK(math::cos_turns(0.5) == -1);
  CHECK(math::cos_turns(0.75) == 0);
  CHECK(math::cos_turns(-3) == 1);
  CHECK(math::cos_turns(1.125) == math::cos_turns(0.125));
}

}  // namespace
}  // namespace orrery
