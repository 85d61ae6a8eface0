// SPDX-License-Identifier: Apache-2.0
#include "sim/core/units.h"

#include <doctest/doctest.h>

namespace orrery {
namespace {

TEST_CASE("a transfer never ends early") {
  // 1 byte at 3 bytes a second is 333 333 333 333.3 ps.
  CHECK(Bandwidth::per_second(3).time_for(Bytes(1)) == picoseconds(333'333'333'334));
  CHECK(Bandwidth::per_second(1'000'000'000'000).time_for(Bytes(7)) == picoseconds(7));
  CHECK(Bandwidth::per_second(5).time_for(Bytes(0)) == picoseconds(0));
}

TEST_CASE("sums that do not fit are bugs, not wrap-arounds") {
  CHECK_THROWS_AS(static_cast<void>(Duration(INT64_MAX) + Duration(1)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(seconds(INT64_MAX)), InternalError);
}

}  // namespace
}  // namespace orrery
