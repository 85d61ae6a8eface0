// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

namespace orrery::kernels {

double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) throw std::invalid_argument("a quantile of no samples");
  if (!(share >= 0 && share <= 1)) throw std::invalid_argument("a share outside [0, 1]");
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Spread spread_of(std::vector<double> samples) {
  for (const double sample : samples) {
    if (!std::isfinite(sample) || sample <= 0) {
      throw std::invalid_argument("a timing that is not a positive number");
    }
  }
  std::sort(samples.begin(), samples.end());
  return {static_cast<int>(samples.size()), quantile(samples, 0.5), quantile(samples, 0.1),
          quantile(samples, 0.9)};
}

Effort effort_for(double one_us, int rotations, double budget_us, double stretch_us) {
  if (!(one_us > 0) || rotations < 1) throw std::invalid_argument("an effort for nothing");
  Effort effort;
  const double wanted = std::ceil(stretch_us / one_us);
  effort.launches = static_cast<int>(std::clamp(wanted, 1.0, 400.0));
  effort.launches = std::max(effort.launches, std::min(rotations, 400));
  const double repeats = budget_us / (one_us * effort.launches);
  effort.repeats = static_cast<int>(std::clamp(repeats, 5.0, 40.0));
  return effort;
}

}  // namespace orrery::kernels
