// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_ENGINE_SETTINGS_H_
#define ORRERY_SIM_STUDY_ENGINE_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "models/transformer/execution.h"
#include "models/transformer/memory.h"
#include "sim/core/describer.h"
#include "sim/hardware/gpu.h"
#include "sim/policies/builtin.h"
#include "sim/serving/engine_options.h"
#include "sim/serving/frontend.h"

namespace orrery {

/// The `engine:` of a scenario: the engine's own option names, on top of a preset's. What is not
/// given is decided as the engine decides it, from the GPU and the model (resolve()).
struct EngineSettings {
  explicit EngineSettings(const Policies& policies);

  void describe(Describer& d);

  /// Which preset was laid under this, with its version; set by who lays it.
  std::string preset;

  std::string scheduler = "vllm-v1";
  std::unique_ptr<SchedulerRegistry::Prepared> scheduler_options;
  std::string eviction = "lru";
  std::unique_ptr<EvictionRegistry::Prepared> eviction_options;

  enum class UsageContext : std::uint8_t { kApiServer, kLlmClass };
  UsageContext usage_context = UsageContext::kApiServer;
  std::optional<std::int64_t> max_num_seqs;
  std::optional<std::int64_t> max_num_batched_tokens;
  std::optional<std::int64_t> max_model_len;
  std::int64_t block_size = 16;
  bool enable_prefix_caching = true;
  bool async_scheduling = true;
  /// Of vLLM's two model runners the one that lets async scheduling run ahead of a full pipeline.
  bool use_v2_model_runner = true;
  enum class FreePartialBlocks : std::uint8_t { kFront, kBack };
  FreePartialBlocks free_partial_blocks = FreePartialBlocks::kFront;
  /// vLLM's own all-reduce kernels are left out.
  bool disable_custom_all_reduce = false;
  MemoryOptions memory;
  ExecutionOptions execution;
  /// Absent: the default below, or none where `cost:` compares mechanisms alone.
  std::optional<FrontendOptions> frontend;

 private:
  void describe_scheduler(Describer& d);

  const Policies& policies_;
};

/// What an API process is assumed to cost: a request's HTTP, JSON and validation, its tokenising at
/// about a million tokens a second, and 20 us to detokenise and stream a token. Published fits of
/// whole runs put the sum at 6 to 16 ms a request (BLIS, sim/latency/trained_physics_model.go).
[[nodiscard]] FrontendOptions assumed_frontend();

/// What it costs as fitted to two of inference-sim's published runs, Llama-3.1-8B on one H100 under
/// vLLM 0.15.1, with prompts of 577 and 780 tokens and 11 to 46 requests under way: what of TTFT is
/// not steps (`scripts/fit_host 16 19`; per_step was kept). It stands for all versions and hosts
/// until others are measured; an A100 host of the same set needs about 3 ms more a request.
[[nodiscard]] FrontendOptions fitted_frontend();

/// vLLM's defaults that depend on the GPU (vllm/engine/arg_utils.py, get_batch_defaults).
struct BatchDefaults {
  std::int64_t max_num_batched_tokens = 2048;
  std::int64_t max_num_seqs = 256;
};
[[nodiscard]] BatchDefaults batch_defaults(const GpuSpec& gpu, EngineSettings::UsageContext usage);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_ENGINE_SETTINGS_H_
