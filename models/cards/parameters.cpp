// SPDX-License-Identifier: Apache-2.0
//
// Parameter counts, part by part, as the published checkpoints hold them.
#include "models/cards/model_card.h"

namespace orrery {
namespace {

std::int64_t norm(const ModelCard& card) { return card.hidden * (card.layer_norm ? 2 : 1); }

std::int64_t attention(const ModelCard& card) {
  const std::int64_t q = card.heads * card.head_dim;
  const std::int64_t kv = card.kv_heads * card.head_dim;
  std::int64_t sum = card.hidden * (q + 2 * kv) + q * card.hidden;  // QKV and O
  if (card.qkv_bias) sum += q + 2 * kv;
  if (card.output_bias) sum += card.hidden;
  if (card.qk_norm) sum += 2 * card.head_dim;
  if (card.attention_sinks) sum += card.heads;
  // Whisper's keys have no bias, in self-attention as in cross-attention.
  if (card.has_cross_attention()) sum -= card.qkv_bias ? kv : 0;
  return sum;
}

std::int64_t latent_attention(const ModelCard& card) {
  const MlaShape& mla = *card.mla;
  const std::int64_t qk = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
  return card.hidden * (mla.q_lora_rank + mla.latent())  // query and KV down
         + mla.q_lora_rank + mla.kv_lora_rank            // their norms
         + mla.q_lora_rank * card.heads * qk             // query up
         + mla.kv_lora_rank * card.heads * (mla.qk_nope_head_dim + mla.v_head_dim)  // KV up
         + card.heads * mla.v_head_dim * card.hidden;                               // O
}

std::int64_t state_space(const ModelCard& card) {
  const Mamba2Shape& mamba = *card.mamba2;
  return card.hidden * (mamba.inner() + mamba.conv_width() + mamba.heads)  // gate, x B C, dt
         + mamba.conv_width() * (mamba.conv + 1)                           // taps and bias
         + 3 * mamba.heads                                                 // A, D, dt's bias
         + mamba.inner()                                                   // gated norm
         + mamba.inner() * card.hidden;                                    // out
}

std::int64_t mlp(const ModelCard& card) {
  const std::int64_t matrices = card.gated_mlp ? 3 : 2;
  const std::int64_t up = (matrices - 1) * card.intermediate;
  return matrices * card.hidden * card.intermediate + (card.mlp_bias ? up + card.hidden : 0);
}

std::int64_t one_expert(const ModelCard& card) {
  const ExpertShape& experts = *card.experts;
  return 3 * card.hidden * experts.intermediate +
         (experts.bias ? 2 * experts.intermediate + card.hidden : 0);
}

/// With `used` experts of all.
std::int64_t expert_layer(const ModelCard& card, std::int64_t used) {
  const ExpertShape& experts = *card.experts;
  return card.hidden * experts.experts + (experts.router_bias ? experts.experts : 0) +
         used * one_expert(card) + 3 * card.hidden * experts.shared_intermediate;
}

}  // namespace

std::int64_t layer_parameters(const ModelCard& card, const LayerGroup& group, std::int64_t held) {
  std::int64_t sum = card.norms_per_layer * norm(card);
  if (group.mixer == Mixer::kAttention) sum += attention(card);
  if (group.mixer == Mixer::kMla) sum += latent_attention(card);
  if (group.mixer == Mixer::kMamba2) sum += state_space(card);
  if (group.feed_forward == FeedForward::kMlp) sum += mlp(card);
  if (group.feed_forward == FeedForward::kExperts) sum += expert_layer(card, held);
  if (card.has_cross_attention()) sum += attention(card) + norm(card);
  return sum;
}

namespace {

std::int64_t of_layers(const ModelCard& card, std::int64_t held) {
  std::int64_t sum = norm(card);
  for (std::int64_t i = 0; i < card.layers; ++i) sum += layer_parameters(card, card.layer(i), held);
  return sum;
}

}  // namespace

std::int64_t EncoderShape::parameters() const {
  const std::int64_t matrices = gated ? 3 : 2;
  const std::int64_t norm = hidden * (layer_norm ? 2 : 1);
  const std::int64_t each = 4 * hidden * hidden + attention_biases * hidden +
                            matrices * hidden * intermediate + (matrices - 1) * intermediate +
                            hidden + 2 * norm;
  return layers * each + norm + other_parameters;
}

std::int64_t ModelCard::parameters() const {
  const std::int64_t embedding = vocab * hidden * (tie_word_embeddings ? 1 : 2);
  return of_layers(*this, experts ? experts->experts : 0) + embedding + learned_positions * hidden +
         (encoder ? encoder->parameters() : 0);
}

std::int64_t ModelCard::active_parameters() const {
  return of_layers(*this, experts ? experts->top_k : 0) + vocab * hidden;
}

}  // namespace orrery
