// SPDX-License-Identifier: Apache-2.0
#include "sim/core/units_text.h"

#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace orrery {
namespace {

std::string error_of(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("text with units becomes an exact count") {
  CHECK(parse_duration("12us") == microseconds(12));
  CHECK(parse_duration(" 12 us ") == microseconds(12));
  CHECK(parse_duration("0.1 s") == milliseconds(100));
  CHECK(parse_duration("1.5 h") == seconds(5400));
  CHECK(parse_duration("2 min") == seconds(120));
  CHECK(parse_duration("1 d") == seconds(86400));
  CHECK(parse_duration("0s") == Duration(0));
  CHECK(parse_duration("1e-12 s") == picoseconds(1));
  CHECK(parse_duration("+3 ps") == picoseconds(3));
  CHECK(parse_bytes("80 GiB") == Bytes(std::int64_t{80} << 30));
  CHECK(parse_bytes("80 GB") == Bytes(80'000'000'000));
  // Half of 2^10, and 2^-3 of it: a binary unit leaves whole counts for some decimals.
  CHECK(parse_bytes("0.5 KiB") == Bytes(512));
  CHECK(parse_bytes("0.125 KiB") == Bytes(128));
  CHECK(parse_flops("2.5 GFLOP") == Flops(2'500'000'000));
  // In doubles 4.35 * 1e12 is 4349999999999.9995.
  CHECK(parse_bandwidth("3.35 TB/s").units_per_second() == 3'350'000'000'000);
  CHECK(parse_bandwidth("4.35 TB/s").units_per_second() == 4'350'000'000'000);
  CHECK(parse_bandwidth("400 Gbit/s").units_per_second() == 50'000'000'000);
  CHECK(parse_bandwidth("1 GiB/s").units_per_second() == 1 << 30);
  CHECK(parse_compute_rate("989.5 TFLOP/s").units_per_second() == 989'500'000'000'000);
  CHECK(parse_frequency("1.98 GHz").units_per_second() == 1'980'000'000);
  CHECK(parse_rate_per_second("8/s") == 8.0);
  CHECK(parse_rate_per_second("2.5 /s") == 2.5);
  CHECK(parse_rate_per_second("30/min") == 0.5);
  CHECK(parse_rate_per_second("900/h") == 0.25);
}

TEST_CASE("the largest counts fit and the next do not") {
  CHECK(parse_duration("9223372036854775807 ps").count() == INT64_MAX);
  CHECK(parse_duration("9223372.036854775807 s").count() == INT64_MAX);
  CHECK(error_of([] {
          static_cast<void>(parse_duration("9223372.036854775808 s"));
        }).starts_with("'9223372.036854775808 s' is too large; known: ps, ns, us"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration("107 d"));
        }).starts_with("'107 d' is too large"));
  CHECK(error_of([] {
          static_cast<void>(parse_bytes("1e99 B"));
        }).starts_with("'1e99 B' is too large"));
  // Zeros cost no digits, wherever they stand.
  CHECK(parse_bytes("0000000000000000000000000000001.000000000000000000000000000 B") == Bytes(1));
}

TEST_CASE("what is refused says why and names the units") {
  CHECK(error_of([] { static_cast<void>(parse_duration("12")); }) ==
        "'12' has no unit; known: ps, ns, us, ms, s, min, h, d");
  CHECK(error_of([] { static_cast<void>(parse_duration("12 sec")); }) ==
        "'12 sec' has the unknown unit 'sec'; known: ps, ns, us, ms, s, min, h, d");
  CHECK(error_of([] { static_cast<void>(parse_duration("")); }) ==
        "'' does not start with a number; known: ps, ns, us, ms, s, min, h, d");
  CHECK(error_of([] {
          static_cast<void>(parse_duration("fast"));
        }).starts_with("'fast' does not start with a number"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration("-5 ms"));
        }).starts_with("'-5 ms' is negative"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration("1.5 ps"));
        }).starts_with("'1.5 ps' is not a whole number of picoseconds"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration("1.2.3 s"));
        }).starts_with("'1.2.3 s' is not one decimal number"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration("1 s 2 ms"));
        }).starts_with("'1 s 2 ms' has the unknown unit 's 2 ms'"));
  CHECK(error_of([] {
          static_cast<void>(parse_duration(". s"));
        }).starts_with("'. s' does not start with a number"));
  CHECK(error_of([] {
          static_cast<void>(parse_bytes("1.23456789012345678901 B"));
        }).starts_with("'1.23456789012345678901 B' is not one decimal number of at most 19"));
  // 0.1 of 2^30 is no whole number: 107374182.4.
  CHECK(error_of([] {
          static_cast<void>(parse_bytes("0.1 GiB"));
        }).starts_with("'0.1 GiB' is not a whole number of bytes"));
  // K alone is read as 1000 and as 1024.
  CHECK(error_of([] {
          static_cast<void>(parse_bytes("4 KB"));
        }).ends_with("TiB, PiB (did you mean kB?)"));
  CHECK(error_of([] { static_cast<void>(parse_bandwidth("3 TB")); }).find("known: B/s, kB/s") !=
        std::string::npos);
  CHECK(error_of([] { static_cast<void>(parse_rate_per_second("8")); }) ==
        "'8' has no unit; known: /s, /min, /h");
  CHECK(error_of([] {
          static_cast<void>(parse_rate_per_second("1.2.3/s"));
        }).starts_with("'1.2.3/s' is not one decimal number"));
}

