// SPDX-License-Identifier: Apache-2.0
//
// Attention of one layer and one rank over a ragged batch, in FlashAttention's tiles.
#ifndef ORRERY_MODELS_ATTENTION_H_
#define ORRERY_MODELS_ATTENTION_H_

#include <cstdint>

#include "models/model_card.h"
#include "models/plan.h"
#include "models/roofline.h"
#include "sim/serving/cost_model.h"

namespace orrery {

struct AttentionWork {
  std::int64_t flops = 0;
  std::int64_t bytes = 0;
  std::int64_t kernels = 0;
  /// Thread blocks that can run beside each other.
  std::int64_t parts = INT64_MAX;
  /// Of the bytes, the cached keys and values.
  std::int64_t kv_bytes = 0;
};

class Attention {
 public:
  /// Rows of queries and columns of keys that one thread block multiplies at once.
  static constexpr std::int64_t kTile = 128;
  static_assert(kTile == kDecodeTileTokens);

  Attention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes);

  /// Chunks attend causally: a chunk of q tokens after c costs q (c + q/2) pairs, rounded up to
  /// whole tiles. Its context is read once; that tiles read it again is left to the L2 cache.
  [[nodiscard]] AttentionWork chunks(const BatchShape& shape) const;
  /// Decodes read their KV once, split over thread blocks and combined in a second kernel.
  [[nodiscard]] AttentionWork decodes(const BatchShape& shape) const;
  /// One call serves the whole batch; only the combine is its own.
  [[nodiscard]] std::int64_t kernels(const BatchShape& shape) const {
    return shape.decodes > 0 ? 2 : 1;
  }
  [[nodiscard]] Duration time(const Roofline& roofline, const BatchShape& shape) const {
    return part(roofline, chunks(shape)).time + part(roofline, decodes(shape)).time;
  }
  [[nodiscard]] static BoundTime part(const Roofline& roofline, const AttentionWork& work) {
    return roofline.attention(work.flops, work.bytes, work.kernels, work.parts);
  }

 private:
  /// Flops of all heads for one chunk.
  [[nodiscard]] std::int64_t chunk_flops(const PrefillChunk& chunk) const;

  std::int64_t heads_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  /// Queries that share a KV head: rows of one tile where they fit together.
  std::int64_t group_;
  std::int64_t kv_token_bytes_;
  std::int64_t query_bytes_;
  std::int64_t decode_tile_flops_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_ATTENTION_H_
