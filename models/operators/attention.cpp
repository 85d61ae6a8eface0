// SPDX-License-Identifier: Apache-2.0
#include "models/operators/attention.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {
namespace {

/// The tensor cores' own row tile: a decode's few query rows fill the rest with nothing.
constexpr std::int64_t kDecodeRows = 64;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -ceil_div(-a, b);
}

/// Key tiles visited, summed over the query tiles of a causal chunk: query tile i of q tokens
/// after c ends at token c + min((i + 1) T, q).
std::int64_t causal_tiles(std::int64_t context, std::int64_t tokens, std::int64_t tile) {
  const std::int64_t query_tiles = ceil_div(tokens, tile);
  const std::int64_t whole = query_tiles - 1;
  return whole * ceil_div(context, tile) + whole * query_tiles / 2 +
         ceil_div(context + tokens, tile);
}

/// Of those, the ones that no query of their tile sees: the first query of tile i is token c + i T
/// and sees back to c + i T - w + 1, so max(0, floor((c - w + 1) / T) + i) tiles lie before.
std::int64_t hidden_tiles(std::int64_t context, std::int64_t tokens, std::int64_t tile,
                          std::int64_t window) {
  const std::int64_t query_tiles = ceil_div(tokens, tile);
  const std::int64_t first = floor_div(context - window + 1, tile);
  const std::int64_t begin = std::min(query_tiles, std::max<std::int64_t>(0, -first));
  const std::int64_t count = query_tiles - begin;
  return count * (first + begin) + count * (count - 1) / 2;
}

}  // namespace

AttentionWork AttentionWork::share(std::int64_t shares) const {
  if (shares == 1) return *this;
  AttentionWork own = *this;
  for (std::int64_t* each :
       {&own.flops, &own.bytes, &own.kv_bytes, &own.gemm_flops, &own.gemm_bytes}) {
    *each = ceil_div(*each, shares);
  }
  return own;
}

BoundTime SequenceMixer::part(const Roofline& roofline, const AttentionWork& work) {
  BoundTime time = roofline.attention(work.flops, work.bytes, work.kernels, work.parts);
  if (work.gemm_flops > 0) {
    time.time += roofline.gemm(work.gemm_flops, work.gemm_bytes, 0).time;
  }
  return time;
}

Attention::Attention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes,
                     std::int64_t window)
    : heads_(shard.heads),
      kv_heads_(shard.kv_heads),
      head_dim_(card.head_dim),
      window_(window),
      group_(shard.heads / shard.kv_heads),
      kv_token_bytes_(2 * shard.kv_heads * card.head_dim * kv_bytes),
      query_bytes_(2 * element_bytes(card.dtype) * shard.heads * card.head_dim),
      decode_tile_flops_(4 * shard.kv_heads * card.head_dim *
                         (ceil_div(group_, kDecodeRows) * kDecodeRows) * kTile) {}

std::string Attention::name() const {
  return window_ == 0 ? "attention" : fmt::format("window_{}", window_);
}

std::string Attention::formula() const {
  const std::string_view seen = window_ == 0 ? "" : " within the window";
  return fmt::format(
      "max(4 pairs heads dim / rate, KV bytes / bandwidth) + kernels, pairs{} in tiles of 128",
      seen);
}

std::int64_t Attention::chunk_flops(const PrefillChunk& chunk) const {
  // QK^T and PV are 2 flops a pair and element each.
  const std::int64_t tile_flops = 4 * head_dim_ * kTile * kTile;
  // A few queries of one group share a tile (PackGQA of FlashAttention-3).
  if (chunk.tokens * group_ <= kTile) {
    std::int64_t seen = std::int64_t{chunk.context} + chunk.tokens;
    if (window_ > 0) seen = std::min(seen, window_ + chunk.tokens - 1);
    return kv_heads_ * tile_flops * ceil_div(seen, kTile);
  }
  std::int64_t tiles = causal_tiles(chunk.context, chunk.tokens, kTile);
  if (window_ > 0) tiles -= hidden_tiles(chunk.context, chunk.tokens, kTile, window_);
  return heads_ * tile_flops * tiles;
}

AttentionWork Attention::chunks(const BatchShape& shape) const {
  if (shape.chunks.empty()) return {};
  AttentionWork work;
  std::int64_t read = 0;
  for (const PrefillChunk& chunk : shape.chunks) {
    work.flops += chunk_flops(chunk);
    const std::int64_t context = chunk.context;
    read += chunk.tokens + (window_ > 0 ? std::min(context, window_ - 1) : context);
  }
  work.bytes = read * kv_token_bytes_ + shape.prefill_tokens * query_bytes_;
  work.kernels = 1;
  return work;
}

std::int64_t Attention::seen(const BatchShape& shape) const {
  if (window_ == 0 || shape.decode_context_max <= window_) return shape.decode_context;
  return std::min(shape.decode_context, shape.decodes * window_);
}

AttentionWork Attention::decodes(const BatchShape& shape) const {
  if (shape.decodes == 0) return {};
  AttentionWork work;
  const bool cut = window_ > 0 && shape.decode_context_max > window_;
  const std::int64_t tiles =
      cut ? std::min(shape.decode_tiles, shape.decodes * (ceil_div(window_, kTile) + 1))
          : shape.decode_tiles;
  work.flops = tiles * decode_tile_flops_;
  work.kv_bytes = seen(shape) * kv_token_bytes_;
  work.bytes = work.kv_bytes + shape.decodes * query_bytes_;
  // A part is one KV head and one tile of a context, the least that split-KV kernels divide into.
  work.parts = std::max<std::int64_t>(1, tiles * kv_heads_);
  work.kernels = shape.chunks.empty() ? 2 : 1;
  return work;
}

}  // namespace orrery
