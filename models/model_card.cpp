// SPDX-License-Identifier: Apache-2.0
#include "models/model_card.h"

#include <fmt/format.h>

#include <array>

#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kWeightTypes = {"bfloat16", "float16"};

[[nodiscard]] std::string heads_problem(const ModelCard& card) {
  if (card.heads % card.kv_heads == 0) return {};
  return fmt::format("{} attention heads cannot share {} KV heads evenly", card.heads,
                     card.kv_heads);
}

}  // namespace

std::string_view name_of(WeightType type) { return kWeightTypes[static_cast<std::size_t>(type)]; }

void ModelCard::describe(Describer& d) {
  const Range count = Range::between(1, 1 << 24);
  d.required().field("name", name, "The model's name.");
  d.required().field("layers", layers, count, "Decoder layers.");
  d.required().field("hidden", hidden, count, "Width of the residual stream.");
  d.required().field("heads", heads, count, "Query heads.");
  d.required().field("kv_heads", kv_heads, count, "Key and value heads.");
  d.required().field("head_dim", head_dim, count, "Width of a head.");
  d.required().field("intermediate", intermediate, count, "Width of the gated MLP.");
  d.required().field("vocab", vocab, count, "Vocabulary.");
  d.required().field("max_position", max_position, count, "Longest position.");
  d.field("sliding_window", sliding_window, Range::not_negative(),
          "Tokens attention looks back; 0: all.");
  d.field("tie_word_embeddings", tie_word_embeddings,
          "The LM head shares the embedding's weights.");
  d.field("qkv_bias", qkv_bias, "Query, key and value projections have a bias.");
  d.field("qk_norm", qk_norm, "RMSNorm on each head's query and key.");
  d.field("top_p", top_p, Range::fraction(), "Sampling default of generation_config.json; 1: all.");
  d.field("top_k", top_k, Range::not_negative(),
          "Sampling default of generation_config.json; 0: all.");
  d.choice_of("dtype", dtype, kWeightTypes, "Type of the published weights.");
  d.required().field("source", source, "Where the figures come from.");
  if (d.reading()) {
    const std::string problem = heads_problem(*this);
    if (!problem.empty()) d.refuse("kv_heads", problem);
  }
}

void ModelCard::check(std::string_view file) const {
  const std::string problem = heads_problem(*this);
  if (!problem.empty()) {
    throw ConfigError(Position{std::string(file)}, "num_key_value_heads", problem);
  }
}

std::int64_t ModelCard::parameters() const {
  const std::int64_t q = heads * head_dim;
  const std::int64_t kv = kv_heads * head_dim;
  std::int64_t layer = hidden * (q + 2 * kv) + q * hidden;  // QKV and O
  layer += 3 * hidden * intermediate;                       // gate, up, down
  layer += 2 * hidden;                                      // the two norms
  if (qkv_bias) layer += q + 2 * kv;
  if (qk_norm) layer += 2 * head_dim;
  const std::int64_t embedding = vocab * hidden;
  return layers * layer + hidden + embedding * (tie_word_embeddings ? 1 : 2);
}

}  // namespace orrery
