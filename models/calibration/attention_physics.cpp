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
  kPrefillSoftmax,
  kPrefillToken,
  kPrefillWrite,
  kPrefillQuantise,
  kPrefillPacked,
  kPrefillParameters
};
constexpr std::array<Parameter, kPrefillParameters> kPrefill = {{
    {"floor_us", 5, 0.5, 40},
    {"rate_share", 0.7, 0.05, 2.4},
    {"memory_share", 0.8, 0.1, 1.2},
    {"block_start_us", 1.0, 0.01, 20},
    {"tail", 0.5, 0.01, 1},
    {"softmax_dims", 32, 1, 400},
    {"token_us", 1e-3, 1e-5, 0.05},
    {"write_share", 0.5, 0.02, 1.5},
    {"quantise_share", 0.5, 0.02, 1.5},
    {"packed", 0, 0, 1, true},
}};

enum DecodeParameter {
  kDecodeFloor,
  kDecodeMemory,
  kDecodeL2,
  kDecodeTile,
  kDecodeStart,
  kDecodeCombine,
  kDecodePartial,
  kDecodeToken,
  kDecodeTail,
  kDecodeEach,
  kDecodeRegroup,
  kDecodeKept,
  kDecodeSplit,
  kDecodeParameters
};
constexpr std::array<Parameter, kDecodeParameters> kDecode = {{
    {"floor_us", 6, 0.5, 40},
    {"memory_share", 0.8, 0.1, 1.2},
    {"l2_gain", 1.5, 1, 6},
    {"tile_us", 0.4, 0.01, 10},
    {"block_start_us", 1.0, 0.01, 20},
    {"combine_us", 2.0, 0.01, 20},
    {"partial_share", 0.5, 0.02, 4},
    {"sequence_us", 1e-3, 1e-5, 0.05},
    {"tail", 0.3, 0.01, 1},
    {"combine_split_us", 0.05, 0.001, 2},
    {"regroup_us", 3, 0.05, 20},
    {"l2_share", 0.8, 0.05, 4},
    {"split_style", 0, 0, 1, true},
}};

/// Rows of queries and columns of keys of one block of attention.
struct AttentionTile {
  double rows, keys;
};
/// FlashAttention-2 on A100 (flash_fwd_launch_template.h) and FlashAttention-3 for causal attention
/// on Hopper (tile_size.h, tile_size_fwd_sm90).
AttentionTile prefill_tile(double dim, bool fa3) {
  if (!fa3) return dim <= 64 ? AttentionTile{128, 128} : AttentionTile{128, 64};
  if (dim <= 64) return {192, 128};
  if (dim <= 128) return {128, 128};
  return dim <= 192 ? AttentionTile{128, 112} : AttentionTile{128, 80};
}

double no_window(std::int64_t window) { return window > 0 ? static_cast<double>(window) : 1e18; }

/// FlashAttention's num_splits_heuristic: the fewest splits with 0.85 of the best use of `slots`.
double efficient_splits(double blocks, double slots, double tiles, bool uneven_only) {
  if (blocks >= 0.8 * slots) return 1;
  const double most = std::min({128.0, slots, tiles});
  double best = 0;
  for (double splits = 1; splits <= most; ++splits) {
    if (uneven_only && splits > 1 && up(tiles, splits) == up(tiles, splits - 1)) continue;
    const double waves = blocks * splits / slots;
    best = std::max(best, waves / std::ceil(waves));
  }
  for (double splits = 1; splits <= most; ++splits) {
    if (uneven_only && splits > 1 && up(tiles, splits) == up(tiles, splits - 1)) continue;
    const double waves = blocks * splits / slots;
    if (waves / std::ceil(waves) >= 0.85 * best) return splits;
  }
  return 1;
}

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
  const double window = no_window(shape.window);
  const double group = heads / kv_heads;
  // FlashAttention-3 packs the queries of a group into the rows of one tile wherever lengths vary.
  const bool packed = values[kPrefillPacked] > 0.5;
  const AttentionTile tile = prefill_tile(dim, packed);
  // FlashAttention-2 does so for single queries alone.
  const bool together = packed || shape.query == 1;
  const double heads_apart = together ? kv_heads : heads;
  const double rows = together ? query * group : query;
  const double query_tiles = up(rows, tile.rows);
  // Queries of one tile; a tile sees the keys up to its last one.
  const double queries = std::min(query, tile.rows * query / rows);
  const double end = context + query;
  const double blocks = batch * heads_apart * query_tiles;
  const double longest = up(std::min(end, queries + window), tile.keys);
  const double first = std::min(up(context + queries, tile.keys), longest);
  const double step = queries / tile.keys;
  const double ramp = std::clamp((longest - first) / step + 1, 1.0, query_tiles);
  const double tiles = ramp * (first + std::min(longest, first + (ramp - 1) * step)) / 2 +
                       (query_tiles - ramp) * longest;
  const double tile_us = 4 * tile.rows * tile.keys * (dim + values[kPrefillSoftmax]) /
                         (gpu.sm_flops * values[kPrefillRate]);
  const double total = tiles * batch * heads_apart;
  const double start = values[kPrefillTile];
  const double waves = up(blocks, gpu.sms);
  const double even = total * tile_us / gpu.sms + blocks / gpu.sms * start;
  const double last = longest * tile_us + start;
  const double tokens = batch * query;
  const double seen = std::min(end, query + window);
  // The new keys and values go to the cache first, at their own type; fp8 queries are made so too.
  const double written = 2 * tokens * kv_heads * dim * (2 + gpu.kv_element);
  const double quantised = gpu.kv_element < 2 ? 3 * tokens * heads * dim : 0;
  const double bytes =
      batch * 2 * kv_heads * dim * seen * gpu.kv_element + 2 * tokens * heads * dim * gpu.element;
  KernelView view;
  view.compute_us = std::max(even, last) + values[kPrefillTail] * std::min(even, last);
  view.memory_us = bytes / (gpu.memory_bytes * values[kPrefillMemory]);
  const double writing = soft_max(written / (gpu.memory_bytes * values[kPrefillWrite]),
                                  tokens * values[kPrefillToken]) +
                         quantised / (gpu.memory_bytes * values[kPrefillQuantise]);
  view.time_us = values[kPrefillFloor] + soft_max(view.compute_us, view.memory_us) + writing;
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
  view.add(log_of(tokens));
  view.add(log_of(blocks));
  view.add(blocks / (waves * gpu.sms));
  view.add(log_of(batch * heads));
  view.add(log_of(batch * kv_heads));
  view.add(log_of(total));
  view.add(log_of(end / window));
  view.add(query * group);
  view.add(writing / view.time_us);
  view.add(rows / (query_tiles * tile.rows));
  view.add(log_of(longest));
  view.add(log_of(waves));
  return view;
}

