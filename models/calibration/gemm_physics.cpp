// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "models/calibration/operator_physics.h"

namespace orrery {
namespace {

struct Tile {
  double m, n;
  /// Tiles along m that start together (a cluster of thread blocks).
  double cluster = 1;
};
/// What cuBLAS and CUTLASS commonly choose from; a tile's rows may be weights' (swapped operands).
constexpr std::array<Tile, 8> kTiles = {
    {{16, 64}, {32, 64}, {64, 64}, {64, 128}, {128, 64}, {128, 128}, {128, 256}, {256, 128}}};
/// vLLM's choice for per-tensor fp8 on Hopper (csrc/quantization/w8a8/cutlass/c3x/
/// scaled_mm_sm90_fp8_dispatch.cuh), which never splits K.
constexpr std::array<Tile, 5> kFp8Tiles = {
    {{16, 64}, {64, 64}, {64, 128, 2}, {128, 128, 2}, {256, 128, 2}}};
const Tile& fp8_tile(const KernelShape& shape) {
  if (shape.m <= 16) return kFp8Tiles[0];
  if (shape.m <= 64) return kFp8Tiles[1];
  if (shape.m <= 128) return kFp8Tiles[2];
  return shape.m >= 8192 && shape.k >= 6144 ? kFp8Tiles[4] : kFp8Tiles[3];
}

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
  kGemmLoop,
  kGemmQuantise,
  kGemmRow,
  kGemmL2,
  kGemmHost,
  kGemmHostSmall,
  kGemmHostOdd,
  kGemmParameters
};
constexpr std::array<Parameter, kGemmParameters> kGemm = {{
    {"floor_us", 2.4, 0.5, 12},
    {"rate_share", 0.85, 0.2, 1.2},
    {"memory_share", 0.85, 0.2, 1.2},
    {"half_k", 200, 1, 4000},
    {"half_tile", 20, 0.5, 200},
    {"sms_for_bandwidth", 0.5, 0.02, 1.5},
    {"split_us", 1.5, 0.05, 200},
    {"loop_us", 0.3, 0.001, 4},
    {"quantise_share", 0.4, 0.02, 1.2},
    {"quantise_row_us", 2e-3, 1e-5, 0.05},
    {"l2_share", 0.6, 0.05, 2},
    {"host_us", 60, 0.5, 200},
    {"host_small_us", 60, 0.5, 200},
    {"host_odd_us", 60, 0.5, 200},
}};

/// CUTLASS walks tiles along the shorter side (RasterOrder heuristic): an operand of that side
/// which L2 cannot hold is read again for each wave. As a multiple of reading everything once.
double reread(const GpuFigures& gpu, const KernelShape& shape, const Tile& tile, double l2_share) {
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  const double rows = up(m, tile.m * tile.cluster) * tile.cluster;
  const double columns = up(n, tile.n);
  const bool along_m = columns > rows;
  const double near = along_m ? rows : columns;
  const double near_tile = along_m ? tile.m : tile.n;
  const double far_tile = along_m ? tile.n : tile.m;
  const double abreast = std::min(near, gpu.sms);
  const double operand = near * near_tile * k * gpu.element;
  const double kept = std::min(1.0, gpu.l2_bytes * l2_share / operand);
  const double waves = up(rows * columns, gpu.sms);
  const double far = (along_m ? columns : rows) * far_tile * k * up(near, abreast);
  const double again = waves * abreast * near_tile * k * (1 - kept);
  const double once = (m * k + n * k) * gpu.element + 2 * m * n;
  return std::max(1.0, ((far + again) * gpu.element + operand * kept + 2 * m * n) / once);
}

/// vLLM's three kernels of a block-scaled fp8 GEMM: FlashInfer's for few rows and DeepGEMM's where
/// the weight divides into its blocks, CUTLASS's for the rest.
enum class BlockKernel : std::uint8_t { kDeepGemm, kFlashInfer, kCutlass };
BlockKernel block_kernel(const KernelShape& shape) {
  if (shape.n % 64 != 0 || shape.k % 128 != 0) return BlockKernel::kCutlass;
  return shape.m < 32 ? BlockKernel::kFlashInfer : BlockKernel::kDeepGemm;
}

}  // namespace

std::span<const Parameter> gemm_parameters() { return kGemm; }

KernelView gemm_time(const GpuFigures& gpu, const KernelShape& shape,
                     std::span<const double> values, bool features) {
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  const double bytes = (m * k + n * k) * gpu.element + 2 * m * n;
  const double stream = bytes / (gpu.memory_bytes * values[kGemmMemory]);
  // Activations come as bf16: a pass before an fp8 GEMM reads them and writes them quantised.
  const double quantise =
      gpu.element < 2
          ? soft_max(3 * m * k / (gpu.memory_bytes * values[kGemmQuantise]), m * values[kGemmRow])
          : 0;
  KernelView best;
  best.time_us = 1e30;
  Tile best_tile{};
  double best_split = 1;
  double best_blocks = 1;
  std::array<double, kTiles.size()> tile_times;
  tile_times.fill(1e30);
  const bool fixed = gpu.element < 2 && !gpu.block_scaled;
  const std::span<const Tile> tiles =
      fixed ? std::span<const Tile>(&fp8_tile(shape), 1) : std::span<const Tile>(kTiles);
  for (const Tile& tile : tiles) {
    // The smallest tile that holds all rows is never beaten by a taller one of the same width.
    if (!fixed && tile.m >= 2 * m && tile.m > 16) continue;
    const double blocks = up(m, tile.m * tile.cluster) * tile.cluster * up(n, tile.n);
    const double intensity = tile.m * tile.n / (tile.m + tile.n);
    const double rate =
        gpu.sm_flops * values[kGemmRate] * intensity / (intensity + values[kGemmTileHalf]);
    double& tile_time = tile_times[static_cast<std::size_t>(&tile - tiles.data())];
    for (const double split : kSplits) {
      if (split > 1 && (fixed || k < split * 2 * kLoopK || blocks * split > 4 * gpu.sms)) break;
      const double waves = up(blocks * split, gpu.sms);
      const double passes = up(k / split, kLoopK);
      const double deep = passes * kLoopK;
      // CUTLASS's ping-pong schedule ends one tile while it works on the next.
      const double loop = fixed ? soft_max(deep, values[kGemmHalfK]) : deep + values[kGemmHalfK];
      // A pass of a small tile is bound by how long its operands take to come.
      const double compute =
          waves * std::max(2 * tile.m * tile.n * loop / rate, passes * values[kGemmLoop]);
      // A block cannot have more bytes in flight than its SM lets it: few blocks, less bandwidth.
      const double reach = std::min(1.0, blocks * split / (gpu.sms * values[kGemmReach]));
      const double memory =
          (fixed ? stream * reread(gpu, shape, tile, values[kGemmL2]) : stream) / reach;
      double time = values[kGemmFloor] + quantise + soft_max(compute, memory);
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
  const BlockKernel kernel = block_kernel(shape);
  if (gpu.block_scaled) {
    const double host = values[kGemmHost + static_cast<std::size_t>(kernel)];
    best.time_us = soft_max(best.time_us, host);
  }
  if (!features) return best;
  best.add(static_cast<double>(kernel));
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
  const double pairs = up(m, 256) * up(n, 128);
  best.add(pairs / (up(pairs, gpu.sms / 2) * gpu.sms / 2));
  best.add(m / (up(m, 256) * 256));
  best.add(n / (up(n, 256) * 256));
  best.add(log_of(m * k));
  best.add(quantise / best.time_us);
  return best;
}

}  // namespace orrery
