// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/expert_load.h"

#include <algorithm>

namespace orrery {

ExpertLoad load_of(std::span<const std::int64_t> rows_of_experts) {
  ExpertLoad load;
  for (const std::int64_t rows : rows_of_experts) {
    load.rows += rows;
    load.touched += rows > 0 ? 1 : 0;
    load.heaviest = std::max(load.heaviest, rows);
    load.tiles += (rows + kExpertTile - 1) / kExpertTile;
  }
  return load;
}

KernelShape moe_shape(std::int64_t tokens, std::int64_t hidden, std::int64_t intermediate,
                      std::int64_t experts, std::int64_t local_experts, std::int64_t top_k,
                      const ExpertLoad& load) {
  KernelShape shape;
  shape.m = tokens;
  shape.n = intermediate;
  shape.k = hidden;
  shape.experts = experts;
  shape.local_experts = local_experts;
  shape.top_k = top_k;
  shape.rows = load.rows;
  shape.touched = load.touched;
  shape.heaviest = load.heaviest;
  shape.tiles = load.tiles;
  return shape;
}

}  // namespace orrery
