// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_RANDOM_H_
#define ORRERY_KERNELS_HOST_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace orrery::kernels {

/// splitmix64 (Steele, Lea, Flood 2014): a few lines that are the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// Below `count`, which is small beside 2^64.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  /// In [-1, 1).
  float symmetric() {
    return static_cast<float>(static_cast<double>(next() >> 11) * 0x1p-52 - 1.0);
  }

 private:
  std::uint64_t state_;
};

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_RANDOM_H_
