// SPDX-License-Identifier: Apache-2.0
//
// Sequence mixers other than plain attention.
#include <algorithm>

#include "models/operators/attention.h"
#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t kTile = SequenceMixer::kTile;
/// Rows that a decode's heads fill of a tensor tile.
constexpr std::int64_t kDecodeRows = 64;

class LatentAttention final : public SequenceMixer {
 public:
  LatentAttention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes)
      : mla_(*card.mla),
        heads_(shard.heads),
        element_(element_bytes(card.dtype)),
        latent_bytes_(latent_bytes(mla_, kv_bytes)),
        up_(mla_.qk_nope_head_dim + mla_.v_head_dim),
        qk_(mla_.qk_nope_head_dim + mla_.qk_rope_head_dim) {}

  [[nodiscard]] AttentionWork chunks(const BatchShape& shape) const override {
    if (shape.chunks.empty()) return {};
    AttentionWork work;
    std::int64_t read = 0;
    std::int64_t tiles = 0;
    for (const PrefillChunk& chunk : shape.chunks) {
      const std::int64_t ends = std::int64_t{chunk.context} + chunk.tokens;
      const std::int64_t rows = ceil_div(chunk.tokens, kTile);
      tiles += (rows - 1) * ceil_div(chunk.context, kTile) + (rows - 1) * rows / 2 +
               ceil_div(ends, kTile);
      read += ends;
    }
    const std::int64_t head = qk_ + mla_.v_head_dim;
    work.flops = heads_ * tiles * 2 * head * kTile * kTile;
    work.bytes = (read + shape.prefill_tokens) * heads_ * head * element_;
    work.kernels = 2;
    work.gemm_flops = 2 * read * mla_.kv_lora_rank * heads_ * up_;
    work.gemm_bytes = weights() + read * (latent_bytes_ + heads_ * up_ * element_);
    return work;
  }

  [[nodiscard]] AttentionWork decodes(const BatchShape& shape) const override {
    if (shape.decodes == 0) return {};
    AttentionWork work;
    const std::int64_t rows = ceil_div(heads_, kDecodeRows) * kDecodeRows;
    const std::int64_t wide = mla_.latent() + mla_.kv_lora_rank;
    work.flops = shape.decode_tiles * kTile * 2 * wide * rows;
    work.kv_bytes = shape.decode_context * latent_bytes_;
    work.bytes = work.kv_bytes + shape.decodes * heads_ * wide * element_;
    work.parts = std::max<std::int64_t>(1, shape.decode_tiles * (rows / kDecodeRows));
    work.kernels = 4;
    // Query into the latents, output out of them.
    work.gemm_flops = 2 * shape.decodes * heads_ * mla_.kv_lora_rank * up_;
    work.gemm_bytes = weights() + shape.decodes * heads_ * (2 * mla_.kv_lora_rank + up_) * element_;
    return work;
  }

  [[nodiscard]] std::int64_t kernels(const BatchShape& shape) const override {
    return (shape.decodes > 0 ? 4 : 0) + (shape.chunks.empty() ? 0 : 2);
  }
  [[nodiscard]] std::string name() const override { return "latent_attention"; }
  [[nodiscard]] std::string formula() const override {
    return "max(2 pairs heads (qk + v) / rate, bytes / bandwidth) and the latents' up-projection; "
           "decodes attend 1 latent head, up-projections absorbed";
  }

 private:
  [[nodiscard]] std::int64_t weights() const { return mla_.kv_lora_rank * heads_ * up_ * element_; }

  MlaShape mla_;
  std::int64_t heads_;
  std::int64_t element_;
  std::int64_t latent_bytes_;
  std::int64_t up_;
  std::int64_t qk_;
};

class StateSpace final : public SequenceMixer {
 public:
  StateSpace(const ModelCard& card, const Shard& shard)
      : mamba_(*card.mamba2), element_(element_bytes(card.dtype)) {
    mamba_.heads = shard.mamba_heads;
    mamba_.groups = shard.mamba_groups;
  }

  /// Each chunk of Q tokens: C B^T of each group 2 Q^2 N, times X of each head 2 Q^2 P, into the
  /// state and out of it 2 Q N P each (arXiv 2405.21060, section 6). Chunk states are written and
  /// read once in 32 bits.
  [[nodiscard]] AttentionWork chunks(const BatchShape& shape) const override {
    if (shape.chunks.empty()) return {};
    AttentionWork work;
    std::int64_t scans = 0;
    for (const PrefillChunk& chunk : shape.chunks) scans += ceil_div(chunk.tokens, mamba_.chunk);
    const std::int64_t q = mamba_.chunk;
    const std::int64_t of_head =
        2 * q * q * mamba_.head_dim + 4 * q * mamba_.state * mamba_.head_dim;
    work.flops = scans * (mamba_.groups * 2 * q * q * mamba_.state + mamba_.heads * of_head);
    const auto sequences = static_cast<std::int64_t>(shape.chunks.size());
    work.bytes = shape.prefill_tokens * token_bytes() +
                 scans * 2 * 4 * mamba_.inner() * mamba_.state +
                 sequences * 2 * mamba_.kept() * element_;
    work.kernels = 6;
    return work;
  }

