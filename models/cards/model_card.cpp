// SPDX-License-Identifier: Apache-2.0
#include "models/cards/model_card.h"

#include <fmt/format.h>

#include <array>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 3> kMixers = {"attention", "mla", "mamba2"};
constexpr std::array<std::string_view, 3> kFeedForwards = {"mlp", "experts", "none"};
const Range kCount = Range::between(1, 1 << 24);

}  // namespace

void LayerGroup::describe(Describer& d) {
  d.field("count", count, kCount, "Layers of this kind, one after another.");
  d.choice_of("mixer", mixer, kMixers, "How they mix tokens.");
  d.choice_of("feed_forward", feed_forward, kFeedForwards, "What follows.");
  d.field("sliding_window", sliding_window, Range::not_negative(),
          "Tokens attention looks back; 0: all.");
}

void MlaShape::describe(Describer& d) {
  d.required().field("q_lora_rank", q_lora_rank, kCount, "Width of the compressed query.");
  d.required().field("kv_lora_rank", kv_lora_rank, kCount, "Width of the compressed KV.");
  d.required().field("qk_nope_head_dim", qk_nope_head_dim, kCount, "Head width without positions.");
  d.required().field("qk_rope_head_dim", qk_rope_head_dim, kCount, "Head width with positions.");
  d.required().field("v_head_dim", v_head_dim, kCount, "Width of a head's value.");
}

void ExpertShape::describe(Describer& d) {
  d.required().field("experts", experts, kCount, "Experts that the router chooses from.");
  d.required().field("top_k", top_k, kCount, "Experts that a token goes to.");
  d.required().field("intermediate", intermediate, kCount, "Width of an expert.");
  d.field("shared_intermediate", shared_intermediate, Range::not_negative(),
          "Width of the expert that every token goes to; 0: none.");
  d.field("router_bias", router_bias, "The router adds a number to each expert's score.");
  d.field("bias", bias, "The experts' projections have biases.");
  d.choice_of("quantization", quantization, kQuantizationNames, "How experts are stored.");
  if (d.reading() && top_k > experts) d.refuse("top_k", "is more than there are experts");
}

void Mamba2Shape::describe(Describer& d) {
  d.required().field("heads", heads, kCount, "Heads.");
  d.required().field("head_dim", head_dim, kCount, "Width of a head.");
  d.required().field("state", state, kCount, "Width of a head's state.");
  d.field("groups", groups, kCount, "Groups of heads that share B and C.");
  d.field("conv", conv, Range::between(2, 64), "Taps of the convolution.");
  d.field("chunk", chunk, kCount, "Tokens that the prefill kernel scans at once.");
}

void EncoderShape::describe(Describer& d) {
  d.required().field("layers", layers, kCount, "Encoder layers.");
  d.required().field("hidden", hidden, kCount, "Width of the residual stream.");
  d.required().field("heads", heads, kCount, "Attention heads.");
  d.required().field("intermediate", intermediate, kCount, "Width of the MLP.");
  d.field("gated", gated, "The MLP is gated.");
  d.field("layer_norm", layer_norm, "LayerNorm with a bias, not RMSNorm.");
  d.field("attention_biases", attention_biases, Range::between(0, 4),
          "How many of the four projections of attention have a bias.");
  d.required().field("tokens", tokens, kCount, "Tokens of one item.");
  d.required().field("output_tokens", output_tokens, kCount, "Tokens the decoder gets of an item.");
  d.field("cross_attention", cross_attention,
          "The decoder attends to the item in every layer, and every request has one.");
  d.field("other_parameters", other_parameters, Range::not_negative(),
          "Front end, position tables and projector.");
  if (d.reading() && hidden % heads != 0) d.refuse("heads", "do not divide hidden");
}

