// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/kernel_physics.h"

#include <algorithm>
#include <cmath>

#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/core/math.h"

namespace orrery {
namespace {

double up(double a, double b) { return std::ceil(a / b); }
double log_of(double x) { return math::log(std::max(x, 1e-9)); }

/// Two limits that nearly overlap: at most 19 % above the larger.
double soft_max(double a, double b) {
  const double a2 = a * a;
  const double b2 = b * b;
  return std::sqrt(std::sqrt(a2 * a2 + b2 * b2));
}

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

enum PrefillParameter {
  kPrefillFloor,
  kPrefillRate,
  kPrefillMemory,
  kPrefillTile,
  kPrefillTail,
  kPrefillParameters
};
constexpr std::array<Parameter, kPrefillParameters> kPrefill = {{
    {"floor_us", 5, 0.5, 40},
    {"rate_share", 0.6, 0.05, 1.2},
    {"memory_share", 0.8, 0.1, 1.2},
    {"block_start_us", 1.0, 0.01, 20},
    {"tail", 0.5, 0.01, 1},
}};

enum DecodeParameter {
  kDecodeFloor,
  kDecodeRate,
  kDecodeMemory,
  kDecodeL2,
  kDecodeTile,
  kDecodeStart,
  kDecodeCombine,
  kDecodeParameters
};
constexpr std::array<Parameter, kDecodeParameters> kDecode = {{
    {"floor_us", 6, 0.5, 40},
    {"rate_share", 0.3, 0.02, 1.2},
    {"memory_share", 0.8, 0.1, 1.2},
    {"l2_gain", 1.5, 1, 6},
    {"tile_us", 0.4, 0.01, 10},
    {"block_start_us", 1.0, 0.01, 20},
    {"combine_us", 2.0, 0.01, 20},
}};

/// Rows of queries and columns of keys of one block of attention.
constexpr double kQueryTile = 128;
constexpr double kKeyTile = 128;

std::int64_t rate_of(const GpuSpec& gpu, const KernelSet& set) {
  const GpuCompute& compute = gpu.compute;
  const auto& rate = set.dtype == "fp16"   ? compute.fp16
                     : set.dtype == "int8" ? compute.int8
                     : set.dtype == "bf16" ? compute.bf16
                                           : compute.fp8;
  if (element_bytes(set.dtype) == 0 || !rate) {
    throw ConfigError({}, "dtype", gpu.name + " has no " + set.dtype + " tensor rate");
  }
  return rate->units_per_second();
}

}  // namespace

std::string_view KernelView::bound(double floor_us) const {
  const double work = std::max(compute_us, memory_us);
  if (floor_us > work) return "launch";
  return compute_us > memory_us ? "compute" : "memory";
}

KernelPhysics::KernelPhysics(const GpuSpec& gpu, const KernelSet& set)
    : op_(set.op),
      sms_(static_cast<double>(gpu.compute.sms)),
      sm_flops_(static_cast<double>(rate_of(gpu, set)) * 1e-6 / sms_),
      memory_bytes_(static_cast<double>(gpu.memory.bandwidth.units_per_second()) * 1e-6),
      l2_bytes_(static_cast<double>(gpu.memory.l2.count())),
      element_(element_bytes(set.dtype)),
      kv_element_(element_bytes(set.kv_dtype)) {}

std::span<const Parameter> KernelPhysics::parameters() const {
  switch (op_) {
    case MeasuredOp::kGemm:
      return kGemm;
    case MeasuredOp::kPrefillAttention:
      return kPrefill;
    case MeasuredOp::kDecodeAttention:
      return kDecode;
  }
  ORRERY_CHECK(false);
}

double KernelPhysics::time_us(const KernelShape& shape, std::span<const double> values) const {
  switch (op_) {
    case MeasuredOp::kGemm:
      return gemm(shape, values, false).time_us;
    case MeasuredOp::kPrefillAttention:
      return prefill(shape, values, false).time_us;
    case MeasuredOp::kDecodeAttention:
      return decode(shape, values, false).time_us;
  }
  ORRERY_CHECK(false);
}

KernelView KernelPhysics::view(const KernelShape& shape, std::span<const double> values) const {
  switch (op_) {
    case MeasuredOp::kGemm:
      return gemm(shape, values, true);
    case MeasuredOp::kPrefillAttention:
      return prefill(shape, values, true);
    case MeasuredOp::kDecodeAttention:
      return decode(shape, values, true);
  }
  ORRERY_CHECK(false);
}

KernelView KernelPhysics::gemm(const KernelShape& shape, std::span<const double> values,
                               bool features) const {
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  const double bytes = (m * k + n * k) * element_ + 2 * m * n;
  const double stream = bytes / (memory_bytes_ * values[kGemmMemory]);
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
        sm_flops_ * values[kGemmRate] * intensity / (intensity + values[kGemmTileHalf]);
    double& tile_time = tile_times[static_cast<std::size_t>(&tile - kTiles.data())];
    for (const double split : kSplits) {
      if (split > 1 && (k < split * 2 * kLoopK || blocks * split > 4 * sms_)) break;
      const double waves = up(blocks * split, sms_);
      const double loop = up(k / split, kLoopK) * kLoopK + values[kGemmHalfK];
      const double compute = waves * 2 * tile.m * tile.n * loop / rate;
      // A block cannot have more bytes in flight than its SM lets it: few blocks, less bandwidth.
      const double reach = std::min(1.0, blocks * split / (sms_ * values[kGemmReach]));
      const double memory = stream / reach;
      double time = values[kGemmFloor] + soft_max(compute, memory);
      if (split > 1) time += values[kGemmSplit] + 4 * m * n * split / memory_bytes_;
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
    best.add(blocks / (up(blocks, sms_) * sms_));
  }
  for (const double time : tile_times) best.add(std::min(3.0, log_of(time / best.time_us)));
  best.add(m / (up(m, 128) * 128));
  best.add(m / (up(m, 64) * 64));
  best.add(static_cast<double>(shape.m % 8 == 0));
  best.add(static_cast<double>(shape.n % 128 == 0));
  best.add(log_of(n * k));
  return best;
}

KernelView KernelPhysics::prefill(const KernelShape& shape, std::span<const double> values,
                                  bool features) const {
  const auto batch = static_cast<double>(shape.batch);
  const auto query = static_cast<double>(shape.query);
  const auto context = static_cast<double>(shape.context);
  const auto heads = static_cast<double>(shape.heads);
  const auto kv_heads = static_cast<double>(shape.kv_heads);
  const auto dim = static_cast<double>(shape.head_dim);
  const double window = shape.window > 0 ? static_cast<double>(shape.window) : 1e18;
  const double group = heads / kv_heads;
  // A few queries of one group share a tile (PackGQA of FlashAttention-3).
  const bool packed = query * group <= kQueryTile;
  const double query_tiles = packed ? 1 : up(query, kQueryTile);
  const double blocks = batch * (packed ? kv_heads : heads) * query_tiles;
  const double end = context + query;
  const double longest = std::min(up(end, kKeyTile), up(window, kKeyTile) + 1);
  // Keys that query tile i sees grow by one tile a tile, up to the window.
  const double first = std::min(up(context + std::min(query, kQueryTile), kKeyTile), longest);
  const double ramp = std::min(query_tiles, longest - first + 1);
  const double tiles =
      ramp * (first + std::min(longest, first + ramp - 1)) / 2 + (query_tiles - ramp) * longest;
  const double tile_us = 4 * kQueryTile * kKeyTile * dim / (sm_flops_ * values[kPrefillRate]);
  const double total = tiles * blocks / query_tiles;
  const double start = values[kPrefillTile];
  const double waves = up(blocks, sms_);
  const double even = total * tile_us / sms_ + blocks / sms_ * start;
  const double last = longest * tile_us + start;
  const double seen = std::min(end, query + window);
  const double bytes =
      batch * (2 * kv_heads * dim * seen * kv_element_ + 2 * heads * dim * query * element_);
  KernelView view;
  view.compute_us = std::max(even, last) + values[kPrefillTail] * std::min(even, last);
  view.memory_us = bytes / (memory_bytes_ * values[kPrefillMemory]);
  view.time_us = values[kPrefillFloor] + soft_max(view.compute_us, view.memory_us);
  if (!features) return view;
  view.add(log_of(batch));
  view.add(log_of(query));
  view.add(log_of(context + 1));
  view.add(log_of(heads));
  view.add(log_of(kv_heads));
  view.add(log_of(group));
  view.add(dim);
  view.add(shape.window > 0 ? log_of(window) : 20);
  view.add(log_of(view.time_us));
  view.add(log_of(view.compute_us / view.memory_us));
  view.add(log_of(even / last));
  view.add(log_of(bytes));
  view.add(log_of(batch * query));
  view.add(log_of(blocks));
  view.add(blocks / (waves * sms_));
  view.add(log_of(batch * heads));
  view.add(log_of(batch * kv_heads));
  view.add(log_of(total));
  view.add(log_of(end / window));
  view.add(query * group);
  return view;
}

KernelView KernelPhysics::decode(const KernelShape& shape, std::span<const double> values,
                                 bool features) const {
  const auto batch = static_cast<double>(shape.batch);
  const auto heads = static_cast<double>(shape.heads);
  const auto kv_heads = static_cast<double>(shape.kv_heads);
  const auto dim = static_cast<double>(shape.head_dim);
  const double group = heads / kv_heads;
  const double window = shape.window > 0 ? static_cast<double>(shape.window) : 1e18;
  const double end = static_cast<double>(shape.context) + 1;
  const double seen = std::min(end, window);
  const double tiles = up(seen, kKeyTile);
  const double blocks = batch * kv_heads * up(group, 64);
  const double splits = blocks >= 0.8 * sms_ ? 1 : std::min(tiles, std::floor(sms_ / blocks));
  const double waves = up(blocks * splits, sms_);
  const double bytes =
      batch * (2 * kv_heads * dim * seen * kv_element_ + 2 * heads * dim * element_);
  const double flops = 4 * blocks * 64 * dim * tiles * kKeyTile;
  const double rate = sm_flops_ * sms_ * values[kDecodeRate];
  const double depth = up(tiles, splits);
  const double cached = bytes < l2_bytes_ / 2 ? values[kDecodeL2] : 1.0;
  KernelView view;
  view.compute_us = waves * values[kDecodeStart] +
                    std::min(1.0, blocks * splits / sms_) * flops / rate +
                    depth * std::min(1.0, sms_ / (blocks * splits)) * values[kDecodeTile];
  view.memory_us = bytes / (memory_bytes_ * values[kDecodeMemory] * cached);
  view.time_us = values[kDecodeFloor] + soft_max(view.compute_us, view.memory_us);
  if (splits > 1) view.time_us += values[kDecodeCombine];
  if (!features) return view;
  view.add(log_of(batch));
  view.add(log_of(end));
  view.add(log_of(seen));
  view.add(log_of(heads));
  view.add(log_of(kv_heads));
  view.add(log_of(group));
  view.add(dim);
  view.add(shape.window > 0 ? log_of(window) : 20);
  view.add(log_of(view.time_us));
  view.add(log_of(view.compute_us / view.memory_us));
  view.add(log_of(bytes));
  view.add(log_of(blocks));
  view.add(blocks / (up(blocks, sms_) * sms_));
  view.add(log_of(blocks * tiles));
  view.add(log_of(batch * heads));
  view.add(splits);
  view.add(depth);
  view.add(log_of(flops));
  return view;
}

}  // namespace orrery
