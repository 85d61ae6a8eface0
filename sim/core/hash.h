// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_HASH_H_
#define ORRERY_SIM_CORE_HASH_H_

#include <cstdint>
#include <string_view>

namespace orrery {

/// A bijection of 64 bits that spreads them (the finaliser of SplitMix64, Steele et al. 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Joins what came before with one more value; order matters.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t before, std::uint64_t next) {
  return mix(before * 0x9e3779b97f4a7c15U + (next ^ (before >> 32)));
}

[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325U;  // FNV-1a, then spread
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mix(h);
}

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_HASH_H_
