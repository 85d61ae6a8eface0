// SPDX-License-Identifier: Apache-2.0
//
// Key names and what a missing key means: transformers models/*/configuration_*.py.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "models/cards/hf_encoders.h"
#include "models/cards/hf_json.h"
#include "models/cards/hf_layers.h"
#include "models/cards/hf_quantization.h"
#include "models/cards/model_card.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

/// What transformers takes where a file does not say; 0: the file must.
struct Defaults {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t max_position = 0;
  bool tied = false;
};

std::int64_t count_or_default(const HfJson& config, const char* key, std::int64_t otherwise) {
  return otherwise > 0 ? config.count_or(key, otherwise) : config.count(key);
}

std::int64_t head_dim_of(const HfJson& config, const ModelCard& card, const Defaults& defaults) {
  const std::int64_t otherwise =
      defaults.head_dim > 0 ? defaults.head_dim : card.hidden / card.heads;
  if (!config.has("head_dim") && defaults.head_dim == 0 && card.hidden % card.heads != 0) {
    config.refuse("hidden_size",
                  fmt::format("{} is not a multiple of {} heads", card.hidden, card.heads));
  }
  return config.count_or("head_dim", otherwise);
}

void read_widths(const HfJson& config, const Defaults& defaults, ModelCard& card) {
  card.layers = config.count("num_hidden_layers");
  card.hidden = config.count("hidden_size");
  card.heads = count_or_default(config, "num_attention_heads", defaults.heads);
  card.kv_heads = config.count_or("num_key_value_heads",
                                  defaults.kv_heads > 0 ? defaults.kv_heads : card.heads);
  card.head_dim = head_dim_of(config, card, defaults);
  card.vocab = count_or_default(config, "vocab_size", defaults.vocab);
  card.max_position = count_or_default(config, "max_position_embeddings", defaults.max_position);
  card.tie_word_embeddings = config.flag_or("tie_word_embeddings", defaults.tied);
}

void refuse_flags(const HfJson& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (config.flag_or(key, false)) config.refuse(key, "is true, which is not supported");
  }
}

/// Any of GELU's ways to be computed costs the same.
void check_activation(const HfJson& config, const char* key, bool gelu) {
  const std::string given = config.text_or(key, gelu ? "gelu_pytorch_tanh" : "silu");
  if (gelu ? given.starts_with("gelu") : given == "silu") return;
  config.refuse(key, fmt::format("is '{}'; known: {}", given, gelu ? "gelu" : "silu"));
}

void read_silu_widths(const HfJson& config, const Defaults& defaults, ModelCard& card) {
  refuse_flags(config, {"mlp_bias", "attention_bias"});
  check_activation(config, "hidden_act", false);
  read_widths(config, defaults, card);
}

// Dense, pre-norm, SiLU-gated, rotary, RMSNorm.

void read_llama(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  card.intermediate = config.count("intermediate_size");
  HfLayers layers = plain_layers(card.layers);
  if (!set_listed_windows(config, layers)) {
    set_windows(config.number_or("sliding_window", 0), 0, layers);
  }
  set_layers(layers, card);
}

/// Qwen writes a window that `use_sliding_window: false`, the default, turns off; where it is on,
/// the first `max_window_layers` see everything.
void read_qwen_dense(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  card.intermediate = config.count("intermediate_size");
  HfLayers layers = plain_layers(card.layers);
  if (!set_listed_windows(config, layers) && config.flag_or("use_sliding_window", false)) {
    set_windows(config.count("sliding_window"), 0, layers);
    const auto whole = std::min(card.layers, config.number_or("max_window_layers", 28));
    std::fill_n(layers.begin(), whole, LayerGroup{});
  }
  set_layers(layers, card);
}

void read_qwen2(const HfJson& config, ModelCard& card) {
  read_qwen_dense(config, card);
  card.qkv_bias = true;
}

