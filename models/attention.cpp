// SPDX-License-Identifier: Apache-2.0
#include "models/attention.h"

#include <algorithm>

namespace orrery {
namespace {

/// The tensor cores' own row tile: a decode's few query rows fill the rest with nothing.
constexpr std::int64_t kDecodeRows = 64;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Key tiles visited, summed over the query tiles of a causal chunk: query tile i of q tokens
/// after c ends at token c + min((i + 1) T, q).
std::int64_t causal_tiles(std::int64_t context, std::int64_t tokens, std::int64_t tile) {
  const std::int64_t query_tiles = ceil_div(tokens, tile);
  const std::int64_t whole = query_tiles - 1;
  return whole * ceil_div(context, tile) + whole * query_tiles / 2 +
         ceil_div(context + tokens, tile);
}

}  // namespace

Attention::Attention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes)
    : heads_(shard.heads),
      kv_heads_(shard.kv_heads),
      head_dim_(card.head_dim),
      group_(shard.heads / shard.kv_heads),
      kv_token_bytes_(2 * shard.kv_heads * card.head_dim * kv_bytes),
      query_bytes_(2 * 2 * shard.heads * card.head_dim),
      decode_tile_flops_(4 * shard.kv_heads * card.head_dim *
                         (ceil_div(group_, kDecodeRows) * kDecodeRows) * kTile) {}

std::int64_t Attention::chunk_flops(const PrefillChunk& chunk) const {
  // QK^T and PV are 2 flops a pair and element each.
  const std::int64_t tile_flops = 4 * head_dim_ * kTile * kTile;
  // A few queries of one group share a tile (PackGQA of FlashAttention-3).
  if (chunk.tokens * group_ <= kTile) {
    return kv_heads_ * tile_flops * ceil_div(std::int64_t{chunk.context} + chunk.tokens, kTile);
  }
  return heads_ * tile_flops * causal_tiles(chunk.context, chunk.tokens, kTile);
}

AttentionWork Attention::chunks(const BatchShape& shape) const {
  if (shape.chunks.empty()) return {};
  AttentionWork work;
  std::int64_t read = 0;
  for (const PrefillChunk& chunk : shape.chunks) {
    work.flops += chunk_flops(chunk);
    read += std::int64_t{chunk.context} + chunk.tokens;
  }
  work.bytes = read * kv_token_bytes_ + shape.prefill_tokens * query_bytes_;
  work.kernels = 1;
  return work;
}

AttentionWork Attention::decodes(const BatchShape& shape) const {
  if (shape.decodes == 0) return {};
  AttentionWork work;
  work.flops = shape.decode_tiles * decode_tile_flops_;
  work.kv_bytes = shape.decode_context * kv_token_bytes_;
  work.bytes = work.kv_bytes + shape.decodes * query_bytes_;
  // A part is one KV head and one tile of a context, the least that split-KV kernels divide into.
  work.parts = std::max<std::int64_t>(1, shape.decode_tiles * kv_heads_);
  work.kernels = shape.chunks.empty() ? 2 : 1;
  return work;
}

}  // namespace orrery
