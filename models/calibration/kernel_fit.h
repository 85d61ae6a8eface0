// SPDX-License-Identifier: Apache-2.0
//
// The fit of one kernel set on one GPU: physics with fitted parameters, times what measured rows
// say beyond it, with an interval that held for rows of families that were left out.
#ifndef ORRERY_MODELS_CALIBRATION_KERNEL_FIT_H_
#define ORRERY_MODELS_CALIBRATION_KERNEL_FIT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/boosting.h"
#include "models/calibration/kernel_physics.h"
#include "models/calibration/measured_row.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// What was measured: least and most of each dimension.
struct MeasuredRange {
  ShapeFigures low{};
  ShapeFigures high{};
  [[nodiscard]] bool holds(const KernelShape& shape) const;
  /// The largest logarithm of a ratio by which a dimension lies outside; 0 within.
  [[nodiscard]] double distance(const KernelShape& shape) const;
};

/// Errors of rows whose families had no part in the fit that predicts them.
struct HeldOut {
  std::int64_t rows = 0;
  std::int64_t families = 0;
  /// The table has too few weights' or heads' shapes to leave some out: batches and token counts
  /// were left out instead, which is an easier test.
  bool by_size = false;
  double median = 0;
  double p90 = 0;
  /// Share of the rows within the interval, and the interval's median half-width.
  double coverage = 0;
  double half_width = 0;
};

struct Prediction {
  double us = 0;
  /// 90 of 100 measured kernels of this kind lie between.
  double low_us = 0;
  double high_us = 0;
  /// A dimension lies outside of what was measured.
  bool extrapolated = false;
  std::string_view bound;
};

/// What a calibration file holds of one kernel set.
struct FitRecord {
  KernelSet set;
  std::string device;
  std::string source;
  std::vector<std::pair<std::string, double>> parameters;
  MeasuredRange range;
  HeldOut held_out;
  /// Of ln(measured / physics), and of ln of the error's usual size.
  Boosted residual;
  Boosted spread;
  /// Half an interval in units of the spread: within the range, and up to a decade outside.
  double widen = 1;
  double widen_outside = 1;
};

class KernelFit {
 public:
  /// Throws ConfigError if the record's parameters are not those of the operator.
  KernelFit(const GpuSpec& gpu, FitRecord record);

  [[nodiscard]] Prediction predict(const KernelShape& shape) const;
  /// The prediction's time alone, which costs half.
  [[nodiscard]] double time_us(const KernelShape& shape) const;
  [[nodiscard]] const FitRecord& record() const { return record_; }
  /// `1234 rows of vLLM 0.14.0 on NVIDIA A100, held-out error 2.8 %`.
  [[nodiscard]] std::string basis() const;

 private:
  FitRecord record_;
  KernelPhysics physics_;
  std::vector<double> values_;
};

/// The fit of that set; none where nobody measured it.
[[nodiscard]] const KernelFit* find_fit(std::span<const KernelFit> fits, const KernelSet& set);

/// Fits rows that are all of one set. Throws ConfigError where they are too few to test on
/// families left out. The salt decides which families are left out together.
[[nodiscard]] FitRecord fit_kernels(const GpuSpec& gpu, std::span<const MeasuredRow> rows,
                                    std::uint64_t salt = 0);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_KERNEL_FIT_H_
