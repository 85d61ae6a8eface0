// SPDX-License-Identifier: Apache-2.0
#include "sim/core/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr int kDraws = 200'000;

struct Moments {
  double mean;
  double variance;
};

Moments moments_of(const std::function<double()>& draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

/// Five standard errors of a mean of kDraws draws with this variance.
double five_sigma(double variance) { return 5 * std::sqrt(variance / kDraws); }

TEST_CASE("streams depend on their whole name and on nothing else") {
  RandomStream a(7, "engine/replica0", "lengths");
  RandomStream same(7, "engine/replica0", "lengths");
  const std::uint64_t first = a.bits();
  CHECK(first == same.bits());
  CHECK(first != RandomStream(8, "engine/replica0", "lengths").bits());
  CHECK(first != RandomStream(7, "engine/replica1", "lengths").bits());
  CHECK(first != RandomStream(7, "engine/replica0", "arrivals").bits());
  // Path and purpose are not glued together.
  CHECK(RandomStream(7, "ab", "c").bits() != RandomStream(7, "a", "bc").bits());
}

TEST_CASE("a keyed stream does not see the draws of its parent") {
  RandomStream parent(7, "workload", "lengths");
  const std::uint64_t before = parent.keyed(3).bits();
  for (int i = 0; i < 10; ++i) parent.bits();
  CHECK(parent.keyed(3).bits() == before);
  CHECK(parent.keyed(4).bits() != before);
}

TEST_CASE("the generator is pinned") {
  // Written down once: whatever changes these bits changes every seeded result.
  RandomStream random(0, "pin", "bits");
  CHECK(random.bits() == 0x9467509147ddb6a4U);
  CHECK(random.bits() == 0x0937cdc48afd9a0bU);
  CHECK(random.bits() == 0xaaa25b75c7f0e73bU);
}

TEST_CASE("uniform is in [0, 1) with mean 1/2 and variance 1/12") {
  RandomStream random(1, "test", "uniform");
  bool inside = true;
  const Moments m = moments_of([&] {
    const double x = random.uniform();
    inside = inside && x >= 0 && x < 1;
    return x;
  });
  CHECK(inside);
  CHECK(std::fabs(m.mean - 0.5) < five_sigma(1.0 / 12));
  // Var(x^2) of what makes the variance is under 1/12 as well.
  CHECK(std::fabs(m.variance - 1.0 / 12) < five_sigma(1.0 / 12));
}

TEST_CASE("below has no bias, also where the bound does not divide 2^64") {
  RandomStream random(1, "test", "below");
  // With 3 * 2^62 the low third is drawn twice as often by bits() % bound, and 4/3 as often as it
  // should by the high half of the product without rejection.
  constexpr std::uint64_t kBound = std::uint64_t{3} << 62;
  std::array<int, 3> counts = {};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t x = random.below(kBound);
    REQUIRE(x < kBound);
    ++counts[static_cast<std::size_t>(x >> 62)];
  }
  // Each third is binomial with p = 1/3.
  const double allowed = 5 * std::sqrt(kDraws * (1.0 / 3) * (2.0 / 3));
  for (const int count : counts) CHECK(std::fabs(count - kDraws / 3.0) < allowed);
  // The remainders are fair as well.
  int ones = 0;
  for (int i = 0; i < kDraws; ++i) ones += static_cast<int>(random.below(kBound) % 3 == 1);
  CHECK(std::fabs(ones - kDraws / 3.0) < allowed);
  CHECK(random.below(1) == 0);
  CHECK_THROWS_AS(random.below(0), InternalError);
}

TEST_CASE("between includes both ends and the whole range") {
  RandomStream random(1, "test", "between");
  std::array<int, 5> seen = {};
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t x = random.between(-2, 2);
    REQUIRE((x >= -2 && x <= 2));
    ++seen[static_cast<std::size_t>(x + 2)];
  }
  for (const int count : seen) CHECK(count > 100);
  CHECK(random.between(5, 5) == 5);
  int negative = 0;
  for (int i = 0; i < 1000; ++i) {
    negative += static_cast<int>(random.between(INT64_MIN, INT64_MAX) < 0);
  }
  // Binomial with p = 1/2: 500 +- 5 sigma of 15.8.
  CHECK(std::abs(negative - 500) < 80);
  CHECK_THROWS_AS(random.between(2, 1), InternalError);
}

TEST_CASE("exponential has mean and variance 1") {
  RandomStream random(1, "test", "exponential");
  const Moments m = moments_of([&] { return random.exponential(); });
  CHECK(std::fabs(m.mean - 1) < five_sigma(1));
  // The fourth central moment is 9, so the sample variance has variance (9 - 1) / n.
  CHECK(std::fabs(m.variance - 1) < five_sigma(8));
}

TEST_CASE("normal has mean 0, variance 1 and the tails of one") {
  RandomStream random(1, "test", "normal");
  int beyond_two = 0;
  const Moments m = moments_of([&] {
    const double x = random.normal();
    beyond_two += static_cast<int>(std::fabs(x) > 2);
    return x;
  });
  CHECK(std::fabs(m.mean) < five_sigma(1));
  // The fourth central moment is 3.
  CHECK(std::fabs(m.variance - 1) < five_sigma(2));
  // erfc(sqrt 2) = 0.0455003.
  const double p = 0.0455003;
  CHECK(std::fabs(beyond_two - kDraws * p) < 5 * std::sqrt(kDraws * p * (1 - p)));
}

TEST_CASE("gamma has mean and variance of its shape, below and above 1") {
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 40.0}) {
    CAPTURE(shape);
    RandomStream random(1, "test", "gamma");
    const Moments m = moments_of([&] { return random.gamma(shape); });
    CHECK(std::fabs(m.mean - shape) < five_sigma(shape));
    // The fourth central moment is 3 shape^2 + 6 shape.
    CHECK(std::fabs(m.variance - shape) < five_sigma(2 * shape * shape + 6 * shape));
  }
  RandomStream random(1, "test", "gamma");
  CHECK_THROWS_AS(random.gamma(0), InternalError);
}

}  // namespace
}  // namespace orrery
