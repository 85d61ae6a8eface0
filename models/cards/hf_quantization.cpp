// SPDX-License-Identifier: Apache-2.0
//
// Key names: transformers utils/quantization_config.py (FineGrainedFP8Config, GPTQConfig,
// AwqConfig, Mxfp4Config) and compressed_tensors quantization/quant_config.py and quant_args.py.
#include "models/cards/hf_quantization.h"

#include <fmt/format.h>

#include <array>

#include "sim/core/errors.h"

namespace orrery {
namespace {

/// What a quantised checkpoint of ours keeps as it is: tables, LM head, norms, routers, encoders.
bool is_never_quantised(std::string_view module) {
  for (const std::string_view end : {"lm_head", "embed_tokens", "norm", "router", "gate"}) {
    // compressed-tensors writes patterns: `re:.*lm_head`, `re:.*mlp.gate$`.
    if (module.ends_with(end) || module.ends_with(std::string(end) + "$")) return true;
  }
  for (const std::string_view part : {"vision", "visual", "multi_modal_projector"}) {
    if (module.find(part) != std::string_view::npos) return true;
  }
  return false;
}

void check_left_out(const HfJson& config, const char* key) {
  for (const std::string& module : config.texts(key)) {
    if (is_never_quantised(module)) continue;
    config.refuse(key, fmt::format("leaves out '{}', and layers that are quantised in part are not "
                                   "supported",
                                   module));
  }
}

void check_blocks(const HfJson& config, const char* key) {
  if (config.numbers(key) != std::vector<std::int64_t>{128, 128}) {
    config.refuse_value(key, "[128, 128]");
  }
}

Quantization fp8(const HfJson& config) {
  check_left_out(config, "modules_to_not_convert");
  check_left_out(config, "ignored_layers");
  if (!config.has("weight_block_size")) return Quantization::kFp8;
  check_blocks(config, "weight_block_size");
  return Quantization::kFp8Block;
}

/// GPTQ and AWQ: 4 bits in groups of 128.
Quantization grouped_int4(const HfJson& config) {
  check_left_out(config, "modules_to_not_convert");
  if (config.count("bits") != 4) config.refuse_value("bits", "4");
  if (config.count("group_size") != 128) config.refuse_value("group_size", "128");
  if (config.flag_or("lm_head", false)) config.refuse("lm_head", "is true: it has no format here");
  return Quantization::kInt4;
}

/// `8-bit float by channel`, as one text that the table below knows.
std::string scheme(const HfJson& args) {
  const std::string strategy = args.text("strategy");
  std::string said = fmt::format("{}-bit {} by {}", args.count("num_bits"), args.text("type"),
                                 strategy == "tensor" ? "channel" : strategy);
  if (strategy.ends_with("group")) said += fmt::format(" of {}", args.count("group_size"));
  return said;
}

struct Scheme {
  std::string_view weights;
  bool activations;
  Quantization format;
};
/// A scale a tensor and a scale a channel cost the same to read.
constexpr std::array<Scheme, 5> kSchemes = {{
    {"8-bit float by channel", true, Quantization::kFp8},
    {"8-bit float by block", true, Quantization::kFp8Block},
    {"8-bit int by channel", true, Quantization::kInt8},
    {"4-bit int by group of 128", false, Quantization::kInt4},
    {"4-bit float by tensor_group of 16", true, Quantization::kNvfp4},
}};

Quantization of_group(const HfJson& group) {
  if (group.texts("targets") != std::vector<std::string>{"Linear"}) {
    group.refuse_value("targets", "[\"Linear\"]");
  }
  if (group.has("output_activations")) {
    group.refuse("output_activations", "is there, and is not supported");
  }
  const HfJson weights = group.object("weights");
  const std::string said = scheme(weights);
  const bool activations = group.has("input_activations");
  for (const Scheme& each : kSchemes) {
    if (each.weights != said || each.activations != activations) continue;
    if (each.format == Quantization::kFp8Block) check_blocks(weights, "block_structure");
    if (activations) {
      const HfJson inputs = group.object("input_activations");
      if (inputs.count("num_bits") != weights.count("num_bits")) {
        inputs.refuse_value("num_bits", "those of the weights");
      }
      if (inputs.text("type") != weights.text("type")) {
        inputs.refuse_value("type", "that of the weights");
      }
    }
    return each.format;
  }
  group.refuse("weights", fmt::format("are {} with activations {}, which has no format here", said,
                                      activations ? "quantised" : "as they are"));
}

Quantization compressed_tensors(const HfJson& config) {
  check_left_out(config, "ignore");
  if (config.has("kv_cache_scheme")) {
    config.refuse("kv_cache_scheme", "is there: KV types are an option of the engine here");
  }
  if (config.has("sparsity_config")) {
    const HfJson sparsity = config.object("sparsity_config");
    if (sparsity.text_or("format", "dense") != "dense") sparsity.refuse_value("format", "dense");
  }
  const HfJson groups = config.object("config_groups");
  const std::vector<std::string> names = groups.keys();
  if (names.size() != 1) config.refuse_value("config_groups", "one group");
  return of_group(groups.object(names[0].c_str()));
}

}  // namespace

void read_hf_quantization(const HfJson& config, ModelCard& card) {
  if (!config.has("quantization_config")) return;
  const HfJson given = config.object("quantization_config");
  constexpr std::array<std::string_view, 5> kMethods = {"fp8", "compressed-tensors", "gptq", "awq",
                                                        "mxfp4"};
  const std::string method = given.text("quant_method");
  Quantization format = Quantization::kNone;
  if (method == "mxfp4") {
    // Only experts have kernels of it (transformers integrations/mxfp4.py).
    if (!card.has_experts()) given.refuse("quant_method", "is 'mxfp4', and there are no experts");
    card.experts->quantization = Quantization::kMxfp4;
    return;
  }
  if (method == "fp8") {
    format = fp8(given);
  } else if (method == "compressed-tensors") {
    format = compressed_tensors(given);
  } else if (method == "gptq" || method == "awq") {
    format = grouped_int4(given);
  } else {
    given.refuse("quant_method", fmt::format("is '{}'; {}", method, known_names(method, kMethods)));
  }
  card.quantization = format;
  if (card.experts) card.experts->quantization = format;
}

}  // namespace orrery
