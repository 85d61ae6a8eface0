// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "models/calibration/expert_load.h"
#include "models/calibration/operator_physics.h"

namespace orrery {
namespace {

enum MoeParameter { kFloor, kRate, kMemory, kExpert, kActivation, kReach, kParameters };
constexpr std::array<Parameter, kParameters> kMoe = {{
    {"floor_us", 25, 2, 200},
    {"rate_share", 0.5, 0.02, 1.2},
    {"memory_share", 0.7, 0.02, 1.2},
    {"expert_us", 0.1, 0.001, 80},
    {"activation_share", 0.5, 0.02, 1.2},
    {"sms_for_bandwidth", 0.5, 0.02, 4},
}};

}  // namespace

std::span<const Parameter> moe_parameters() { return kMoe; }

KernelView moe_time(const GpuFigures& gpu, const KernelShape& shape, std::span<const double> values,
                    bool features) {
  const auto tokens = static_cast<double>(shape.m);
  const auto inner = static_cast<double>(shape.n);
  const auto hidden = static_cast<double>(shape.k);
  const auto rows = static_cast<double>(shape.rows);
  const auto touched = static_cast<double>(shape.touched);
  const auto tiles = static_cast<double>(shape.tiles);
  const double pairs = tokens * static_cast<double>(shape.top_k);
  constexpr auto kTile = static_cast<double>(kExpertTile);
  // Gate and up are one matrix of twice the width; down goes back to the hidden size.
  const double weights = touched * 3 * hidden * inner * gpu.element;
  // Few rows an expert take tiles of 16, whose unused rows are half a tile on average.
  const double padded = std::min(tiles * kTile, rows + 8 * touched);
  // In and out of both GEMMs, the activation between them, and the sum over a token's experts,
  // which reads a row for each of its pairs, also of those that other ranks own.
  const double moved = 2 * (rows * (hidden + 5 * inner) + 2 * pairs * hidden + 2 * tokens * hidden);
  const double columns = up(2 * inner, kTile);
  const double reach = std::min(1.0, std::max(1.0, tiles) * columns / (gpu.sms * values[kReach]));
  KernelView view;
  view.compute_us = 6 * hidden * inner * padded / (gpu.sm_flops * gpu.sms * values[kRate]);
  view.memory_us = weights / (gpu.memory_bytes * values[kMemory] * reach);
  view.time_us = values[kFloor] + soft_max(view.compute_us, view.memory_us) +
                 touched * values[kExpert] + moved / (gpu.memory_bytes * values[kActivation]);
  if (!features) return view;
  const double each = rows / std::max(1.0, touched);
  view.add(log_of(tokens));
  view.add(log_of(inner));
  view.add(log_of(hidden));
  view.add(log_of(static_cast<double>(shape.experts)));
  view.add(log_of(static_cast<double>(shape.local_experts)));
  view.add(static_cast<double>(shape.experts == shape.local_experts));
  view.add(static_cast<double>(shape.top_k));
  view.add(log_of(rows + 1));
  view.add(log_of(touched + 1));
  view.add(log_of(static_cast<double>(shape.heaviest) + 1));
  view.add(log_of(tiles + 1));
  view.add(log_of(each + 1));
  view.add(log_of(static_cast<double>(shape.heaviest) / std::max(1.0, each) + 1));
  view.add(rows / std::max(1.0, tiles * kTile));
  view.add(log_of(view.time_us));
  view.add(log_of(view.compute_us / std::max(1e-3, view.memory_us)));
  view.add(log_of(weights + 1));
  view.add(log_of(hidden * inner));
  view.add(log_of(inner / hidden));
  view.add(log_of(pairs));
  view.add(log_of(moved));
  view.add(log_of(tiles * columns + 1));
  view.add(tiles * columns / (up(std::max(1.0, tiles * columns), gpu.sms) * gpu.sms));
  view.add(touched / static_cast<double>(shape.local_experts));
  view.add(log_of(tokens / static_cast<double>(shape.experts)));
  return view;
}

}  // namespace orrery
