// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/formats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "kernels/host/random.h"

namespace orrery::kernels {

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t odd = (bits >> 16) & 1U;
  return static_cast<std::uint16_t>((bits + 0x7fffU + odd) >> 16);
}

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint8_t to_fp8(float value) {
  const auto sign = static_cast<std::uint8_t>(std::signbit(value) ? 0x80 : 0);
  const float size = std::fabs(value);
  if (size >= 448) return static_cast<std::uint8_t>(sign | 0x7e);
  // The spacing of the format around the value: 2^-9 below 2^-6, an eighth of a power of two above.
  int exponent = 0;
  static_cast<void>(std::frexp(size, &exponent));
  const int place = std::max(exponent - 1, -6) - 3;
  const float rounded = std::ldexp(std::nearbyint(std::ldexp(size, -place)), place);
  if (rounded == 0) return sign;
  static_cast<void>(std::frexp(rounded, &exponent));
  const int field = exponent - 1 + 7;
  if (field <= 0) return static_cast<std::uint8_t>(sign | static_cast<int>(std::ldexp(rounded, 9)));
  const int mantissa = static_cast<int>(std::ldexp(rounded, 3 - (exponent - 1))) - 8;
  return static_cast<std::uint8_t>(sign | (field << 3) | mantissa);
}

float from_fp8(std::uint8_t bits) {
  const int field = (bits >> 3) & 15;
  const int mantissa = bits & 7;
  const float size = field == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                : std::ldexp(static_cast<float>(8 + mantissa), field - 10);
  return (bits & 0x80) != 0 ? -size : size;
}

std::vector<std::uint16_t> random_bf16(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) value = to_bf16(random.symmetric());
  return values;
}

std::vector<float> floats_of(const std::vector<std::uint16_t>& values) {
  std::vector<float> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), from_bf16);
  return result;
}

}  // namespace orrery::kernels
