// SPDX-License-Identifier: Apache-2.0
//
// The physics of each operator, one file an operator; kernel_physics.h is what others see of them.
#ifndef ORRERY_MODELS_CALIBRATION_OPERATOR_PHYSICS_H_
#define ORRERY_MODELS_CALIBRATION_OPERATOR_PHYSICS_H_

#include <algorithm>
#include <cmath>
#include <span>

#include "models/calibration/kernel_physics.h"
#include "sim/core/math.h"

namespace orrery {

inline double up(double a, double b) { return std::ceil(a / b); }
inline double log_of(double x) { return math::log(std::max(x, 1e-9)); }

/// Two limits that nearly overlap: at most 19 % above the larger.
inline double soft_max(double a, double b) {
  const double a2 = a * a;
  const double b2 = b * b;
  return std::sqrt(std::sqrt(a2 * a2 + b2 * b2));
}

[[nodiscard]] std::span<const Parameter> gemm_parameters();
[[nodiscard]] std::span<const Parameter> prefill_parameters();
[[nodiscard]] std::span<const Parameter> decode_parameters();
[[nodiscard]] std::span<const Parameter> moe_parameters();

/// The time with these parameter values; the features too where they are asked for.
[[nodiscard]] KernelView gemm_time(const GpuFigures& gpu, const KernelShape& shape,
                                   std::span<const double> values, bool features);
[[nodiscard]] KernelView prefill_time(const GpuFigures& gpu, const KernelShape& shape,
                                      std::span<const double> values, bool features);
[[nodiscard]] KernelView decode_time(const GpuFigures& gpu, const KernelShape& shape,
                                     std::span<const double> values, bool features);
[[nodiscard]] KernelView moe_time(const GpuFigures& gpu, const KernelShape& shape,
                                  std::span<const double> values, bool features);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_OPERATOR_PHYSICS_H_
