// SPDX-License-Identifier: Apache-2.0
//
// What mixes tokens of one layer on one rank, over a ragged batch: attention in FlashAttention's
// tiles, latent attention, Mamba-2, attention to an encoder's output.
#ifndef ORRERY_MODELS_OPERATORS_ATTENTION_H_
#define ORRERY_MODELS_OPERATORS_ATTENTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "models/cards/model_card.h"
#include "models/operators/roofline.h"
#include "models/plans/plan.h"
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
  /// Of projections whose rows depend on the batch: those of latent attention.
  std::int64_t gemm_flops = 0;
  std::int64_t gemm_bytes = 0;

  /// One of so many equal shares, rounded up.
  [[nodiscard]] AttentionWork share(std::int64_t shares) const;
};

class SequenceMixer {
 public:
  /// Rows of queries and columns of keys that one thread block multiplies at once.
  static constexpr std::int64_t kTile = 128;
  static_assert(kTile == kDecodeTileTokens);

  virtual ~SequenceMixer() = default;
  [[nodiscard]] virtual AttentionWork chunks(const BatchShape& shape) const = 0;
  [[nodiscard]] virtual AttentionWork decodes(const BatchShape& shape) const = 0;
  /// Launches of one layer in a step with these.
  [[nodiscard]] virtual std::int64_t kernels(const BatchShape& shape) const = 0;
  /// Before `_prefill` and `_decode` in `orrery explain`.
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string formula() const = 0;

  [[nodiscard]] static BoundTime part(const Roofline& roofline, const AttentionWork& work);
};

/// Attention of whole heads, which may look back `window` tokens (0: over all).
class Attention final : public SequenceMixer {
 public:
  Attention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes,
            std::int64_t window = 0);

  /// Chunks attend causally: a chunk of q tokens after c costs q (c + q/2) pairs, rounded up to
  /// whole tiles. Its context is read once; that tiles read it again is left to the L2 cache. A
  /// window leaves out the tiles that lie wholly before it.
  [[nodiscard]] AttentionWork chunks(const BatchShape& shape) const override;
  /// Decodes read their KV once, split over thread blocks and combined in a second kernel. With a
  /// window each reads at most that much: the sum over decodes is bounded by that of the mean
  /// context, which is too much where contexts lie on both sides of the window.
  [[nodiscard]] AttentionWork decodes(const BatchShape& shape) const override;
  /// One call serves the whole batch; only the combine is its own.
  [[nodiscard]] std::int64_t kernels(const BatchShape& shape) const override {
    return shape.decodes > 0 ? 2 : 1;
  }
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string formula() const override;
  [[nodiscard]] std::int64_t window() const { return window_; }
  /// KV tokens that the decodes read of all they have.
  [[nodiscard]] std::int64_t seen(const BatchShape& shape) const;

 private:
  /// Flops of all heads for one chunk.
  [[nodiscard]] std::int64_t chunk_flops(const PrefillChunk& chunk) const;

  std::int64_t heads_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  std::int64_t window_;
  /// Queries that share a KV head: rows of one tile where they fit together.
  std::int64_t group_;
  std::int64_t kv_token_bytes_;
  std::int64_t query_bytes_;
  std::int64_t decode_tile_flops_;
};

/// Multi-head latent attention as vLLM runs it (layers/attention/mla_attention.py): prefill brings
/// keys and values of all heads up from the latents, context included, and attends as whole heads;
/// decodes attend the latents themselves, with the up-projections absorbed into query and output.
[[nodiscard]] std::unique_ptr<SequenceMixer> make_latent_attention(const ModelCard& card,
                                                                   const Shard& shard,
                                                                   std::int64_t kv_bytes);
/// Convolution and scan of Mamba-2. Decodes read and write their state.
[[nodiscard]] std::unique_ptr<SequenceMixer> make_state_space(const ModelCard& card,
                                                              const Shard& shard);
/// Each token attends all of its request's encoder output.
[[nodiscard]] std::unique_ptr<SequenceMixer> make_cross_attention(const ModelCard& card,
                                                                  const Shard& shard,
                                                                  std::int64_t kv_bytes);

/// What a token keeps in the cache of one latent layer. With fp8 all 576 numbers of DeepSeek-V3 are
/// a byte each, with one scale a layer; vLLM's fp8_ds_mla of 656 bytes is for its sparse backend
/// alone (v1/attention/backends/mla/flashmla_sparse.py get_kv_cache_shape).
[[nodiscard]] std::int64_t latent_bytes(const MlaShape& mla, std::int64_t kv_bytes);

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_ATTENTION_H_
