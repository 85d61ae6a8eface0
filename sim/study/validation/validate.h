// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_VALIDATION_VALIDATE_H_
#define ORRERY_SIM_STUDY_VALIDATION_VALIDATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "models/calibration/measured_row.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// Errors are relative: predicted / measured - 1.
struct ErrorGroup {
  std::string name;
  std::int64_t n = 0;
  double median_abs_error = 0;
  double p90_abs_error = 0;
  double worst_abs_error = 0;
  /// The median error with its sign.
  double bias = 0;
  /// Rows that have an interval, and those of them that lie within.
  std::int64_t with_interval = 0;
  std::int64_t within_interval = 0;
  std::int64_t extrapolated = 0;
};

/// Of relative errors; there has to be one.
[[nodiscard]] ErrorGroup group_of(std::string name, std::vector<double> errors);

struct ValidatedPoint {
  MeasuredRow row;
  double predicted_us = 0;
  /// Half-width of the 90 % interval relative to the prediction; below 0 where there is none.
  double interval = -1;
  bool extrapolated = false;
  std::string basis;
};

struct Validation {
  std::vector<ValidatedPoint> points;
  /// By kernel set, in their order; then all together.
  std::vector<ErrorGroup> groups;
  /// Of no row: where there is none.
  ErrorGroup overall;
};

/// Predicts each row by the GPU's calibration. Rows of kernel sets that it does not have are
/// predicted by the physics with assumed parameters, without an interval, and their basis says so.
[[nodiscard]] Validation validate(const GpuSpec& gpu, const std::vector<MeasuredRow>& rows);

/// A row a point: op, dtype, kv_dtype, shape, measured and predicted in microseconds, interval,
/// basis.
[[nodiscard]] std::string points_csv(const Validation& validation);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_VALIDATION_VALIDATE_H_
