// SPDX-License-Identifier: Apache-2.0
//
// The heaviest rank of cases that are solved by hand: two experts, one choice, one on each rank.
// A mean of 64 draws is off by no more than four of its standard deviations but once in 16,000;
// draws depend on the seed alone, so that what holds once holds always.
#include "models/plans/expert_routing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

ExpertLoads loads(const ExpertShape& shape, std::int64_t ranks, const ExpertOptions& options,
                  std::int64_t most) {
  return {shape, ranks, options, most, [](const ExpertLoad& load) { return seconds(load.rows); }};
}

const ExpertShape kTwo{2, 1, 64};

TEST_CASE("a single token makes one of two ranks do all") {
  CHECK(loads(kTwo, 2, {}, 1).imbalance(1) == 2.0);
  CHECK(loads(kTwo, 2, {}, 1).at(1).rows == 1);
  CHECK(loads(kTwo, 2, {}, 1).at(1).touched == 1);
  // Both choices of a token are different experts: one row each.
  CHECK(loads({2, 2, 64}, 2, {}, 64).imbalance(64) == 1.0);
}

TEST_CASE("uniform: two tokens meet in every second draw, 64 are off by the coin's deviation") {
  // 2 rows or 1, as likely: 1.5 over a mean of 1; deviation 0.5 / sqrt(64) = 0.0625.
  CHECK(std::abs(loads(kTwo, 2, {}, 2).imbalance(2) - 1.5) < 4 * 0.0625);
  // E max = 32 + E|X - 32| = 32 + 64 C(63, 32) / 2^64 = 35.18 over 32. Deviation of |X - 32|:
  // sqrt(16 - 3.18^2) = 2.43, of the mean 2.43 / 8 / 32 = 0.0095.
  CHECK(std::abs(loads(kTwo, 2, {}, 64).imbalance(64) - 35.18 / 32) < 4 * 0.0095);
}

TEST_CASE("zipf with exponent 1 gives the first of two experts two thirds") {
  ExpertOptions zipf;
  zipf.routing = RoutingLaw::kZipf;
  // 64 x 2/3 rows over 32: 4/3. Deviation sqrt(64 x 2/9) / 8 / 32 = 0.0147.
  CHECK(std::abs(loads(kTwo, 2, zipf, 64).imbalance(64) - 4.0 / 3) < 4 * 0.0147);
  // Exponent 0 is uniform, and 3 gives 8/9: 16/9 with sqrt(64 x 8/81) / 8 / 32 = 0.0098.
  zipf.exponent = 3;
  CHECK(std::abs(loads(kTwo, 2, zipf, 64).imbalance(64) - 16.0 / 9) < 4 * 0.0098);
  zipf.exponent = 0;
  CHECK(std::abs(loads(kTwo, 2, zipf, 64).imbalance(64) - 35.18 / 32) < 4 * 0.0095);
}

TEST_CASE("power law with exponent 0 draws shares evenly between 1 and 2") {
  // x, y even in [1, 2]: E max / (x + y) = 2 times the integral over x of x ln(2 x / (x + 1)),
  // which is 7 ln 2 - 3 ln 3 - 1 = 0.5562. Shares lie in [1/2, 2/3], so their deviation is under
  // 1/12 (Popoviciu), and that of the mean of 100 seeds under 1/120. 2048 tokens deviate by
  // sqrt(1/4 / 2048) = 0.011, which raises a maximum by 0.8 x 0.011 = 0.009 at most.
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ExpertOptions law;
    law.routing = RoutingLaw::kPowerLaw;
    law.exponent = 0;
    law.seed = seed;
    sum += loads(kTwo, 2, law, 2048).imbalance(2048) / 2;
  }
  const double expected = 7 * std::log(2.0) - 3 * std::log(3.0) - 1;
  CHECK(sum / 100 > expected - 4.0 / 120);
  CHECK(sum / 100 < expected + 4.0 / 120 + 0.009);
  // Uniform routing would have 1/2, and is told from it.
  CHECK(sum / 100 > 0.52);
}

TEST_CASE("T uniform tokens touch E (1 - (1 - k / E)^T) experts") {
  const ExpertShape shape{32, 4, 64};
  // One token touches its 4.
  CHECK(loads(shape, 1, {}, 1).at(1).touched == 4);
  // 32 (1 - (7/8)^8) = 21.0, rounded up. Experts touched hinder each other, so the variance is
  // under 32 x 0.656 x 0.344 = 7.2: the mean of 64 deviates by less than 0.34.
  const double expected = 32 * (1 - std::pow(0.875, 8));
  const auto touched = static_cast<double>(loads(shape, 1, {}, 8).at(8).touched);
  CHECK(touched > expected - 4 * 0.34);
  CHECK(touched < expected + 4 * 0.34 + 1);
  // 64 x 4 rows on one rank, whatever they are.
  CHECK(loads(shape, 1, {}, 64).at(64).rows == 256);
  CHECK(loads(shape, 1, {}, 64).imbalance(64) == 1.0);
}

TEST_CASE("copies go to what is heaviest for them, and places to who has least") {
  ExpertOptions eplb;
  eplb.enable_eplb = true;
  eplb.num_redundant_experts = 2;
  // 2 : 1. The first copy halves expert 0 to 1; at 1 : 1 the first of equals is copied again. Three
  // places of 2/3 and one of 1: the one first, two of the others beside it, the last where there
  // is room.
  const Placement placement = place_experts(eplb, {2, 1}, 2);
  CHECK(placement.copies == std::vector<std::int64_t>{3, 1});
  CHECK(placement.experts_of == std::vector<std::vector<std::int64_t>>{{1, 0}, {0, 0}});
  CHECK_THROWS_WITH(static_cast<void>(place_experts(eplb, {2, 1}, 3)),
                    doctest::Contains("do not divide over 3 ranks"));
}

TEST_CASE("copies bring the heaviest rank down") {
  ExpertOptions zipf;
  zipf.routing = RoutingLaw::kZipf;
  const double without = loads(kTwo, 2, zipf, 4096).imbalance(4096);
  zipf.enable_eplb = true;
  zipf.num_redundant_experts = 2;
  const double with = loads(kTwo, 2, zipf, 4096).imbalance(4096);
  // 4/3 without. With copies 10/9 where the heavy expert is the first, as above; else both have
  // two places, one of each on each rank: 1. A draw of 4096 deviates by 2 sqrt(2/9 / 4096) = 0.015.
  CHECK(without == doctest::Approx(4.0 / 3).epsilon(0.045));
  const double first = std::abs(with - 10.0 / 9);
  CHECK(std::min(first, std::abs(with - 1)) < 4 * 0.015);
}

TEST_CASE("linear places are runs of experts, round robin deals them out") {
  const std::vector<double> even(4, 1.0);
  ExpertOptions options;
  CHECK(place_experts(options, even, 2).experts_of ==
        std::vector<std::vector<std::int64_t>>{{0, 1}, {2, 3}});
  options.placement = ExpertPlacement::kRoundRobin;
  CHECK(place_experts(options, even, 2).experts_of ==
        std::vector<std::vector<std::int64_t>>{{0, 2}, {1, 3}});
}

}  // namespace
}  // namespace orrery