void read_qwen3(const HfJson& config, ModelCard& card) {
  read_qwen_dense(config, card);
  card.qk_norm = true;
}

// With experts.

void read_mixtral(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  ExpertShape experts;
  experts.experts = config.count("num_local_experts");
  experts.top_k = config.count("num_experts_per_tok");
  experts.intermediate = config.count("intermediate_size");
  card.experts = experts;
  HfLayers layers = plain_layers(card.layers);
  set_windows(config.number_or("sliding_window", 0), 0, layers);
  for (LayerGroup& layer : layers) layer.feed_forward = FeedForward::kExperts;
  set_layers(layers, card);
}

void read_qwen3_moe(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  card.qk_norm = true;
  ExpertShape experts;
  experts.experts =
      config.count(config.has("num_local_experts") ? "num_local_experts" : "num_experts");
  experts.top_k = config.count("num_experts_per_tok");
  experts.intermediate = config.count("moe_intermediate_size");
  card.experts = experts;
  HfLayers layers = plain_layers(card.layers);
  if (config.flag_or("use_sliding_window", false)) {
    set_windows(config.count("sliding_window"), 0, layers);
  }
  const std::int64_t step = config.count_or("decoder_sparse_step", 1);
  const auto dense = config.numbers("mlp_only_layers").value_or(std::vector<std::int64_t>{});
  for (std::int64_t i = 0; i < card.layers; ++i) {
    const bool listed = std::find(dense.begin(), dense.end(), i) != dense.end();
    if (listed || (i + 1) % step != 0) {
      card.intermediate = config.count("intermediate_size");
    } else {
      layers[static_cast<std::size_t>(i)].feed_forward = FeedForward::kExperts;
    }
  }
  set_layers(layers, card);
}

MlaShape mla_of(const HfJson& config) {
  MlaShape mla;
  mla.q_lora_rank = config.count("q_lora_rank");
  mla.kv_lora_rank = config.count("kv_lora_rank");
  mla.qk_nope_head_dim = config.count("qk_nope_head_dim");
  mla.qk_rope_head_dim = config.count("qk_rope_head_dim");
  mla.v_head_dim = config.count("v_head_dim");
  return mla;
}

/// Without the layers for multi-token prediction (`num_nextn_predict_layers`), which engines load
/// only where speculation is asked for.
void read_deepseek_v3(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  card.mla = mla_of(config);
  // `head_dim`, where a file has it, is the rotary part's.
  card.head_dim = card.mla->qk_nope_head_dim + card.mla->qk_rope_head_dim;
  card.kv_heads = card.heads;
  if (config.count_or("moe_layer_freq", 1) != 1) config.refuse_value("moe_layer_freq", "1");
  if (config.text_or("topk_method", "noaux_tc") != "noaux_tc") {
    config.refuse_value("topk_method", "\"noaux_tc\"");
  }
  ExpertShape experts;
  experts.experts = config.count("n_routed_experts");
  experts.top_k = config.count("num_experts_per_tok");
  experts.intermediate = config.count("moe_intermediate_size");
  experts.shared_intermediate = config.number_or("n_shared_experts", 0) * experts.intermediate;
  experts.router_bias = true;
  card.experts = experts;
  const std::int64_t dense = config.number_or("first_k_dense_replace", 0);
  HfLayers layers = plain_layers(card.layers);
  for (std::int64_t i = 0; i < card.layers; ++i) {
    LayerGroup& layer = layers[static_cast<std::size_t>(i)];
    layer.mixer = Mixer::kMla;
    if (i >= dense) layer.feed_forward = FeedForward::kExperts;
  }
  if (dense > 0) card.intermediate = config.count("intermediate_size");
  set_layers(layers, card);
}

