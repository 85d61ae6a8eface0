// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/decimal.h"

#include <doctest/doctest.h>

#include "sim/workload/wall_clock.h"

namespace orrery {
namespace {

constexpr TraceTime kSecond = 1'000'000'000'000;

bool is(std::optional<TraceTime> got, TraceTime wanted) { return got && *got == wanted; }

TEST_CASE("decimal seconds become picoseconds in one rounding") {
  CHECK(is(parse_decimal("0", 12), 0));
  CHECK(is(parse_decimal("12", 12), 12 * kSecond));
  CHECK(is(parse_decimal("12.", 12), 12 * kSecond));
  CHECK(is(parse_decimal(".5", 12), kSecond / 2));
  CHECK(is(parse_decimal("-1.5", 12), -3 * kSecond / 2));
  CHECK(is(parse_decimal("0.5100301436374005", 12), 510'030'143'637));
  // The 13th digit decides; a double in between would have lost it here.
  CHECK(is(parse_decimal("1787267980.0827403123454", 12),
           static_cast<TraceTime>(1787267980) * kSecond + 82'740'312'345));
  CHECK(is(parse_decimal("0.0000000000005", 12), 1));
  CHECK(is(parse_decimal("0.00000000000049999999999999999999", 12), 0));
  CHECK(is(parse_decimal("9.9999999999995", 12), 10 * kSecond));
}

TEST_CASE("exponents move the point, as Python prints small numbers") {
  CHECK(is(parse_decimal("5e-05", 12), 50'000'000));
  CHECK(is(parse_decimal("1.25E+2", 12), 125 * kSecond));
  CHECK(is(parse_decimal("5e-13", 12), 1));
  CHECK(is(parse_decimal("5e-14", 12), 0));
  CHECK(is(parse_decimal("5e-999", 12), 0));
  CHECK(is(parse_decimal("0e999", 12), 0));
  CHECK(is(parse_decimal("0.000000000000000000001e21", 12), kSecond));
}

TEST_CASE("other units have other digits") {
  CHECK(is(parse_decimal("27482", 9), 27'482'000'000'000));  // milliseconds
  CHECK(is(parse_decimal("46926808", 3), 46'926'808'000));   // nanoseconds
}

TEST_CASE("what is no number or too large is nothing") {
  for (const char* text : {"", "-", ".", "1.2.3", "1e", "1e-", "e5", "0x10", "nan", "inf", "1 ",
                           " 1", "1,5", "+1", "1e1001", "1e--5", "10000000000000", "1e13"}) {
    CHECK_MESSAGE(!parse_decimal(text, 12).has_value(), text);
  }
}

TEST_CASE("times scale by the exact value of the double, rounded once") {
  CHECK(is(scale_time(10, 0.25), 3));  // 2.5 goes away from zero
  CHECK(is(scale_time(-10, 0.25), -3));
  CHECK(is(scale_time(3 * kSecond, 2), 6 * kSecond));
  // 1e-3 as a double is 1e-3 + 2.08e-20: 3.537e18 times that is off by 0.07, far below a half.
  CHECK(is(scale_time(static_cast<TraceTime>(3'536'999) * kSecond, 0.001), 3'536'999'000'000'000));
  CHECK(is(scale_time(kSecond, 1e-300), 0));
  CHECK_FALSE(scale_time(kSecond, 1e300).has_value());
  CHECK(is(divide_time(10, 4), 3));
  CHECK(is(divide_time(kSecond, 3), 333'333'333'333));
  CHECK(is(divide_time(kSecond, 0.5), 2 * kSecond));
  CHECK(is(divide_time(kSecond, 1e300), 0));
  CHECK_FALSE(divide_time(kSecond, 1e-300).has_value());
}

TEST_CASE("whole numbers have no sign, point or blank") {
  CHECK(parse_whole("18446744073709551615") == UINT64_MAX);
  for (const char* text : {"", "-1", "+1", "1.0", " 1", "1 ", "18446744073709551616", "1e3"}) {
    CHECK_MESSAGE(!parse_whole(text).has_value(), text);
  }
}

TEST_CASE("wall clocks") {
  // 2023-11-16 is day 19677 of 1970; 18:17:03 is second 65823.
  const TraceTime base = (static_cast<TraceTime>(19677) * 86400 + 65823) * kSecond;
  CHECK(is(parse_wall_clock("2023-11-16 18:17:03.9799600"), base + 979'960'000'000));
  CHECK(is(parse_wall_clock("2023-11-16T18:17:03Z"), base));
  CHECK(is(parse_wall_clock("2023-11-16 18:17:03.5+00:00"), base + kSecond / 2));
  CHECK(is(parse_wall_clock("2023-11-16 18:17:03+01:30"), base - 5400 * kSecond));
  CHECK(
      is(parse_wall_clock("2024-02-29 00:00:00"), static_cast<TraceTime>(19782) * 86400 * kSecond));
  for (const char* text :
       {"", "2023-11-16", "2023-11-16 18:17", "2023-02-29 00:00:00", "2023-11-16 24:00:00",
        "2023-11-16 18:60:00", "2023-13-01 00:00:00", "2023-11-16 18:17:03.", "1969-01-01 00:00:00",
        "2023-11-16 18:17:03.1234567890123", "2023-11-16 18:17:03 ", "16.11.2023 18:17:03"}) {
    CHECK_MESSAGE(!parse_wall_clock(text).has_value(), text);
  }
}

}  // namespace
}  // namespace orrery
