// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/reference.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/host/formats.h"

namespace orrery::kernels {
namespace {

TEST_CASE("bf16 rounds to the nearest, ties to even") {
  CHECK(from_bf16(to_bf16(1)) == 1);
  // Between 1 and 2 the spacing is 2^-7.
  CHECK(from_bf16(to_bf16(1 + 0x1p-8F)) == 1);                // a tie, to the even 1
  CHECK(from_bf16(to_bf16(1 + 3 * 0x1p-8F)) == 1 + 0x1p-6F);  // a tie, to the even 2 * 2^-7
  CHECK(from_bf16(to_bf16(-1 - 0x1.2p-8F)) == -1 - 0x1p-7F);
  for (const std::uint16_t bits : random_bf16(1000, 5)) CHECK(to_bf16(from_bf16(bits)) == bits);
}

TEST_CASE("fp8 is e4m3 of the OCP standard") {
  CHECK(from_fp8(0x38) == 1);
  CHECK(from_fp8(0x7e) == 448);
  CHECK(from_fp8(0x01) == 0x1p-9F);
  CHECK(from_fp8(0x08) == 0x1p-6F);
  CHECK(from_fp8(0xb8) == -1);
  CHECK(to_fp8(1000) == 0x7e);
  CHECK(to_fp8(1 + 0x1p-4F) == 0x38);      // a tie between 1 and 1.125
  CHECK(to_fp8(1 + 3 * 0x1p-4F) == 0x3a);  // a tie between 1.125 and 1.25
  CHECK(to_fp8(0x1p-10F) == 0);            // a tie between 0 and 2^-9
  for (int bits = 0; bits < 256; ++bits) {
    if ((bits & 0x7f) == 0x7f) continue;  // not a number
    CHECK(to_fp8(from_fp8(static_cast<std::uint8_t>(bits))) == bits);
  }
}

TEST_CASE("attention over two tokens by hand") {
  // One head of two dimensions after one earlier token. q k^T / sqrt(2) = (0, ln 3): weights 1/4
  // and 3/4.
  const auto key = static_cast<float>(std::log(3.0) * std::sqrt(2.0));
  const Expected out = attention({1, 1, 2}, {1, 0}, {0, 7, key, 0}, {8, 0, 0, 4}, 1, 1);
  REQUIRE(out.values.size() == 2);
  CHECK(out.values[0] == doctest::Approx(2.0));
  CHECK(out.values[1] == doctest::Approx(3.0));
  // A first token sees itself alone, and heads of a group share their keys.
  const Expected first = attention({2, 1, 1}, {3, 5, 1, 1}, {1, 2}, {6, 9}, 2, 0);
  CHECK(first.values[0] == 6);
  CHECK(first.values[1] == 6);
  CHECK(first.values[2] == doctest::Approx(6 / (1 + std::exp(1.0)) + 9 / (1 + std::exp(-1.0))));
}

TEST_CASE("products, norms, gates, turns and scales by hand") {
  const Expected product = matrix_product({1, 2, 3, 4}, {5, 6, 7, 8, 9, 10}, 2, 3, 2);
  CHECK(product.values == std::vector<double>{17, 23, 29, 39, 53, 67});

  // (3, 4): mean of squares 12.5.
  const NormExpected norm = rms_norm({1, 1}, {2, 3}, {1, 2}, 2, 0);
  CHECK(norm.sums.values == std::vector<double>{3, 4});
  CHECK(norm.normed.values[0] == doctest::Approx(3 / std::sqrt(12.5)));
  CHECK(norm.normed.values[1] == doctest::Approx(8 / std::sqrt(12.5)));

  CHECK(silu_mul({0, 1, 5, 2}, 2).values[0] == 0);
  CHECK(silu_mul({0, 1, 5, 2}, 2).values[1] == doctest::Approx(2 / (1 + std::exp(-1.0))));

  // Token 1 of one head of two: turned by one radian.
  const Expected turned = rope({9, 9, 1, 0}, 1, 2, 10000);
  CHECK(turned.values[0] == 9);
  CHECK(turned.values[2] == doctest::Approx(std::cos(1.0)));
  CHECK(turned.values[3] == doctest::Approx(std::sin(1.0)));

  const QuantiseExpected scaled = quantise({1, -4, 2, 0}, 2);
  CHECK(scaled.scales[0] == doctest::Approx(4.0 / 448));
  CHECK(scaled.values.values[1] == doctest::Approx(-448));
}

TEST_CASE("sampling takes the fewest tokens that reach top_p") {
  // Shares 0.5, 0.25, 0.125, 0.125 of tokens 2, 0, 1, 3.
  const std::vector<float> logits = {std::log(2.0F), 0, std::log(4.0F), 0};
  CHECK(sample(logits, 4, 1, 0) == 2);
  CHECK(sample(logits, 4, 1, 0.51) == 0);
  CHECK(sample(logits, 4, 1, 0.76) == 1);
  CHECK(sample(logits, 4, 1, 0.99) == 3);
  // Of the two that reach 0.7, the first has two thirds.
  CHECK(sample(logits, 4, 0.7, 0.6) == 2);
  CHECK(sample(logits, 4, 0.7, 0.7) == 0);
  CHECK(sample(logits, 1, 1, 0.99) == 2);
}

TEST_CASE("a result that rounding does not explain is told") {
  const Expected expected{{1, 2}, {0.1, 0.1}};
  CHECK(difference(expected, {1.05F, 1.95F}).empty());
  CHECK(difference(expected, {1.05F, 2.5F}).find("value 1 of 2 is 2.5 instead of 2, 5 times") == 0);
  CHECK(!difference(expected, {std::numeric_limits<float>::quiet_NaN(), 2}).empty());
  CHECK_THROWS_AS(static_cast<void>(difference(expected, {1})), std::invalid_argument);
}

}  // namespace
}  // namespace orrery::kernels
