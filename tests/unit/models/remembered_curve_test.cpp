// SPDX-License-Identifier: Apache-2.0
#include "models/links/remembered_curve.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace orrery {
namespace {

std::int64_t one_piece(std::int64_t) { return 0; }

TEST_CASE("a straight line is asked at both ends and the middle of each octave") {
  RememberedCurve curve([](std::int64_t size) { return nanoseconds(5000 + 3 * size); }, one_piece);
  // 1024 to 2047: asked at 1024, 1535 and 2047.
  for (std::int64_t size = 1024; size < 2048; ++size) {
    CHECK(curve.at(size) == nanoseconds(5000 + 3 * size));
  }
  CHECK(curve.asked() == 3);
  CHECK(curve.at(2048) == nanoseconds(5000 + 3 * 2048));
  CHECK(curve.asked() == 6);
}

TEST_CASE("a jump between pieces stays where it is, to the unit") {
  const auto exact = [](std::int64_t size) {
    return size < 1500 ? nanoseconds(size) : nanoseconds(9000 + 2 * size);
  };
  RememberedCurve curve(exact, [](std::int64_t size) { return size < 1500 ? 0 : 1; });
  for (std::int64_t size = 1024; size < 2048; ++size) CHECK(curve.at(size) == exact(size));
  // Ends, both sides of the jump, and the middle of each piece.
  CHECK(curve.asked() == 6);
}

TEST_CASE("two changes within one octave are both found") {
  const auto exact = [](std::int64_t size) {
    return nanoseconds(size < 1100 ? 100 : size < 1900 ? 200 : 300);
  };
  RememberedCurve curve(exact, [](std::int64_t size) {
    return size < 1100 ? 0 : size < 1900 ? 1 : 2;
  });
  for (std::int64_t size = 1024; size < 2048; ++size) CHECK(curve.at(size) == exact(size));
}

TEST_CASE("a bend is followed to a thousandth") {
  // 1 us up to 1500, then 1 ns more for each.
  const auto exact = [](std::int64_t size) {
    return nanoseconds(1000 + std::max<std::int64_t>(0, size - 1500));
  };
  RememberedCurve curve(exact, one_piece);
  for (std::int64_t size = 1024; size < 2048; ++size) {
    const double off = to_seconds(curve.at(size)) / to_seconds(exact(size)) - 1;
    CHECK(std::abs(off) < 1e-3);
  }
  CHECK(curve.asked() < 30);
}

TEST_CASE("the order of questions changes no answer") {
  const auto exact = [](std::int64_t size) { return nanoseconds(size * size); };
  RememberedCurve up(exact, one_piece);
  RememberedCurve down(exact, one_piece);
  std::vector<Duration> answers;
  for (std::int64_t size = 1; size < 5000; size += 7) answers.push_back(up.at(size));
  std::vector<Duration> backwards;
  for (std::int64_t i = static_cast<std::int64_t>(answers.size()) - 1; i >= 0; --i) {
    backwards.insert(backwards.begin(), down.at(1 + 7 * i));
  }
  CHECK(answers == backwards);
}

}  // namespace
}  // namespace orrery
