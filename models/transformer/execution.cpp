// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/execution.h"

#include <array>

namespace orrery {
namespace {

constexpr std::array<std::string_view, 4> kDtypes = {"auto", "bfloat16", "float16", "float32"};
constexpr std::array<std::string_view, 7> kQuantizationOptions = {
    "auto", "fp8", "fp8_block", "int8", "int4", "mxfp4", "nvfp4"};
constexpr std::array<std::string_view, 4> kSamplings = {"auto", "greedy", "random", "filtered"};
constexpr std::array<std::string_view, 2> kKvDtypes = {"auto", "fp8"};

}  // namespace

void HostCost::describe(Describer& d) {
  const Range time = Range::not_negative();
  d.field("step", step, time, "CPU time of each step.");
  d.field("request", request, time, "CPU time of each scheduled request.");
  d.field("new_block", new_block, time, "CPU time of each KV block allocated.");
  d.field("hashed_block", hashed_block, time, "CPU time of each block's prefix hash.");
  d.field("prompt_step", prompt_step, time, "More CPU time of a step that has prompts.");
  d.field("launch", launch, time,
          "CPU time of a kernel launched outside of graphs; 0: as the GPU has it.");
}

Duration HostCost::of(const BatchShape& shape) const {
  return step + request * shape.scheduled_requests() + new_block * shape.new_blocks +
         hashed_block * shape.hashed_blocks + (shape.chunks.empty() ? Duration() : prompt_step);
}

HostCost HostCost::scaled(double factor) const {
  const auto times = [factor](Duration time) {
    return picoseconds(static_cast<std::int64_t>(static_cast<double>(time.count()) * factor + 0.5));
  };
  HostCost slower;
  slower.step = times(step);
  slower.request = times(request);
  slower.new_block = times(new_block);
  slower.hashed_block = times(hashed_block);
  slower.prompt_step = times(prompt_step);
  slower.launch = times(launch);
  return slower;
}

void ExecutionOptions::describe(Describer& d) {
  d.choice_of("dtype", dtype, kDtypes, "Type of weights and activations; auto: the model's.");
  d.choice_of("kv_cache_dtype", kv_cache_dtype, kKvDtypes,
              "Type of the KV cache; auto: that of the weights.");
  d.choice_of("quantization", quantization, kQuantizationOptions,
              "What weights are quantised to when they are loaded; auto: as they are.");
  d.object_of("experts", experts, "How tokens are routed to experts, and these placed.");
  d.field("images_per_prompt", images_per_prompt, Range::between(0, 1024),
          "Pictures that each prompt brings, for models that see.");
  graphs.describe(d);
  d.field("fuse_allreduce_rms", fuse_allreduce_rms,
          "All-reduce and the norm after it in one kernel where vectors are small, on GPUs of "
          "NVLink 4 and 5 (vLLM's pass_config; its default since 0.16).");
  d.choice_of(
      "sampling", sampling, kSamplings,
      "What requests ask of the sampler: the likeliest token, a draw from all, or from what "
      "top-k or top-p leave; auto: as the model's generation_config.json.");
  d.object_of("host", host,
              "CPU time of the engine's loop, on an H100's host; the hardware's host.time_factor "
              "multiplies it.");
}

WeightType ExecutionOptions::weight_type(const ModelCard& card) const {
  switch (dtype) {
    case DtypeOption::kAuto:
      return card.dtype;
    case DtypeOption::kBfloat16:
      return WeightType::kBfloat16;
    case DtypeOption::kFloat16:
      return WeightType::kFloat16;
    case DtypeOption::kFloat32:
      return WeightType::kFloat32;
  }
  return card.dtype;
}

}  // namespace orrery
