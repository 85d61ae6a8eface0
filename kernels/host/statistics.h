// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_STATISTICS_H_
#define ORRERY_KERNELS_HOST_STATISTICS_H_

#include <vector>

namespace orrery::kernels {

/// Repeated timings of one thing, in microseconds.
struct Spread {
  int repeats = 0;
  double median = 0;
  double p10 = 0;
  double p90 = 0;
};

/// The value below which a share of the sorted samples lies, interpolated between neighbours as
/// numpy does. Throws std::invalid_argument without samples or with a share outside [0, 1].
[[nodiscard]] double quantile(const std::vector<double>& sorted, double share);

/// Throws std::invalid_argument without samples, or with one that is not a positive number: a clock
/// that stands still has measured nothing.
[[nodiscard]] Spread spread_of(std::vector<double> samples);

/// How often to launch in one timed stretch, and how many stretches to time.
struct Effort {
  int launches = 1;
  int repeats = 1;
};

/// Shares a time budget: a stretch lasts at least `stretch_us`, so that the clock's half
/// microsecond is lost in it, and launches at least `rotations` times, so that each operand has
/// its turn; never fewer than 5 stretches, never more than 40, nor 400 launches in one.
[[nodiscard]] Effort effort_for(double one_us, int rotations, double budget_us, double stretch_us);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_STATISTICS_H_
