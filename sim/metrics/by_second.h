// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_BY_SECOND_H_
#define ORRERY_SIM_METRICS_BY_SECOND_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/core/units.h"

namespace orrery {

/// Counts by whole seconds of simulated time, for the two peaks that `vllm bench serve` takes over
/// seconds. Eight bytes for each second of the run.
class BySecond {
 public:
  /// Cheap while `when` stays in the second of the last call, as with steps it mostly does.
  void add(Instant when, std::int64_t count) {
    if (static_cast<std::uint64_t>(when.picoseconds()) - second_begin_ >= kSecond) [[unlikely]]
      move_to(when);
    seconds_[second_] += count;
  }
  /// The greatest count of a second.
  [[nodiscard]] std::int64_t peak() const {
    return seconds_.empty() ? 0 : *std::max_element(seconds_.begin(), seconds_.end());
  }
  /// The greatest sum of all seconds up to one, for counts that are changes.
  [[nodiscard]] std::int64_t running_peak() const {
    std::int64_t now = 0;
    std::int64_t peak = 0;
    for (const std::int64_t change : seconds_) peak = std::max(peak, now += change);
    return peak;
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000'000U;

  void move_to(Instant when) {
    second_ = static_cast<std::uint64_t>(when.picoseconds()) / kSecond;
    if (second_ >= seconds_.size()) seconds_.resize(second_ + 1);
    second_begin_ = second_ * kSecond;
  }

  std::vector<std::int64_t> seconds_;
  /// Of the last call. At first one that no time lies in, so that it is looked up.
  std::uint64_t second_begin_ = std::uint64_t{1} << 63;
  std::size_t second_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_BY_SECOND_H_