TEST_CASE("exact seconds drop no picosecond and print no needless zero") {
  CHECK(exact_seconds(picoseconds(12'000'345'000'000)) == "12.000345");
  CHECK(exact_seconds(Duration(0)) == "0");
  CHECK(exact_seconds(picoseconds(1)) == "0.000000000001");
  CHECK(exact_seconds(seconds(7)) == "7");
  CHECK(exact_seconds(milliseconds(-1500)) == "-1.5");
  CHECK(exact_seconds(Duration(INT64_MAX)) == "9223372.036854775807");
  CHECK(exact_seconds(Duration(INT64_MIN)) == "-9223372.036854775808");
}

TEST_CASE("seconds of a cost model round up to picoseconds") {
  CHECK(round_up_to_duration(0) == Duration(0));
  CHECK(round_up_to_duration(1e-13) == picoseconds(1));
  CHECK(round_up_to_duration(0.001) == milliseconds(1));
  CHECK(round_up_to_duration(1.5) == milliseconds(1500));
  CHECK_THROWS_AS(static_cast<void>(round_up_to_duration(-1e-15)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(round_up_to_duration(1e8)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(round_up_to_duration(0.0 / 0.0)), InternalError);
}

TEST_CASE("people get four digits and the fitting unit") {
  CHECK(human(microseconds(12'345)) == "12.35 ms");
  CHECK(human(Duration(0)) == "0 ps");
  CHECK(human(seconds(100)) == "100 s");
  CHECK(human(seconds(600)) == "10 min");
  CHECK(human(seconds(7200)) == "2 h");
  CHECK(human(seconds(-259'200)) == "-3 d");
  CHECK(human(Bytes(std::int64_t{80} << 30)) == "80 GiB");
  CHECK(human(Bytes(1023)) == "1023 B");
  CHECK(human(Bytes(1536)) == "1.5 KiB");
  CHECK(human(Flops(2'500'000)) == "2.5 MFLOP");
  CHECK(human(Bandwidth::per_second(3'350'000'000'000)) == "3.35 TB/s");
  CHECK(human(ComputeRate::per_second(989'000'000'000'000)) == "989 TFLOP/s");
}

TEST_CASE("exact text reads back to the same value") {
  CHECK(exact_text(microseconds(1500)) == "1500 us");
  CHECK(exact_text(Duration(0)) == "0 ps");
  CHECK(exact_text(seconds(600)) == "10 min");
  // 80 GiB is 85899345.92 kB but a whole count of GiB; 80 GB is 78125000 KiB, and GB is larger.
  CHECK(exact_text(Bytes(std::int64_t{80} << 30)) == "80 GiB");
  CHECK(exact_text(Bytes(80'000'000'000)) == "80 GB");
  CHECK(exact_text(Bandwidth::per_second(3'350'000'000'000)) == "3350 GB/s");
  CHECK(exact_text(Frequency::per_second(1'980'000'000)) == "1980 MHz");
  CHECK(exact_text(Flops(7)) == "7 FLOP");
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 50,
                                   std::int64_t{86'400'000'000'000'000}, INT64_MAX}) {
    CHECK(parse_duration(exact_text(Duration(count))).count() == count);
    CHECK(parse_bytes(exact_text(Bytes(count))).count() == count);
    CHECK(parse_flops(exact_text(Flops(count))).count() == count);
    const auto bandwidth = Bandwidth::per_second(count);
    CHECK(parse_bandwidth(exact_text(bandwidth)) == bandwidth);
    const auto compute = ComputeRate::per_second(count);
    CHECK(parse_compute_rate(exact_text(compute)) == compute);
    const auto frequency = Frequency::per_second(count);
    CHECK(parse_frequency(exact_text(frequency)) == frequency);
  }
}

TEST_CASE("every unit that is named is known to its parser") {
  for (const auto unit : units_of(Duration())) {
    CHECK(parse_duration("1 " + std::string(unit)).count() > 0);
  }
  for (const auto unit : units_of(Bytes())) {
    CHECK(parse_bytes("1 " + std::string(unit)).count() > 0);
  }
  for (const auto unit : units_of(Bandwidth())) {
    CHECK(parse_bandwidth("1 " + std::string(unit)).units_per_second() > 0);
  }
  for (const auto unit : units_of_rate_per_second()) {
    CHECK(parse_rate_per_second("1 " + std::string(unit)) > 0);
  }
}

}  // namespace
}  // namespace orrery