KernelView decode_time(const GpuFigures& gpu, const KernelShape& shape,
                       std::span<const double> values, bool features) {
  const auto batch = static_cast<double>(shape.batch);
  const auto heads = static_cast<double>(shape.heads);
  const auto kv_heads = static_cast<double>(shape.kv_heads);
  const auto dim = static_cast<double>(shape.head_dim);
  const double group = heads / kv_heads;
  const double window = no_window(shape.window);
  const double end = static_cast<double>(shape.context) + 1;
  const double seen = std::min(end, window);
  const bool fa3 = values[kDecodeSplit] > 0.5;
  // FlashAttention-2 (flash_fwd_launch_template.h, run_mha_fwd_splitkv_dispatch) and -3, as above.
  const double keys = fa3 ? prefill_tile(dim, true).keys : dim <= 64 ? 256 : dim <= 128 ? 128 : 64;
  const double tiles = up(seen, keys) + (end > window ? 1 : 0);
  const double blocks = batch * kv_heads * up(group, 64);
  double splits = 1;
  double slots = gpu.sms;
  if (fa3) {
    // get_num_splits bounds what prepare_varlen_num_blocks then takes: as many blocks of keys to
    // each SM as there are on average, and a tenth more.
    const double each = std::ceil(blocks * tiles * 1.1 / gpu.sms);
    splits =
        tiles <= 4 ? 1 : std::min(efficient_splits(blocks, slots, tiles, false), up(tiles, each));
  } else {
    // Two blocks fit an SM; only grouped queries are split (mha_varlen_fwd,
    // seqlenq_ngroups_swapped).
    slots = 2 * gpu.sms;
    if (group > 1) splits = efficient_splits(blocks, slots, tiles, true);
  }
  const double ctas = blocks * splits;
  const double whole = up(ctas, slots);
  const double waves = std::max(1.0, ctas / slots + values[kDecodeTail] * (whole - ctas / slots));
  const double depth = up(tiles, splits);
  const double bytes =
      batch * 2 * kv_heads * dim * seen * gpu.kv_element + 2 * batch * heads * dim * gpu.element;
  // What L2 keeps from one run to the next comes faster; more than it holds drives itself out.
  const double full = bytes / (gpu.l2_bytes * values[kDecodeKept]);
  const double hits = 1 / (1 + full * full);
  KernelView view;
  view.compute_us = waves * (values[kDecodeStart] + depth * values[kDecodeTile] * (keys / 128) *
                                                        (dim / 128) * (gpu.kv_element / 2 + 0.5));
  view.memory_us =
      bytes * (1 - hits + hits / values[kDecodeL2]) / (gpu.memory_bytes * values[kDecodeMemory]);
  view.time_us = values[kDecodeFloor] + soft_max(view.compute_us, view.memory_us) +
                 batch * values[kDecodeToken];
  if (splits > 1) {
    const double partial = 8 * splits * batch * heads * dim;
    view.time_us += values[kDecodeCombine] + splits * values[kDecodeEach] +
                    partial / (gpu.memory_bytes * values[kDecodePartial]);
  }
  // Queries of a group become rows of one sequence, which reorders them, and the results back.
  const bool regroup = !fa3 && group > 1 && shape.batch > 1 && shape.kv_heads > 1;
  if (regroup) {
    view.time_us += values[kDecodeRegroup] + 8 * batch * heads * dim / gpu.memory_bytes;
  }
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
  view.add(ctas / (whole * slots));
  view.add(log_of(waves));
  view.add(log_of(end / window));
  view.add(static_cast<double>(regroup));
  return view;
}

}  // namespace orrery