void read_gpt_oss(const HfJson& config, ModelCard& card) {
  check_activation(config, "hidden_act", false);
  read_widths(config, {}, card);
  card.qkv_bias = card.output_bias = config.flag_or("attention_bias", true);
  card.attention_sinks = true;
  ExpertShape experts;
  experts.experts =
      config.count(config.has("num_local_experts") ? "num_local_experts" : "num_experts");
  experts.top_k =
      config.count(config.has("num_experts_per_tok") ? "num_experts_per_tok" : "experts_per_token");
  experts.intermediate = config.count("intermediate_size");
  experts.router_bias = experts.bias = true;
  card.experts = experts;
  HfLayers layers = plain_layers(card.layers);
  if (!set_listed_windows(config, layers)) set_windows(config.count("sliding_window"), 2, layers);
  for (LayerGroup& layer : layers) layer.feed_forward = FeedForward::kExperts;
  set_layers(layers, card);
}

// Gemma: GELU, norms also after attention and MLP, tied tables.

void read_gemma(const HfJson& config, const Defaults& defaults, std::int64_t period,
                std::int64_t window, ModelCard& card) {
  refuse_flags(config, {"attention_bias", "use_bidirectional_attention"});
  check_activation(config, "hidden_activation", true);
  read_widths(config, defaults, card);
  card.intermediate = config.count("intermediate_size");
  card.norms_per_layer = 4;
  HfLayers layers = plain_layers(card.layers);
  if (!set_listed_windows(config, layers)) {
    set_windows(config.count_or("sliding_window", window), period, layers);
  }
  set_layers(layers, card);
}

void read_gemma2(const HfJson& config, ModelCard& card) {
  read_gemma(config, {8, 4, 256, 256000, 8192, true}, 2, 4096, card);
}

void read_gemma3_text(const HfJson& config, ModelCard& card) {
  const char* key =
      config.has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern";
  read_gemma(config, {8, 4, 256, 262208, 131072, true}, config.count_or(key, 6), 4096, card);
  card.qk_norm = true;
}

void read_gemma3(const HfJson& config, ModelCard& card) {
  read_gemma3_text(config.object("text_config"), card);
  card.encoder = siglip_encoder(config, card.hidden);
}

// Llama 4: chunks of attention with positions, and whole attention without.

/// Which layers have positions, and with them attention in chunks.
void set_chunks(const HfJson& config, HfLayers& layers) {
  const std::int64_t chunk = config.count_or("attention_chunk_size", 8192);
  const auto listed = config.numbers("no_rope_layers");
  // An empty list is none (the first published files).
  if (!listed || listed->empty()) {
    set_windows(chunk, config.count_or("no_rope_layer_interval", 4), layers);
    return;
  }
  if (listed->size() < layers.size()) {
    config.refuse("no_rope_layers",
                  fmt::format("names {} layers of {}", listed->size(), layers.size()));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i].sliding_window = (*listed)[i] != 0 ? chunk : 0;
  }
}

void read_llama4_text(const HfJson& config, ModelCard& card) {
  read_silu_widths(config, {}, card);
  ExpertShape experts;
  experts.experts = config.count("num_local_experts");
  experts.top_k = config.count("num_experts_per_tok");
  experts.intermediate = config.count("intermediate_size");
  experts.shared_intermediate = experts.intermediate;
  card.experts = experts;
  HfLayers layers = plain_layers(card.layers);
  if (!set_listed_windows(config, layers)) set_chunks(config, layers);
  const std::int64_t step = config.count_or("interleave_moe_layer_step", 1);
  const auto listed = config.numbers("moe_layers");
  for (std::int64_t i = 0; i < card.layers; ++i) {
    const bool sparse = listed ? std::find(listed->begin(), listed->end(), i) != listed->end()
                               : (i + 1) % step == 0;
    if (sparse) {
      layers[static_cast<std::size_t>(i)].feed_forward = FeedForward::kExperts;
    } else {
      card.intermediate = config.count("intermediate_size_mlp");
    }
  }
  set_layers(layers, card);
}

