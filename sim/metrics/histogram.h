// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_HISTOGRAM_H_
#define ORRERY_SIM_METRICS_HISTOGRAM_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace orrery {

/// Counts durations of any length in 432 KiB, for what happens once a token. Each octave is cut
/// into 1024 equal bins, so a bin is at most 1/1024 = 0.098 % of its lower edge wide, and below
/// 2048 ps it holds one value. Count, sum (so the mean), least and greatest are exact; a
/// percentile is off by at most half a bin.
class DurationHistogram {
 public:
  DurationHistogram() : counts_(kBins) {}

  /// `value` happened `count` times. Neither is negative. Allocates nothing.
  void add(Duration value, std::int64_t count = 1) {
    ORRERY_CHECK(value.count() >= 0);
    const auto v = static_cast<std::uint64_t>(value.count());
    const auto n = static_cast<std::uint64_t>(count);
    counts_[bin_of(v)] += n;
    count_ += n;
    sum_ += static_cast<UInt128>(v) * n;
    if (n != 0) {
      least_ = std::min(least_, v);
      greatest_ = std::max(greatest_, v);
    }
  }

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  /// Of those added so far, of which there must be one.
  [[nodiscard]] Duration min() const;
  [[nodiscard]] Duration max() const;
  /// In picoseconds, as the following.
  [[nodiscard]] double mean() const;
  /// Of the population, as numpy's std has it, with each value at the middle of its bin.
  [[nodiscard]] double standard_deviation() const;
  /// numpy's linear interpolation between the two order statistics, each at the middle of its bin
  /// but never outside [min, max]. `percent` is within 0 to 100.
  [[nodiscard]] double percentile(double percent) const;

  /// The bin a value falls into, and where a bin begins and how many values it holds.
  [[nodiscard]] static constexpr std::size_t bin_of(std::uint64_t value) {
    const int shift = 64 - kBitsPerBin - std::countl_zero(value | (2 * kBinsPerOctave - 1));
    return (static_cast<std::size_t>(shift) * kBinsPerOctave) +
           static_cast<std::size_t>(value >> shift);
  }
  [[nodiscard]] static constexpr std::uint64_t bin_begin(std::size_t bin) {
    const std::size_t shift = shift_of(bin);
    return static_cast<std::uint64_t>(bin - shift * kBinsPerOctave) << shift;
  }
  [[nodiscard]] static constexpr std::uint64_t bin_width(std::size_t bin) {
    return std::uint64_t{1} << shift_of(bin);
  }

 private:
  static constexpr std::uint64_t kBinsPerOctave = 1024;
  /// Bits of `value >> shift`, which lies in [kBinsPerOctave, 2 * kBinsPerOctave) unless shift is
  /// 0.
  static constexpr int kBitsPerBin = 11;
  static constexpr std::size_t kBins = (63 - kBitsPerBin) * kBinsPerOctave + 2 * kBinsPerOctave;

  [[nodiscard]] static constexpr std::size_t shift_of(std::size_t bin) {
    return bin < 2 * kBinsPerOctave ? 0 : bin / kBinsPerOctave - 1;
  }
  [[nodiscard]] static double middle_of(std::size_t bin);
  /// The order statistic `rank`, counted from 0.
  [[nodiscard]] double value_at(std::uint64_t rank) const;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  UInt128 sum_ = 0;
  std::uint64_t least_ = UINT64_MAX;
  std::uint64_t greatest_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_HISTOGRAM_H_
