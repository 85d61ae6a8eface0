// SPDX-License-Identifier: Apache-2.0
//
// What a router's choice means to one rank's experts, in the few figures that decide how long
// their grouped GEMMs take.
#ifndef ORRERY_MODELS_CALIBRATION_EXPERT_LOAD_H_
#define ORRERY_MODELS_CALIBRATION_EXPERT_LOAD_H_

#include <cstdint>
#include <span>

#include "models/calibration/measured_row.h"

namespace orrery {

/// Rows of one tile of a grouped GEMM, as tiles are counted here: the middle of what vLLM's Triton
/// kernel takes (16 to 128 by token count, fused_moe.py get_default_config).
inline constexpr std::int64_t kExpertTile = 64;

struct ExpertLoad {
  /// Pairs of a token and an expert of this rank.
  std::int64_t rows = 0;
  /// Experts with a row at least, whose weights are read.
  std::int64_t touched = 0;
  /// Rows of the expert that has most.
  std::int64_t heaviest = 0;
  /// Sum over the experts of ceil(rows / kExpertTile).
  std::int64_t tiles = 0;
};

/// Of a rank whose experts have these rows.
[[nodiscard]] ExpertLoad load_of(std::span<const std::int64_t> rows_of_experts);

/// What a fit of MeasuredOp::kMoe is asked: both grouped GEMMs of `tokens` tokens, with the
/// activation between and the weighted sum after them, by a rank that holds `local_experts` of
/// `experts`, each of [2 x intermediate, hidden] and [hidden, intermediate] (intermediate already
/// divided by the tensor parallelism of the experts).
[[nodiscard]] KernelShape moe_shape(std::int64_t tokens, std::int64_t hidden,
                                    std::int64_t intermediate, std::int64_t experts,
                                    std::int64_t local_experts, std::int64_t top_k,
                                    const ExpertLoad& load);

}  // namespace orrery

#endif  // ORRERY_MODELS_CALIBRATION_EXPERT_LOAD_H_
