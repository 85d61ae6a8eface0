// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CORE_RANDOM_H_
#define ORRERY_SIM_CORE_RANDOM_H_

#include <cstdint>
#include <string_view>

#include "sim/core/hash.h"

namespace orrery {

/// A named stream of random numbers (xoshiro256++, Blackman and Vigna 2019). Its seed comes from
/// (seed, path, purpose), so that adding a component does not reshuffle the others. Its
/// distributions are our own, because those of the standard library differ by library.
/// Draws about a request come from `stream.keyed(request)`: two policies then see the same luck.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view path, std::string_view purpose);

  /// A fresh stream that depends on this one's name and `key` only, not on draws made so far.
  [[nodiscard]] RandomStream keyed(std::uint64_t key) const;

  std::uint64_t bits();
  /// In [0, 1), 53 bits.
  double uniform();
  /// In [0, bound), without bias. bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// In [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high);
  /// Mean 1.
  double exponential();
  /// Mean 0, variance 1.
  double normal();
  /// Mean shape, variance shape (scale 1); shape > 0 (Marsaglia and Tsang 2000).
  double gamma(double shape);

 private:
  explicit RandomStream(std::uint64_t name);

  std::uint64_t name_;
  std::uint64_t state_[4];
};

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_RANDOM_H_
