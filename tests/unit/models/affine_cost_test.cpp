// SPDX-License-Identifier: Apache-2.0
#include "models/affine_cost.h"

#include <doctest/doctest.h>

#include <array>
#include <stdexcept>

namespace orrery {
namespace {

TEST_CASE("the terms of a step formula stand in any order") {
  const AffineStep both{milliseconds(12), microseconds(20), {}};
  CHECK(parse_affine_step("12ms + 20us * tokens") == both);
  CHECK(parse_affine_step(" 20 us*tokens+12 ms ") == both);
  CHECK(parse_affine_step("1us * requests") == AffineStep{{}, {}, microseconds(1)});
  CHECK(parse_affine_step("1000us + 10us * tokens + 1.5us * requests") ==
        AffineStep{milliseconds(1), microseconds(10), nanoseconds(1500)});
}

TEST_CASE("a formula that means nothing is refused, and says why") {
  const auto parse = [](const char* text) { return static_cast<void>(parse_affine_step(text)); };
  CHECK_THROWS_WITH_AS(parse("12ms + 3us * token"),
                       "'12ms + 3us * token': unknown factor 'token'; known: tokens, requests",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse("12ms + 3ms"), "'12ms + 3ms': two constant terms",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse("1us * tokens + 2us * tokens"),
                       "'1us * tokens + 2us * tokens': two terms with tokens",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse("12ms +"), "'12ms +': a term without a duration",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse(""), "'': a term without a duration", std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse("0us"), "'0us': a step that takes no time", std::invalid_argument);
  CHECK_THROWS_AS(parse("12 * tokens"), std::invalid_argument);  // no unit
  CHECK_THROWS_AS(parse("3us *"), std::invalid_argument);
}

TEST_CASE("a step costs its terms, and explain sums to it") {
  const auto model = make_affine_cost(parse_affine_step("1ms + 10us * tokens + 2us * requests"));
  const std::array<PrefillChunk, 1> chunks = {{{100, 0, true}}};
  BatchShape shape;
  shape.decodes = 3;
  shape.chunks = chunks;
  shape.prefill_tokens = 100;
  // 1000 + 10 x 103 + 2 x 4 us.
  CHECK(model->cost(shape).device == microseconds(2038));
  CHECK(model->cost(shape).host == Duration());
  Breakdown breakdown;
  model->explain(shape, breakdown);
  REQUIRE(breakdown.operators.size() == 3);
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  CHECK(sum == microseconds(2038));
}

}  // namespace
}  // namespace orrery
