// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_CALIBRATION_LEAST_SQUARES_H_
#define ORRERY_MODELS_CALIBRATION_LEAST_SQUARES_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "models/calibration/kernel_physics.h"

namespace orrery {

/// Fills `residuals` for the given parameter values.
using Residuals = std::function<void(std::span<const double> values, std::span<double> residuals)>;

/// The parameter values, each within its bounds, for which the sum of Huber losses of `count`
/// residuals is least near where the parameters begin (Levenberg-Marquardt; differences for
/// slopes; bounds kept by a logistic map). Residuals beyond `huber` count by their size only.
[[nodiscard]] std::vector<double> least_squares(std::span<const Parameter> parameters,
                                                std::size_t count, double huber,
                                                const Residuals& residuals);

/// The same where the last parameter may be a choice: each is tried, and that with the least sum of
/// losses taken.
[[nodiscard]] std::vector<double> fit_with_choice(std::span<const Parameter> parameters,
                                                  std::size_t count, double huber,
                                                  const Residuals& residuals);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_LEAST_SQUARES_H_
