// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/model_card.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

/// Dense, pre-norm, SiLU-gated, rotary, RMSNorm: the operators our program launches. Each is named
/// by the model class its publisher puts under `architectures`.
struct Architecture {
  std::string_view name;
  bool qkv_bias;
  bool qk_norm;
  /// Qwen writes a sliding_window that `use_sliding_window: false` turns off, which is the default.
  bool window_is_opt_in;
};
constexpr std::array<Architecture, 4> kArchitectures = {{
    {"LlamaForCausalLM", false, false, false},
    {"MistralForCausalLM", false, false, false},
    {"Qwen2ForCausalLM", true, false, true},
    {"Qwen3ForCausalLM", false, true, true},
}};

/// A config.json whose keys are fetched with errors that name the file and the key.
class HfConfig {
 public:
  HfConfig(std::string_view text, std::string file) : file_(std::move(file)) {
    try {
      json_ = nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
      throw ConfigError(position(text, error.byte), {}, "is not valid JSON");
    }
    if (!json_.is_object()) refuse({}, "is not a JSON object");
  }

  [[noreturn]] void refuse(std::string_view key, std::string_view what) const {
    throw ConfigError(Position{file_}, key, what);
  }
  [[nodiscard]] bool has(const char* key) const {
    return json_.contains(key) && !json_[key].is_null();
  }
  [[nodiscard]] std::int64_t count(const char* key) const {
    if (!has(key)) refuse(key, "is missing");
    const nlohmann::json& value = json_[key];
    constexpr std::int64_t kMost = 1 << 24;
    if (!value.is_number_integer() || value < 1 || value > kMost) {
      refuse(key, fmt::format("is {}, not a whole number from 1 to {}", value.dump(), kMost));
    }
    return value.get<std::int64_t>();
  }
  [[nodiscard]] std::int64_t count_or(const char* key, std::int64_t otherwise) const {
    return has(key) ? count(key) : otherwise;
  }
  [[nodiscard]] bool flag_or(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!json_[key].is_boolean()) {
      refuse(key, fmt::format("is {}, not true or false", json_[key].dump()));
    }
    return json_[key].get<bool>();
  }
  [[nodiscard]] std::string text(const char* key) const {
    if (!has(key)) refuse(key, "is missing");
    if (!json_[key].is_string()) refuse(key, fmt::format("is {}, not a text", json_[key].dump()));
    return json_[key].get<std::string>();
  }
  [[nodiscard]] std::string only_architecture() const {
    if (!has("architectures")) refuse("architectures", "is missing");
    const nlohmann::json& value = json_["architectures"];
    if (!value.is_array() || value.size() != 1 || !value[0].is_string()) {
      refuse("architectures", fmt::format("is {}, not a list of one name", value.dump()));
    }
    return value[0].get<std::string>();
  }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  /// nlohmann counts bytes from 1.
  [[nodiscard]] Position position(std::string_view text, std::size_t byte) const {
    Position at{file_, 1, 1};
    for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
      at.column = text[i] == '\n' ? 1 : at.column + 1;
      at.line += text[i] == '\n' ? 1 : 0;
    }
    return at;
  }

  std::string file_;
  nlohmann::json json_;
};

const Architecture& architecture_of(const HfConfig& config) {
  const std::string given = config.only_architecture();
  std::array<std::string_view, kArchitectures.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = kArchitectures[i].name;
    if (names[i] == given) return kArchitectures[i];
  }
  config.refuse("architectures",
                fmt::format("'{}' is not an architecture whose cost is known: dense decoders only; "
                            "{}",
                            given, known_names(given, names)));
}

void refuse_what_changes_the_program(const HfConfig& config) {
  for (const char* key : {"mlp_bias", "attention_bias"}) {
    if (config.flag_or(key, false)) config.refuse(key, "is true, which is not supported");
  }
  if (config.has("quantization_config")) {
    config.refuse("quantization_config", "is there, and quantised weights are not supported");
  }
  if (config.has("hidden_act") && config.text("hidden_act") != "silu") {
    config.refuse("hidden_act", fmt::format("is '{}'; known: silu", config.text("hidden_act")));
  }
}

WeightType dtype_of(const HfConfig& config) {
  // Newer files write `dtype` for `torch_dtype`.
  const char* key = config.has("dtype") ? "dtype" : "torch_dtype";
  const std::string given = config.text(key);
  if (given == "float16") return WeightType::kFloat16;
  // Engines cast published float32 weights down to bfloat16 (vLLM, `dtype: auto`).
  if (given == "bfloat16" || given == "float32") return WeightType::kBfloat16;
  constexpr std::array<std::string_view, 3> kKnown = {"bfloat16", "float16", "float32"};
  config.refuse(key, fmt::format("is '{}'; {}", given, known_names(given, kKnown)));
}

std::int64_t window_of(const HfConfig& config, const Architecture& architecture) {
  if (!config.has("sliding_window")) return 0;
  if (architecture.window_is_opt_in && !config.flag_or("use_sliding_window", false)) return 0;
  return config.count("sliding_window");
}

std::string name_from(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return file;
  const std::size_t before = file.find_last_of('/', slash - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return file.substr(begin, slash - begin);
}

}  // namespace

ModelCard model_card_from_hf_text(std::string_view json, const std::string& file) {
  const HfConfig config(json, file);
  const Architecture& architecture = architecture_of(config);
  refuse_what_changes_the_program(config);
  ModelCard card;
  card.name = name_from(file);
  card.layers = config.count("num_hidden_layers");
  card.hidden = config.count("hidden_size");
  card.heads = config.count("num_attention_heads");
  card.kv_heads = config.count_or("num_key_value_heads", card.heads);
  if (!config.has("head_dim") && card.hidden % card.heads != 0) {
    config.refuse("hidden_size",
                  fmt::format("{} is not a multiple of {} heads", card.hidden, card.heads));
  }
  card.head_dim = config.count_or("head_dim", card.hidden / card.heads);
  card.intermediate = config.count("intermediate_size");
  card.vocab = config.count("vocab_size");
  card.max_position = config.count("max_position_embeddings");
  card.sliding_window = window_of(config, architecture);
  card.tie_word_embeddings = config.flag_or("tie_word_embeddings", false);
  card.qkv_bias = architecture.qkv_bias;
  card.qk_norm = architecture.qk_norm;
  card.dtype = dtype_of(config);
  card.source = fmt::format("{} ({})", file, architecture.name);
  card.check(file);
  return card;
}

ModelCard model_card_from_hf_config(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw ConfigError(Position{path}, {}, "cannot be read");
  return model_card_from_hf_text(text.str(), path);
}

}  // namespace orrery
