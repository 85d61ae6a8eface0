// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "models/calibration/operator_physics.h"

namespace orrery {
namespace {

struct Tile {
  double m, n;
};
/// What cuBLAS and CUTLASS commonly choose from; a tile's rows may be weights' (swapped operands).
constexpr std::array<Tile, 8> kTiles = {
    {{16, 64}, {32, 64}, {64, 64}, {64, 128}, {128, 64}, {128, 128}, {128, 256}, {256, 128}}};
constexpr std::array<double, 6> kSplits = {1, 2, 4, 8, 16, 32};
/// K that one pass of the main loop takes.
constexpr double kLoopK = 64;

enum GemmParameter {
  kGemmFloor,
  kGemmRate,
  kGemmMemory,
  kGemmHalfK,
  kGemmTileHalf,
  kGemmReach,
  kGemmSplit,
  kGemmParameters
};
constexpr std::array<Parameter, kGemmParameters> kGemm = {{
    {"floor_us", 2.4, 0.5, 12},
    {"rate_share", 0.85, 0.2, 1.2},
    {"memory_share", 0.85, 0.2, 1.2},
    {"half_k", 200, 1, 4000},
    {"half_tile", 20, 0.5, 200},
    {"sms_for_bandwidth", 0.5, 0.02, 1.5},
    {"split_us", 1.5, 0.05, 20},
}};

}  // namespace

std::span<const Parameter> gemm_parameters() { return kGemm; }

KernelView gemm_time(const GpuFigures& gpu, const KernelShape& shape,
                     std::span<const double> values, bool features) {
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  const double bytes = (m * k + n * k) * gpu.element + 2 * m * n;
  const double stream = bytes / (gpu.memory_bytes * values[kGemmMemory]);
  KernelView best;
  best.time_us = 1e30;
  Tile best_tile{};
  double best_split = 1;
  double best_blocks = 1;
  std::array<double, kTiles.size()> tile_times;
  tile_times.fill(1e30);
  for (const Tile& tile : kTiles) {
    // The smallest tile that holds all rows is never beaten by a taller one of the same width.
    if (tile.m >= 2 * m && tile.m > 16) continue;
    const double blocks = up(m, tile.m) * up(n, tile.n);
    const double intensity = tile.m * tile.n / (tile.m + tile.n);
    const double rate =
        gpu.sm_flops * values[kGemmRate] * intensity / (intensity + values[kGemmTileHalf]);
    double& tile_time = tile_times[static_cast<std::size_t>(&tile - kTiles.data())];
    for (const double split : kSplits) {
      if (split > 1 && (k < split * 2 * kLoopK || blocks * split > 4 * gpu.sms)) break;
      const double waves = up(blocks * split, gpu.sms);
      const double loop = up(k / split, kLoopK) * kLoopK + values[kGemmHalfK];
      const double compute = waves * 2 * tile.m * tile.n * loop / rate;
      // A block cannot have more bytes in flight than its SM lets it: few blocks, less bandwidth.
      const double reach = std::min(1.0, blocks * split / (gpu.sms * values[kGemmReach]));
      const double memory = stream / reach;
      double time = values[kGemmFloor] + soft_max(compute, memory);
      if (split > 1) time += values[kGemmSplit] + 4 * m * n * split / gpu.memory_bytes;
      tile_time = std::min(tile_time, time);
      if (time >= best.time_us) continue;
      best.time_us = time;
      best.compute_us = compute;
      best.memory_us = memory;
      best_tile = tile;
      best_split = split;
      best_blocks = blocks;
    }
  }
  if (!features) return best;
  best.add(log_of(m));
  best.add(log_of(n));
  best.add(log_of(k));
  best.add(log_of(best.time_us));
  best.add(log_of(best.compute_us / best.memory_us));
  best.add(log_of(bytes));
  best.add(log_of(m * n));
  best.add(log_of(n / k));
  best.add(log_of(2 * m * n * k));
  best.add(log_of(best_tile.m * best_tile.n));
  best.add(best_split);
  best.add(log_of(best_blocks));
  for (const Tile& tile :
       {Tile{128, 128}, Tile{128, 256}, Tile{256, 128}, Tile{64, 64}, Tile{64, 128}}) {
    const double blocks = up(m, tile.m) * up(n, tile.n);
    best.add(log_of(blocks));
    best.add(blocks / (up(blocks, gpu.sms) * gpu.sms));
  }
  for (const double time : tile_times) best.add(std::min(3.0, log_of(time / best.time_us)));
  best.add(m / (up(m, 128) * 128));
  best.add(m / (up(m, 64) * 64));
  best.add(static_cast<double>(shape.m % 8 == 0));
  best.add(static_cast<double>(shape.n % 128 == 0));
  best.add(log_of(n * k));
  return best;
}

}  // namespace orrery
