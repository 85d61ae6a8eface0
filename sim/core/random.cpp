// SPDX-License-Identifier: Apache-2.0
#include "sim/core/random.h"

#include <bit>
#include <cmath>

#include "sim/core/check.h"
#include "sim/core/math.h"
#include "sim/core/units.h"

namespace orrery {

RandomStream::RandomStream(std::uint64_t seed, std::string_view path, std::string_view purpose)
    : RandomStream(mix(mix(mix(seed), hash_text(path)), hash_text(purpose))) {}

RandomStream::RandomStream(std::uint64_t name) : name_(name) {
  // SplitMix64 from the name, as the authors of xoshiro advise. mix() is a bijection, so four
  // different inputs never give the forbidden state of four zeros.
  for (std::uint64_t i = 0; i < 4; ++i) state_[i] = mix(name + i * 0x9e3779b97f4a7c15U);
}

RandomStream RandomStream::keyed(std::uint64_t key) const { return RandomStream(mix(name_, key)); }

std::uint64_t RandomStream::bits() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double RandomStream::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

std::uint64_t RandomStream::below(std::uint64_t bound) {
  ORRERY_CHECK(bound > 0);
  // Lemire 2019: the high half of a product, drawn again where the low half falls into the part
  // that does not divide evenly.
  UInt128 product = UInt128{bits()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t uneven = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < uneven) product = UInt128{bits()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

std::int64_t RandomStream::between(std::int64_t low, std::int64_t high) {
  ORRERY_CHECK(low <= high);
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t offset = span == UINT64_MAX ? bits() : below(span + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

// 0 minus, because the negative of 0 would be -0.
double RandomStream::exponential() { return 0 - math::log(1 - uniform()); }

double RandomStream::normal() {
  // Box and Muller; the second of the pair is not kept, so that a stream's state is its generator.
  const double radius = std::sqrt(2 * exponential());
  return radius * math::cos_turns(uniform());
}

double RandomStream::gamma(double shape) {
  ORRERY_CHECK(shape > 0 && std::isfinite(shape));
  // Below 1 the method does not hold; gamma(shape + 1) u^(1/shape) has the same law.
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * math::pow(1 - uniform(), 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (math::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * math::log(v)) return d * v;
  }
}

}  // namespace orrery
