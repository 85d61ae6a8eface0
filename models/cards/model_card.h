// SPDX-License-Identifier: Apache-2.0
//
// The shape of a model: one set of widths, and a sequence of layer groups that says which of the
// parts each layer has. A card without groups is a stack of equal layers of attention and MLP.
#ifndef ORRERY_MODELS_CARDS_MODEL_CARD_H_
#define ORRERY_MODELS_CARDS_MODEL_CARD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cards/weight_format.h"
#include "sim/core/describer.h"

namespace orrery {

/// How a layer mixes tokens.
enum class Mixer : std::uint8_t { kAttention, kMla, kMamba2 };
/// What follows it.
enum class FeedForward : std::uint8_t { kMlp, kExperts, kNone };

/// So many equal layers, one after another. The groups of a card are repeated until it has all its
/// layers: `5 x window 1024, 1 x full` is Gemma 3.
struct LayerGroup {
  std::int64_t count = 1;
  Mixer mixer = Mixer::kAttention;
  FeedForward feed_forward = FeedForward::kMlp;
  /// Tokens attention looks back; 0: all.
  std::int64_t sliding_window = 0;

  void describe(Describer& d);
  friend bool operator==(const LayerGroup&, const LayerGroup&) = default;
};

/// Multi-head latent attention (DeepSeek-V2 report, arXiv 2405.04434).
struct MlaShape {
  std::int64_t q_lora_rank = 0;
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;

  void describe(Describer& d);
  /// What one token keeps in the cache of a layer, in elements.
  [[nodiscard]] std::int64_t latent() const { return kv_lora_rank + qk_rope_head_dim; }
};

/// A router and its experts, each a gated MLP.
struct ExpertShape {
  std::int64_t experts = 0;
  std::int64_t top_k = 0;
  std::int64_t intermediate = 0;
  /// Width of the expert that every token goes to; 0: none.
  std::int64_t shared_intermediate = 0;
  /// Numbers the router adds to each expert's score (gpt-oss, DeepSeek-V3).
  bool router_bias = false;
  /// Experts' projections have biases (gpt-oss).
  bool bias = false;
  Quantization quantization = Quantization::kNone;

  void describe(Describer& d);
};

/// Mamba-2 (Dao and Gu 2024, arXiv 2405.21060).
struct Mamba2Shape {
  std::int64_t heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t state = 0;
  std::int64_t groups = 1;
  std::int64_t conv = 4;
  /// Tokens that the prefill kernel scans at once.
  std::int64_t chunk = 256;

  void describe(Describer& d);
  [[nodiscard]] std::int64_t inner() const { return heads * head_dim; }
  /// Channels that go through the convolution.
  [[nodiscard]] std::int64_t conv_width() const { return inner() + 2 * groups * state; }
  /// What one sequence keeps for a layer, in elements: the state and the convolution's past.
  [[nodiscard]] std::int64_t kept() const { return inner() * state + conv_width() * (conv - 1); }
};

/// A bidirectional stack in front of the decoder: pictures or sound become embeddings.
struct EncoderShape {
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t intermediate = 0;
  bool gated = false;
  /// LayerNorm with a bias, not RMSNorm.
  bool layer_norm = true;
  /// Biases of the attention's four projections; Whisper's keys have none.
  std::int64_t attention_biases = 4;
  /// Tokens of one item (a picture, 30 s of sound), and those the decoder gets of it.
  std::int64_t tokens = 0;
  std::int64_t output_tokens = 0;
  /// The decoder attends to the encoder's output in every layer, and every request has one item.
  bool cross_attention = false;
  /// Patches or convolutions before, position tables, projector after.
  std::int64_t other_parameters = 0;

  void describe(Describer& d);
  [[nodiscard]] std::int64_t parameters() const;
};

struct ModelCard {
  std::string name;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t intermediate = 0;
  std::int64_t vocab = 0;
  /// Longest position the rotary table is built for.
  std::int64_t max_position = 0;
  /// 0: attention sees the whole context. Groups have their own.
  std::int64_t sliding_window = 0;
  bool tie_word_embeddings = false;
  bool qkv_bias = false;
  /// RMSNorm on each head's query and key (Qwen3, Gemma 3).
  bool qk_norm = false;
  bool output_bias = false;
  bool mlp_bias = false;
  /// Gate and up projections, and their product; else one projection up (OPT, Whisper).
  bool gated_mlp = true;
  /// LayerNorm with a bias, not RMSNorm.
  bool layer_norm = false;
  /// 4: also after attention and MLP (Gemma 2 and 3).
  std::int64_t norms_per_layer = 2;
  /// One learnt number a head that the softmax counts as a key (gpt-oss).
  bool attention_sinks = false;
  /// Rows of a learnt position table; 0: positions are rotary.
  std::int64_t learned_positions = 0;
  /// What generation_config.json asks of the sampler for requests that say nothing.
  double top_p = 1;
  std::int64_t top_k = 0;
  WeightType dtype = WeightType::kBfloat16;
  /// Of linear layers but routers, experts and the LM head.
  Quantization quantization = Quantization::kNone;
  /// Attention's projections are stored so, too; else as `dtype` (Meta's Llama 3.1 405B in FP8).
  bool quantized_attention = true;
  std::vector<LayerGroup> groups;
  std::optional<MlaShape> mla;
  std::optional<ExpertShape> experts;
  std::optional<Mamba2Shape> mamba2;
  std::optional<EncoderShape> encoder;
  std::string source;

  void describe(Describer& d);
  /// Throws ConfigError naming the key if the shape cannot be: called by both readers.
  void check(std::string_view file) const;

  /// What layer number `index` is made of.
  [[nodiscard]] LayerGroup layer(std::int64_t index) const;
  [[nodiscard]] bool filters_tokens() const { return top_p < 1 || top_k > 0; }
  [[nodiscard]] bool has_cross_attention() const { return encoder && encoder->cross_attention; }
  [[nodiscard]] bool has_experts() const;

  /// Parameters of the whole model, as its publisher counts them.
  [[nodiscard]] std::int64_t parameters() const;
  /// Those that one token's pass multiplies with: of the experts only top_k.
  [[nodiscard]] std::int64_t active_parameters() const;
  /// A window no context can exceed changes nothing.
  [[nodiscard]] bool window_matters() const;

 private:
  /// What cannot be, under our key and under Hugging Face's; no text: nothing.
  struct Problem {
    std::string_view key;
    std::string_view hf_key;
    std::string text;
  };
  [[nodiscard]] Problem problem() const;
};

/// Of one layer that holds `held` routed experts.
[[nodiscard]] std::int64_t layer_parameters(const ModelCard& card, const LayerGroup& group,
                                            std::int64_t held);

/// Reads a Hugging Face `config.json` of a supported architecture, and the sampling defaults of a
/// `generation_config.json` beside it. Throws ConfigError with the file and the key.
[[nodiscard]] ModelCard model_card_from_hf_config(const std::string& path);
/// The same from text; `file` is what errors call it.
[[nodiscard]] ModelCard model_card_from_hf_text(std::string_view json, const std::string& file);

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_MODEL_CARD_H_
