// SPDX-License-Identifier: Apache-2.0
//
// Fits as a step asks for them: tables over the sizes that a model's steps can have, filled once at
// load, read with a few multiplications. Between two knots time is a straight line.
#ifndef ORRERY_MODELS_CALIBRATION_STEP_KERNELS_H_
#define ORRERY_MODELS_CALIBRATION_STEP_KERNELS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/kernel_fit.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// A time, and how much of it was predicted outside of what was measured.
struct FittedTime {
  double us = 0;
  double guessed_us = 0;
};

/// Heads of one rank.
struct HeadShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
};

class StepKernels {
 public:
  /// Throws ConfigError where the fits have no kernel set of these types.
  StepKernels(const std::vector<KernelFit>& fits, const std::string& dtype,
              const std::string& kv_dtype, const HeadShape& heads);

  /// Prepares a weight's shape, so that gemm() may be asked about it.
  void add_weight(std::int64_t n, std::int64_t k);
  [[nodiscard]] FittedTime gemm(std::int64_t rows, std::int64_t n, std::int64_t k) const;
  /// The chunks of a step, each as one of as many equal ones.
  [[nodiscard]] FittedTime chunks(const BatchShape& shape) const;
  /// The decodes of a step, as that many of their mean context.
  [[nodiscard]] FittedTime decodes(const BatchShape& shape) const;

  [[nodiscard]] std::string gemm_basis() const { return gemm_.basis(); }
  [[nodiscard]] std::string chunks_basis() const { return prefill_.basis(); }
  [[nodiscard]] std::string decodes_basis() const { return decode_.basis(); }

 private:
  /// Two knots an octave: 1, 2, 3, 4, 6, 8, 12, ...
  static constexpr std::size_t kBatchKnots = 24;
  static constexpr std::size_t kContextKnots = 40;
  static constexpr std::size_t kQueryKnots = 32;
  /// Chunks of a step: 1, 2, 4, ... 64.
  static constexpr std::size_t kChunkKnots = 7;

  void fill_decodes();
  void fill_chunks();
  [[nodiscard]] FittedTime chunk(std::size_t count_knot, const PrefillChunk& chunk) const;

  KernelFit gemm_;
  KernelFit prefill_;
  KernelFit decode_;
  HeadShape heads_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<FittedTime>> weights_;
  std::vector<FittedTime> decode_times_;
  std::vector<FittedTime> chunk_times_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_STEP_KERNELS_H_