void read_llama4(const HfJson& config, ModelCard& card) {
  read_llama4_text(config.object("text_config"), card);
  card.encoder = llama4_encoder(config, card.hidden);
}

// Mamba-2 with a few layers of attention.

Mamba2Shape mamba2_of(const HfJson& config, std::int64_t hidden) {
  Mamba2Shape mamba;
  mamba.heads = config.count_or("mamba_n_heads", 128);
  const std::int64_t inner = config.count_or("mamba_expand", 2) * hidden;
  const bool is_auto = !config.has("mamba_d_head") || config.is_text("mamba_d_head", "auto");
  mamba.head_dim = is_auto ? inner / mamba.heads : config.count("mamba_d_head");
  if (mamba.inner() != inner) {
    config.refuse("mamba_n_heads", fmt::format("{} heads of {} are not mamba_expand x hidden_size, "
                                               "{}",
                                               mamba.heads, mamba.head_dim, inner));
  }
  mamba.groups = config.count_or("mamba_n_groups", 1);
  mamba.state = config.count_or("mamba_d_state", 256);
  mamba.conv = config.count_or("mamba_d_conv", 4);
  if (mamba.conv < 2) config.refuse_value("mamba_d_conv", "at least 2");
  mamba.chunk = config.count_or("mamba_chunk_size", 256);
  if (!config.flag_or("mamba_conv_bias", true)) config.refuse_value("mamba_conv_bias", "true");
  return mamba;
}

void read_bamba(const HfJson& config, ModelCard& card) {
  refuse_flags(config, {"mamba_proj_bias"});
  Defaults defaults;
  defaults.heads = 32;
  defaults.kv_heads = 8;
  defaults.max_position = 262144;
  read_silu_widths(config, defaults, card);
  card.intermediate = config.count("intermediate_size");
  card.mamba2 = mamba2_of(config, card.hidden);
  HfLayers layers = plain_layers(card.layers);
  for (LayerGroup& layer : layers) layer.mixer = Mixer::kMamba2;
  const auto attention = config.numbers("attn_layer_indices");
  if (!attention) config.refuse("attn_layer_indices", "is missing");
  for (const std::int64_t index : *attention) {
    if (index >= card.layers) config.refuse_value("attn_layer_indices", "among the layers");
    layers[static_cast<std::size_t>(index)].mixer = Mixer::kAttention;
  }
  set_layers(layers, card);
}

void read_qwen2_5_vl(const HfJson& config, ModelCard& card) {
  // Older files write the decoder's keys beside `vision_config`.
  read_qwen2(config.has("text_config") ? config.object("text_config") : config, card);
  card.encoder = qwen2_5_vl_encoder(config, card.hidden);
}

/// An encoder of sound and a decoder that attends to it: LayerNorm, biases, learnt positions.
void read_whisper(const HfJson& config, ModelCard& card) {
  check_activation(config, "activation_function", true);
  card.layers = config.count("decoder_layers");
  card.hidden = config.count("d_model");
  card.heads = card.kv_heads = config.count("decoder_attention_heads");
  if (card.hidden % card.heads != 0) {
    config.refuse("d_model",
                  fmt::format("{} is not a multiple of {} heads", card.hidden, card.heads));
  }
  card.head_dim = card.hidden / card.heads;
  card.intermediate = config.count("decoder_ffn_dim");
  card.vocab = config.count("vocab_size");
  card.max_position = card.learned_positions = config.count_or("max_target_positions", 448);
  card.tie_word_embeddings = config.flag_or("tie_word_embeddings", true);
  card.qkv_bias = card.output_bias = card.mlp_bias = card.layer_norm = true;
  card.gated_mlp = false;
  card.encoder = whisper_encoder(config);
}

