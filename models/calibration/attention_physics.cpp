// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "models/calibration/operator_physics.h"

namespace orrery {
namespace {

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

}  // namespace

std::span<const Parameter> prefill_parameters() { return kPrefill; }
std::span<const Parameter> decode_parameters() { return kDecode; }

KernelView prefill_time(const GpuFigures& gpu, const KernelShape& shape,
                        std::span<const double> values, bool features) {
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
  const double tile_us = 4 * kQueryTile * kKeyTile * dim / (gpu.sm_flops * values[kPrefillRate]);
  const double total = tiles * blocks / query_tiles;
  const double start = values[kPrefillTile];
  const double waves = up(blocks, gpu.sms);
  const double even = total * tile_us / gpu.sms + blocks / gpu.sms * start;
  const double last = longest * tile_us + start;
  const double seen = std::min(end, query + window);
  const double bytes =
      batch * (2 * kv_heads * dim * seen * gpu.kv_element + 2 * heads * dim * query * gpu.element);
  KernelView view;
  view.compute_us = std::max(even, last) + values[kPrefillTail] * std::min(even, last);
  view.memory_us = bytes / (gpu.memory_bytes * values[kPrefillMemory]);
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
  view.add(blocks / (waves * gpu.sms));
  view.add(log_of(batch * heads));
  view.add(log_of(batch * kv_heads));
  view.add(log_of(total));
  view.add(log_of(end / window));
  view.add(query * group);
  return view;
}

KernelView decode_time(const GpuFigures& gpu, const KernelShape& shape,
                       std::span<const double> values, bool features) {
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
  const double splits = blocks >= 0.8 * gpu.sms ? 1 : std::min(tiles, std::floor(gpu.sms / blocks));
  const double waves = up(blocks * splits, gpu.sms);
  const double bytes =
      batch * (2 * kv_heads * dim * seen * gpu.kv_element + 2 * heads * dim * gpu.element);
  const double flops = 4 * blocks * 64 * dim * tiles * kKeyTile;
  const double rate = gpu.sm_flops * gpu.sms * values[kDecodeRate];
  const double depth = up(tiles, splits);
  const double cached = bytes < gpu.l2_bytes / 2 ? values[kDecodeL2] : 1.0;
  KernelView view;
  view.compute_us = waves * values[kDecodeStart] +
                    std::min(1.0, blocks * splits / gpu.sms) * flops / rate +
                    depth * std::min(1.0, gpu.sms / (blocks * splits)) * values[kDecodeTile];
  view.memory_us = bytes / (gpu.memory_bytes * values[kDecodeMemory] * cached);
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
  view.add(blocks / (up(blocks, gpu.sms) * gpu.sms));
  view.add(log_of(blocks * tiles));
  view.add(log_of(batch * heads));
  view.add(splits);
  view.add(depth);
  view.add(log_of(flops));
  return view;
}

}  // namespace orrery
