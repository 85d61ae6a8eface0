// SPDX-License-Identifier: Apache-2.0
//
// hf_configs/ has, by the name of a card that we ship, the fields of its publisher's config.json
// (and generation_config.json) that say something about cost: both readers must agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "models/cards/model_card.h"
#include "sim/config/dump.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

const std::string kSource = ORRERY_SOURCE_DIR;
const std::string kFolder = kSource + "/tests/unit/models/hf_configs/";

std::vector<std::string> models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

ModelCard published(const std::string& name) {
  return model_card_from_hf_config(kFolder + name + "/config.json");
}

ModelCard shipped(const std::string& name) {
  ModelCard card;
  read(load_yaml(kSource + "/configs/models/" + name + ".yaml"), card);
  return card;
}

std::int64_t kv_elements_per_token(const ModelCard& card) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < card.layers; ++i) {
    const Mixer mixer = card.layer(i).mixer;
    if (mixer == Mixer::kAttention) sum += 2 * card.kv_heads * card.head_dim;
    if (mixer == Mixer::kMla) sum += card.mla->latent();
  }
  return sum;
}

/// Everything but its names, with each layer said for itself: groups can be cut in several ways.
std::string facts(ModelCard card) {
  std::vector<LayerGroup> layers;
  for (std::int64_t i = 0; i < card.layers; ++i) {
    layers.push_back(card.layer(i));
    layers.back().count = 1;
  }
  card.groups = layers;
  card.sliding_window = 0;
  card.name = card.source = "any";
  return dump_text(card);
}

TEST_CASE("a published config and the card of the same model say the same") {
  REQUIRE(models().size() == 12);
  for (const std::string& name : models()) {
    CAPTURE(name);
    const ModelCard ours = shipped(name);
    const ModelCard theirs = published(name);
    CHECK(theirs.name == name);
    CHECK(theirs.parameters() == ours.parameters());
    CHECK(kv_elements_per_token(theirs) == kv_elements_per_token(ours));
    CHECK(facts(theirs) == facts(ours));
  }
}

TEST_CASE("layers are told in the fewest groups that repeat") {
  const std::vector<LayerGroup> gemma = published("gemma-3-27b").groups;
  REQUIRE(gemma.size() == 2);
  CHECK(gemma[0].count == 5);
  CHECK(gemma[0].sliding_window == 1024);
  CHECK(gemma[1] == LayerGroup{});
  CHECK(published("deepseek-v3").groups.size() == 2);
  CHECK(published("mixtral-8x7b").groups.empty());
}

std::string mixtral_with(const std::string& more) {
  return R"({"architectures": ["MixtralForCausalLM"], "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
    "num_key_value_heads": 8, "num_hidden_layers": 4, "num_experts_per_tok": 2,
    "num_local_experts": 8, "vocab_size": 32000, "torch_dtype": "bfloat16", )" +
         more + "}";
}
std::string quantised(const std::string& config) {
  return mixtral_with(R"("quantization_config": )" + config);
}
ModelCard from_text(const std::string& text) { return model_card_from_hf_text(text, "c.json"); }

std::string tensors(const std::string& weights, const std::string& inputs) {
  return quantised(R"({"quant_method": "compressed-tensors", "ignore": ["lm_head", "re:.*gate$"],
    "config_groups": {"group_0": {"targets": ["Linear"], "weights": )" +
                   weights + R"(, "input_activations": )" + inputs + "}}}");
}

TEST_CASE("published forms of weights become ours, of experts too") {
  struct Form {
    std::string text;
    Quantization format;
  };
  const Form forms[] = {
      {quantised(R"({"quant_method": "fp8"})"), Quantization::kFp8},
      {quantised(R"({"quant_method": "fp8", "weight_block_size": [128, 128]})"),
       Quantization::kFp8Block},
      {quantised(R"({"quant_method": "gptq", "bits": 4, "group_size": 128})"), Quantization::kInt4},
      {quantised(R"({"quant_method": "awq", "bits": 4, "group_size": 128,
                     "modules_to_not_convert": ["model.layers.0.mlp.gate"]})"),
       Quantization::kInt4},
      {tensors(R"({"num_bits": 8, "type": "float", "strategy": "tensor"})",
               R"({"num_bits": 8, "type": "float"})"),
       Quantization::kFp8},
      {tensors(R"({"num_bits": 8, "type": "int", "strategy": "channel"})",
               R"({"num_bits": 8, "type": "int"})"),
       Quantization::kInt8},
      {tensors(R"({"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128})", "null"),
       Quantization::kInt4},
      {tensors(R"({"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16})",
               R"({"num_bits": 4, "type": "float"})"),
       Quantization::kNvfp4},
  };
  for (const Form& form : forms) {
    CAPTURE(form.text);
    const ModelCard card = from_text(form.text);
    CHECK(card.quantization == form.format);
    CHECK(card.experts->quantization == form.format);
  }
}

