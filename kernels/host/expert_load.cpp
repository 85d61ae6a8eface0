// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/expert_load.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

namespace orrery::kernels {

std::vector<std::int64_t> even_load(std::int64_t experts, std::int64_t rows) {
  std::vector<std::int64_t> load;
  for (std::int64_t i = 0; i < experts; ++i) {
    load.push_back(rows * (i + 1) / experts - rows * i / experts);
  }
  return load;
}

std::vector<std::int64_t> zipf_load(std::int64_t experts, std::int64_t rows, std::int64_t most) {
  if (experts * most < rows) throw std::invalid_argument("more rows than the experts may take");
  double weights = 0;
  for (std::int64_t i = 0; i < experts; ++i) weights += 1 / static_cast<double>(i + 1);
  std::vector<std::int64_t> load;
  std::int64_t left = rows;
  for (std::int64_t i = 0; i < experts; ++i) {
    // Of what is left, this expert's part of what the experts left would get.
    const double weight = 1 / static_cast<double>(i + 1);
    const auto wanted =
        static_cast<std::int64_t>(std::llround(static_cast<double>(left) * weight / weights));
    // Those after it must be able to take the rest.
    const std::int64_t least = left - (experts - i - 1) * most;
    load.push_back(std::clamp(wanted, std::max<std::int64_t>(0, least), std::min(most, left)));
    left -= load.back();
    weights -= weight;
  }
  return load;
}

}  // namespace orrery::kernels