/// Named by the model class its publisher puts under `architectures`.
struct Architecture {
  std::string_view name;
  void (*read)(const HfJson& config, ModelCard& card);
};
constexpr std::array<Architecture, 16> kArchitectures = {{
    {"LlamaForCausalLM", read_llama},
    {"MistralForCausalLM", read_llama},
    {"Qwen2ForCausalLM", read_qwen2},
    {"Qwen3ForCausalLM", read_qwen3},
    {"MixtralForCausalLM", read_mixtral},
    {"Qwen3MoeForCausalLM", read_qwen3_moe},
    {"DeepseekV3ForCausalLM", read_deepseek_v3},
    {"GptOssForCausalLM", read_gpt_oss},
    {"Gemma2ForCausalLM", read_gemma2},
    {"Gemma3ForCausalLM", read_gemma3_text},
    {"Gemma3ForConditionalGeneration", read_gemma3},
    {"Llama4ForCausalLM", read_llama4_text},
    {"Llama4ForConditionalGeneration", read_llama4},
    {"BambaForCausalLM", read_bamba},
    {"Qwen2_5_VLForConditionalGeneration", read_qwen2_5_vl},
    {"WhisperForConditionalGeneration", read_whisper},
}};

const Architecture& architecture_of(const HfJson& config) {
  const std::vector<std::string> given = config.texts("architectures");
  if (given.size() != 1) config.refuse_value("architectures", "a list of one name");
  std::array<std::string_view, kArchitectures.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = kArchitectures[i].name;
    if (names[i] == given[0]) return kArchitectures[i];
  }
  config.refuse("architectures", fmt::format("'{}' is not an architecture whose cost is known; {}",
                                             given[0], known_names(given[0], names)));
}

WeightType dtype_of(const HfJson& config) {
  // Newer files write `dtype` for `torch_dtype`.
  const char* key = config.has("dtype") ? "dtype" : "torch_dtype";
  // Models of several parts may say it of a part only.
  if (!config.has(key) && config.has("text_config")) return dtype_of(config.object("text_config"));
  const std::string given = config.text(key);
  if (given == "float16") return WeightType::kFloat16;
  // Engines cast published float32 weights down to bfloat16 (vLLM, `dtype: auto`).
  if (given == "bfloat16" || given == "float32") return WeightType::kBfloat16;
  constexpr std::array<std::string_view, 3> kKnown = {"bfloat16", "float16", "float32"};
  config.refuse(key, fmt::format("is '{}'; {}", given, known_names(given, kKnown)));
}

std::string name_from(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return file;
  const std::size_t before = file.find_last_of('/', slash - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return file.substr(begin, slash - begin);
}

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw ConfigError(Position{path}, {}, "cannot be read");
  return text.str();
}

void read_sampling(const HfJson& generation, ModelCard& card) {
  card.top_p = generation.real_or("top_p", 1);
  if (!(card.top_p > 0 && card.top_p <= 1)) generation.refuse_value("top_p", "above 0 and up to 1");
  card.top_k = generation.number_or("top_k", 0);
}

}  // namespace

ModelCard model_card_from_hf_text(std::string_view json, const std::string& file) {
  const HfJson config(json, file);
  const Architecture& architecture = architecture_of(config);
  ModelCard card;
  card.name = name_from(file);
  architecture.read(config, card);
  if (card.experts && card.experts->top_k > card.experts->experts) {
    config.refuse("num_experts_per_tok", "is more than there are experts");
  }
  read_hf_quantization(config, card);
  card.dtype = dtype_of(config);
  card.source = fmt::format("{} ({})", file, architecture.name);
  card.check(file);
  return card;
}

ModelCard model_card_from_hf_config(const std::string& path) {
  ModelCard card = model_card_from_hf_text(text_of(path), path);
  const auto beside = std::filesystem::path(path).parent_path() / "generation_config.json";
  if (std::filesystem::exists(beside)) {
    read_sampling(HfJson(text_of(beside.string()), beside.string()), card);
  }
  return card;
}

}  // namespace orrery