TEST_CASE("a form of weights that no format has is refused with its key") {
  const auto refused = [](const std::string& text, const std::string& why) {
    CHECK_THROWS_WITH_AS(static_cast<void>(from_text(text)), ("c.json: " + why).c_str(),
                         ConfigError);
  };
  refused(quantised(R"({"quant_method": "gptq", "bits": 4, "group_size": 32})"),
          "quantization_config.group_size: is 32, not 128");
  refused(quantised(R"({"quant_method": "fp8", "weight_block_size": [64, 64]})"),
          "quantization_config.weight_block_size: is [64,64], not [128, 128]");
  refused(quantised(R"({"quant_method": "fp8",
                        "modules_to_not_convert": ["model.layers.0.self_attn"]})"),
          "quantization_config.modules_to_not_convert: leaves out 'model.layers.0.self_attn', and "
          "layers that are quantised in part are not supported");
  refused(tensors(R"({"num_bits": 8, "type": "int", "strategy": "channel"})", "null"),
          "quantization_config.config_groups.group_0.weights: are 8-bit int by channel with "
          "activations as they are, which has no format here");
  refused(quantised(R"({"quant_method": "bitsandbytes"})"),
          "quantization_config.quant_method: is 'bitsandbytes'; known: fp8, compressed-tensors, "
          "gptq, awq, mxfp4");
}

TEST_CASE("fields that would change the cost in a way not known are refused") {
  const auto refused = [](const std::string& text, const std::string& why) {
    CHECK_THROWS_WITH_AS(static_cast<void>(from_text(text)), ("c.json: " + why).c_str(),
                         ConfigError);
  };
  refused(mixtral_with(R"("attention_bias": true)"),
          "attention_bias: is true, which is not supported");
  refused(mixtral_with(R"("hidden_act": "relu")"), "hidden_act: is 'relu'; known: silu");
  const std::string qwen = R"({"architectures": ["Qwen2ForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "max_position_embeddings": 64, "num_attention_heads": 2,
    "num_hidden_layers": 2, "vocab_size": 100, "dtype": "bfloat16", )";
  refused(qwen + R"("layer_types": ["full_attention"]})", "layer_types: names 1 layers of 2");
  refused(qwen + R"("layer_types": ["full_attention", "linear_attention"]})",
          "layer_types: has 'linear_attention'; known: full_attention, sliding_attention, "
          "chunked_attention (did you mean sliding_attention?)");
}

TEST_CASE("layers without experts are found by step and by list") {
  // Step 2 gives layers 1 and 3 experts, and the list takes 3 away.
  const ModelCard card = from_text(R"({"architectures": ["Qwen3MoeForCausalLM"],
    "hidden_size": 64, "intermediate_size": 128, "moe_intermediate_size": 32, "num_experts": 4,
    "num_experts_per_tok": 2, "max_position_embeddings": 64, "num_attention_heads": 2,
    "num_hidden_layers": 4, "vocab_size": 100, "dtype": "bfloat16", "decoder_sparse_step": 2,
    "mlp_only_layers": [3]})");
  CHECK(card.intermediate == 128);
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK((card.layer(i).feed_forward == FeedForward::kExperts) == (i == 1));
  }
}

TEST_CASE("Llama 4 interleaves experts and leaves positions out of some layers") {
  const std::string llama = R"({"architectures": ["Llama4ForCausalLM"], "hidden_size": 64,
    "intermediate_size": 32, "intermediate_size_mlp": 128, "num_hidden_layers": 4,
    "num_attention_heads": 2, "vocab_size": 100, "dtype": "bfloat16", "num_local_experts": 4,
    "num_experts_per_tok": 1, "max_position_embeddings": 64, "attention_chunk_size": 16,
    "interleave_moe_layer_step": 2)";
  const ModelCard card = from_text(llama + R"(, "no_rope_layers": [1, 0, 1, 1]})");
  CHECK(card.intermediate == 128);
  CHECK(card.experts->shared_intermediate == 32);
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK((card.layer(i).feed_forward == FeedForward::kExperts) == (i % 2 == 1));
    CHECK(card.layer(i).sliding_window == (i == 1 ? 0 : 16));
  }
  const ModelCard listed = from_text(llama + R"(, "layer_types": ["full_attention",
    "chunked_attention", "full_attention", "full_attention"], "moe_layers": [0]})");
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK((listed.layer(i).feed_forward == FeedForward::kExperts) == (i == 0));
    CHECK(listed.layer(i).sliding_window == (i == 1 ? 16 : 0));
  }
}

TEST_CASE("Bamba's layers and heads must fit") {
  const std::string bamba = R"({"architectures": ["BambaForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 2,
    "num_key_value_heads": 2, "vocab_size": 100, "dtype": "bfloat16", "mamba_d_head": "auto", )";
  // 2 x 64 / 8 = 16.
  const ModelCard card = from_text(bamba + R"("mamba_n_heads": 8, "attn_layer_indices": [2]})");
  CHECK(card.mamba2->head_dim == 16);
  CHECK(card.layer(1).mixer == Mixer::kMamba2);
  CHECK(card.layer(2).mixer == Mixer::kAttention);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(from_text(bamba + R"("mamba_n_heads": 8, "attn_layer_indices": [4]})")),
      "c.json: attn_layer_indices: is [4], not among the layers", ConfigError);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(from_text(bamba + R"("mamba_n_heads": 5, "attn_layer_indices": [2]})")),
      "c.json: mamba_n_heads: 5 heads of 25 are not mamba_expand x hidden_size, 128", ConfigError);
}

TEST_CASE("Qwen's windows begin after the layers that see everything") {
  const ModelCard card = from_text(R"({"architectures": ["Qwen2ForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "max_position_embeddings": 64, "num_attention_heads": 2,
    "num_hidden_layers": 4, "vocab_size": 100, "dtype": "bfloat16", "use_sliding_window": true,
    "sliding_window": 16, "max_window_layers": 3})");
  for (std::int64_t i = 0; i < 4; ++i) CHECK(card.layer(i).sliding_window == (i < 3 ? 0 : 16));
}

}  // namespace
}  // namespace orrery
