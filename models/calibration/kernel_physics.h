// SPDX-License-Identifier: Apache-2.0
//
// What a kernel costs for reasons that can be named, with a few parameters that a fit settles:
// GEMM in waves of tiles with split-K, decode attention in split KV, prefill in causal tiles. The
// same walk gives the features on which measured residuals are learnt.
#ifndef ORRERY_MODELS_CALIBRATION_KERNEL_PHYSICS_H_
#define ORRERY_MODELS_CALIBRATION_KERNEL_PHYSICS_H_

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "models/calibration/measured_row.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// A fitted scalar: its name, where the search begins, and what it may not leave.
struct Parameter {
  std::string_view name;
  double first;
  double low;
  double high;
  /// Not a size but a choice: a whole number from low to high. The last parameter, where there is
  /// one.
  bool choice = false;
};

/// Largest number of features of any operator.
inline constexpr std::size_t kMostFeatures = 48;

struct KernelView {
  double time_us = 0;
  /// What the time would be if only this counted.
  double compute_us = 0;
  double memory_us = 0;
  std::size_t features = 0;
  std::array<float, kMostFeatures> feature{};

  void add(double value) { feature[features++] = static_cast<float>(value); }
  [[nodiscard]] std::string_view bound(double floor_us) const;
};

/// What the physics knows of a GPU, for one type.
struct GpuFigures {
  double sms = 0;
  /// Flops of one multiprocessor and bytes of the whole memory in a microsecond.
  double sm_flops = 0;
  double memory_bytes = 0;
  double l2_bytes = 0;
  /// Bytes of an element of the weights (of attention: of queries) and of the KV cache.
  double element = 0;
  double kv_element = 0;
  /// fp8 with a scale a block, not a tensor.
  bool block_scaled = false;
};

/// The physics of one kernel set on one GPU.
class KernelPhysics {
 public:
  /// Throws ConfigError where the GPU has no rate for the type.
  KernelPhysics(const GpuSpec& gpu, const KernelSet& set);

  [[nodiscard]] std::span<const Parameter> parameters() const;
  /// The time alone.
  [[nodiscard]] double time_us(const KernelShape& shape, std::span<const double> values) const;
  /// The time and the features.
  [[nodiscard]] KernelView view(const KernelShape& shape, std::span<const double> values) const;

 private:
  MeasuredOp op_;
  GpuFigures gpu_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_KERNEL_PHYSICS_H_