void ModelCard::describe(Describer& d) {
  d.required().field("name", name, "The model's name.");
  d.required().field("layers", layers, kCount, "Decoder layers.");
  d.required().field("hidden", hidden, kCount, "Width of the residual stream.");
  d.required().field("heads", heads, kCount, "Query heads.");
  d.required().field("kv_heads", kv_heads, kCount, "Key and value heads.");
  d.required().field("head_dim", head_dim, kCount, "Width of a head.");
  d.field("intermediate", intermediate, Range::not_negative(),
          "Width of the MLP; 0 where no layer has one.");
  d.required().field("vocab", vocab, kCount, "Vocabulary.");
  d.required().field("max_position", max_position, kCount, "Longest position.");
  d.field("sliding_window", sliding_window, Range::not_negative(),
          "Tokens attention looks back; 0: all.");
  d.field("tie_word_embeddings", tie_word_embeddings,
          "The LM head shares the embedding's weights.");
  d.field("qkv_bias", qkv_bias, "Query, key and value projections have a bias.");
  d.field("qk_norm", qk_norm, "RMSNorm on each head's query and key.");
  d.field("output_bias", output_bias, "The attention's output projection has a bias.");
  d.field("mlp_bias", mlp_bias, "The MLP's projections have a bias.");
  d.field("gated_mlp", gated_mlp, "The MLP multiplies two projections.");
  d.field("layer_norm", layer_norm, "LayerNorm with a bias, not RMSNorm.");
  d.field("norms_per_layer", norms_per_layer, Range::between(1, 4), "Norms of a layer.");
  d.field("attention_sinks", attention_sinks, "One learnt number a head in the softmax.");
  d.field("learned_positions", learned_positions, Range::not_negative(),
          "Rows of a learnt position table; 0: positions are rotary.");
  d.field("top_p", top_p, Range::fraction(), "Sampling default of generation_config.json; 1: all.");
  d.field("top_k", top_k, Range::not_negative(),
          "Sampling default of generation_config.json; 0: all.");
  d.choice_of("dtype", dtype, kWeightTypeNames, "Type of the published weights.");
  d.choice_of("quantization", quantization, kQuantizationNames,
              "How linear layers but routers, experts and the LM head are stored.");
  d.field("quantized_attention", quantized_attention,
          "Attention's projections are stored so, too; else in the published type.");
  d.list_of("groups", groups, "Layer groups, repeated until there are `layers`.");
  d.optional_object("mla", mla, "Widths of multi-head latent attention.");
  d.optional_object("experts", experts, "Router and experts.");
  d.optional_object("mamba2", mamba2, "Widths of Mamba-2 layers.");
  d.optional_object("encoder", encoder, "What turns pictures or sound into embeddings.");
  d.required().field("source", source, "Where the figures come from.");
  if (d.reading()) {
    const Problem what = problem();
    if (!what.text.empty()) d.refuse(what.key, what.text);
  }
}

ModelCard::Problem ModelCard::problem() const {
  if (heads % kv_heads != 0) {
    return {"kv_heads", "num_key_value_heads",
            fmt::format("{} attention heads cannot share {} KV heads evenly", heads, kv_heads)};
  }
  for (std::int64_t i = 0; i < layers; ++i) {
    const LayerGroup group = layer(i);
    if (group.mixer == Mixer::kMla && !mla) {
      return {"mla", "kv_lora_rank", "is missing, and layers are MLA"};
    }
    if (group.mixer == Mixer::kMamba2 && !mamba2) {
      return {"mamba2", "mamba_n_heads", "is missing, and layers are Mamba-2"};
    }
    if (group.feed_forward == FeedForward::kExperts && !experts) {
      return {"experts", "num_experts", "is missing, and layers have experts"};
    }
    if (group.feed_forward == FeedForward::kMlp && intermediate == 0) {
      return {"intermediate", "intermediate_size", "is 0, and layers have an MLP"};
    }
  }
  return {};
}

void ModelCard::check(std::string_view file) const {
  const Problem what = problem();
  if (!what.text.empty()) throw ConfigError(Position{std::string(file)}, what.hf_key, what.text);
}

LayerGroup ModelCard::layer(std::int64_t index) const {
  ORRERY_CHECK(index >= 0 && index < layers);
  if (groups.empty()) {
    LayerGroup plain;
    plain.sliding_window = sliding_window;
    if (mla) plain.mixer = Mixer::kMla;
    if (experts) plain.feed_forward = FeedForward::kExperts;
    return plain;
  }
  std::int64_t period = 0;
  for (const LayerGroup& group : groups) period += group.count;
  std::int64_t at = index % period;
  for (const LayerGroup& group : groups) {
    if (at < group.count) return group;
    at -= group.count;
  }
  ORRERY_CHECK(false);
}

bool ModelCard::has_experts() const {
  if (!experts) return false;
  for (std::int64_t i = 0; i < layers; ++i) {
    if (layer(i).feed_forward == FeedForward::kExperts) return true;
  }
  return false;
}

bool ModelCard::window_matters() const {
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::int64_t window = layer(i).sliding_window;
    if (window > 0 && window < max_position) return true;
  }
  return false;
}

}  // namespace orrery
