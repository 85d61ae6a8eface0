// SPDX-License-Identifier: Apache-2.0
#include "models/cards/model_card.h"

#include <doctest/doctest.h>

#include "models/plans/plan.h"
#include "sim/core/errors.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

constexpr const char* kQwen2 = R"({
  "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu", "hidden_size": 3584,
  "intermediate_size": 18944, "max_position_embeddings": 32768, "num_attention_heads": 28,
  "num_hidden_layers": 28, "num_key_value_heads": 4, "sliding_window": 131072,
  "use_sliding_window": false, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "vocab_size": 152064
})";

std::string llama_with(const std::string& more) {
  return R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "intermediate_size": 11008,
    "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32,
    "torch_dtype": "float16")" +
         more + "}";
}

TEST_CASE("a Hugging Face config becomes a card") {
  const ModelCard card = model_card_from_hf_text(kQwen2, "models/Qwen2.5-7B/config.json");
  CHECK(card.name == "Qwen2.5-7B");
  CHECK(card.layers == 28);
  CHECK(card.kv_heads == 4);
  CHECK(card.head_dim == 128);  // 3584 / 28
  CHECK(card.qkv_bias);
  CHECK_FALSE(card.qk_norm);
  // use_sliding_window is false.
  CHECK(card.sliding_window == 0);
  // Published: 7,615,616,512.
  CHECK(card.parameters() == 7'615'616'512);
}

TEST_CASE("keys that are not there take the values transformers gives them") {
  const ModelCard card = model_card_from_hf_text(llama_with(R"(, "vocab_size": 32000)"), "c.json");
  CHECK(card.kv_heads == card.heads);
  CHECK(card.dtype == WeightType::kFloat16);
  CHECK_FALSE(card.tie_word_embeddings);
  // Llama-2-7B, published: 6,738,415,616.
  CHECK(card.parameters() == 6'738'415'616);
}

TEST_CASE("a sliding window is read, and whether it matters is known") {
  const std::string text = R"({"architectures": ["MistralForCausalLM"], "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
    "num_key_value_heads": 8, "num_hidden_layers": 32, "sliding_window": 4096,
    "dtype": "bfloat16", "vocab_size": 32000})";
  const ModelCard card = model_card_from_hf_text(text, "c.json");
  CHECK(card.sliding_window == 4096);
  CHECK(card.window_matters());
  // Mistral-7B-v0.1, published: 7,241,732,096.
  CHECK(card.parameters() == 7'241'732'096);
}

TEST_CASE("what cannot be costed is refused with its key") {
  const auto read = [](const std::string& text) {
    return static_cast<void>(model_card_from_hf_text(text, "c.json"));
  };
  CHECK_THROWS_WITH_AS(
      read(R"({"architectures": ["MistrelForCausalLM"]})"),
      "c.json: architectures: 'MistrelForCausalLM' is not an architecture whose cost is known; "
      "known: LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, "
      "MixtralForCausalLM, Qwen3MoeForCausalLM, DeepseekV3ForCausalLM, GptOssForCausalLM, "
      "Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3ForConditionalGeneration, Llama4ForCausalLM, "
      "Llama4ForConditionalGeneration, BambaForCausalLM, Qwen2_5_VLForConditionalGeneration, "
      "WhisperForConditionalGeneration (did you mean MistralForCausalLM?)",
      ConfigError);
  CHECK_THROWS_WITH_AS(read(llama_with("")), "c.json: vocab_size: is missing", ConfigError);
  CHECK_THROWS_WITH_AS(read(llama_with(R"(, "vocab_size": -3)")),
                       "c.json: vocab_size: is -3, not a whole number from 1 to 16777216",
                       ConfigError);
  CHECK_THROWS_WITH_AS(read(llama_with(R"(, "vocab_size": 32000, "num_key_value_heads": 5)")),
                       "c.json: num_key_value_heads: 32 attention heads cannot share 5 KV heads "
                       "evenly",
                       ConfigError);
  CHECK_THROWS_WITH_AS(read(llama_with(R"(, "vocab_size": 32000, "quantization_config": {})")),
                       "c.json: quantization_config.quant_method: is missing", ConfigError);
  // The second line misses its colon.
  CHECK_THROWS_WITH_AS(read("{\n \"a\" 3}"), "c.json:2:6: is not valid JSON", ConfigError);
  CHECK_THROWS_WITH_AS(static_cast<void>(model_card_from_hf_config("/nowhere/config.json")),
                       "/nowhere/config.json: cannot be read", ConfigError);
}

TEST_CASE("tensor parallelism must divide heads, KV heads and the MLP") {
  // 32 heads, 8 KV heads (replicated beyond 8 ranks), 14336 = 2^11 x 7.
  CHECK(legal_tensor_parallel(test::llama_8b()) == std::vector<std::int64_t>{1, 2, 4, 8, 16, 32});
  Plan plan;
  plan.tensor_parallel = 3;
  CHECK_THROWS_WITH_AS(check_plan(test::llama_8b(), plan),
                       "plan.tensor_parallel: 3 does not divide llama-3.1-8b: 32 heads, 8 KV "
                       "heads, MLP of 14336; known: 1, 2, 4, 8, 16, 32",
                       ConfigError);
}

TEST_CASE("a rank holds its share, and replicas of KV heads where ranks outnumber them") {
  const ModelCard card = test::llama_8b();
  CHECK(parameters_per_rank(card, 1) == card.parameters());
  // Norms (32 x 2 + 1) x 4096 are whole on both ranks; all else halves.
  const std::int64_t norms = 65 * 4096;
  CHECK(parameters_per_rank(card, 2) == (card.parameters() - norms) / 2 + norms);
  // 16 ranks over 8 KV heads: each holds one, twice its sixteenth: K and V of 32 layers x 4096 x
  // 128 more than a sixteenth / 2.
  const std::int64_t sixteenth = (card.parameters() - norms) / 16 + norms;
  CHECK(parameters_per_rank(card, 16) == sixteenth + 32 * 2 * 4096 * 64);
}

}  // namespace
}  // namespace orrery
