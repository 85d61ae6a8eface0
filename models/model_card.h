// SPDX-License-Identifier: Apache-2.0
//
// The shape of a dense decoder-only transformer with grouped-query attention and a gated MLP:
// what Llama, Mistral, Qwen2 and Qwen3 have in common.
#ifndef ORRERY_MODELS_MODEL_CARD_H_
#define ORRERY_MODELS_MODEL_CARD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/core/describer.h"

namespace orrery {

enum class WeightType : std::uint8_t { kBfloat16, kFloat16 };
[[nodiscard]] std::string_view name_of(WeightType type);

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
  /// 0: attention sees the whole context.
  std::int64_t sliding_window = 0;
  bool tie_word_embeddings = false;
  bool qkv_bias = false;
  /// RMSNorm on each head's query and key (Qwen3).
  bool qk_norm = false;
  /// What generation_config.json asks of the sampler for requests that say nothing.
  double top_p = 1;
  std::int64_t top_k = 0;
  WeightType dtype = WeightType::kBfloat16;
  std::string source;

  void describe(Describer& d);
  /// Throws ConfigError naming the key if the shape cannot be: called by both readers.
  void check(std::string_view file) const;

  /// Parameters of the whole model, as its publisher counts them.
  [[nodiscard]] std::int64_t parameters() const;
  [[nodiscard]] bool filters_tokens() const { return top_p < 1 || top_k > 0; }
  /// A window no context can exceed changes nothing.
  [[nodiscard]] bool window_matters() const {
    return sliding_window > 0 && sliding_window < max_position;
  }
};

/// Reads a Hugging Face `config.json` of a supported dense architecture. Throws ConfigError with
/// the file and the key.
[[nodiscard]] ModelCard model_card_from_hf_config(const std::string& path);
/// The same from text; `file` is what errors call it.
[[nodiscard]] ModelCard model_card_from_hf_text(std::string_view json, const std::string& file);

}  // namespace orrery

#endif  // ORRERY_MODELS_MODEL_CARD_H_