  /// The state is read, moved on (3 multiplications and additions an element) and written.
  [[nodiscard]] AttentionWork decodes(const BatchShape& shape) const override {
    if (shape.decodes == 0) return {};
    AttentionWork work;
    work.flops = shape.decodes * 6 * mamba_.inner() * mamba_.state;
    work.bytes = shape.decodes * (2 * mamba_.kept() * element_ + token_bytes());
    work.kernels = 2;
    return work;
  }

  [[nodiscard]] std::int64_t kernels(const BatchShape& shape) const override {
    return (shape.decodes > 0 ? 2 : 0) + (shape.chunks.empty() ? 0 : 6);
  }
  [[nodiscard]] std::string name() const override { return "mamba2"; }
  [[nodiscard]] std::string formula() const override {
    return "max(scan flops / rate, (x B C dt in and out, states) / bandwidth) + kernels";
  }

 private:
  /// Through the convolution and the scan: x B C in and out of the first, in of the second, dt, y.
  [[nodiscard]] std::int64_t token_bytes() const {
    return (3 * mamba_.conv_width() + mamba_.heads + mamba_.inner()) * element_;
  }

  Mamba2Shape mamba_;
  std::int64_t element_;
};

class CrossAttention final : public SequenceMixer {
 public:
  CrossAttention(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes)
      : tokens_(card.encoder->output_tokens),
        heads_(shard.heads),
        kv_heads_(shard.kv_heads),
        head_dim_(card.head_dim),
        kv_token_bytes_(2 * shard.kv_heads * card.head_dim * kv_bytes),
        query_bytes_(2 * element_bytes(card.dtype) * shard.heads * card.head_dim) {}

  [[nodiscard]] AttentionWork chunks(const BatchShape& shape) const override {
    if (shape.chunks.empty()) return {};
    AttentionWork work;
    std::int64_t tiles = 0;
    for (const PrefillChunk& chunk : shape.chunks) {
      tiles += ceil_div(chunk.tokens, kTile) * ceil_div(tokens_, kTile);
    }
    work.flops = heads_ * tiles * 4 * head_dim_ * kTile * kTile;
    work.bytes = static_cast<std::int64_t>(shape.chunks.size()) * tokens_ * kv_token_bytes_ +
                 shape.prefill_tokens * query_bytes_;
    work.kernels = 1;
    return work;
  }

  [[nodiscard]] AttentionWork decodes(const BatchShape& shape) const override {
    if (shape.decodes == 0) return {};
    AttentionWork work;
    const std::int64_t group = ceil_div(heads_ / kv_heads_, kDecodeRows) * kDecodeRows;
    work.flops =
        shape.decodes * ceil_div(tokens_, kTile) * 4 * kv_heads_ * head_dim_ * group * kTile;
    work.kv_bytes = shape.decodes * tokens_ * kv_token_bytes_;
    work.bytes = work.kv_bytes + shape.decodes * query_bytes_;
    work.kernels = shape.chunks.empty() ? 2 : 1;
    return work;
  }

  [[nodiscard]] std::int64_t kernels(const BatchShape& shape) const override {
    return shape.decodes > 0 ? 2 : 1;
  }
  [[nodiscard]] std::string name() const override { return "cross_attention"; }
  [[nodiscard]] std::string formula() const override {
    return "max(4 pairs heads dim / rate, KV bytes / bandwidth) + kernels, over the encoder's "
           "output";
  }

 private:
  std::int64_t tokens_;
  std::int64_t heads_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  std::int64_t kv_token_bytes_;
  std::int64_t query_bytes_;
};

}  // namespace

std::unique_ptr<SequenceMixer> make_latent_attention(const ModelCard& card, const Shard& shard,
                                                     std::int64_t kv_bytes) {
  return std::make_unique<LatentAttention>(card, shard, kv_bytes);
}

std::unique_ptr<SequenceMixer> make_state_space(const ModelCard& card, const Shard& shard) {
  return std::make_unique<StateSpace>(card, shard);
}

std::unique_ptr<SequenceMixer> make_cross_attention(const ModelCard& card, const Shard& shard,
                                                    std::int64_t kv_bytes) {
  return std::make_unique<CrossAttention>(card, shard, kv_bytes);
}

std::int64_t latent_bytes(const MlaShape& mla, std::int64_t kv_bytes) {
  return mla.latent() * kv_bytes;
}

}  // namespace orrery
