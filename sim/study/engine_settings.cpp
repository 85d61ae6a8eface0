// SPDX-License-Identifier: Apache-2.0
#include "sim/study/engine_settings.h"

#include <algorithm>
#include <array>

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kUsageContexts = {"api-server", "llm-class"};
constexpr std::array<std::string_view, 2> kFreePartialBlocks = {"front", "back"};
constexpr double kMostTokens = 1 << 24;

/// Reads the name of a plug-in and keeps its options' object in step with it.
template <class AnyRegistry>
void describe_plugin(Describer& d, std::string_view key, const AnyRegistry& registry,
                     std::string& name, std::unique_ptr<typename AnyRegistry::Prepared>& options,
                     std::string_view help) {
  const auto names = registry.names();
  int index = static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
  d.choice(key, index, names, help);
  const std::string_view chosen = names[static_cast<std::size_t>(index)];
  if (options == nullptr || chosen != name) {
    name = chosen;
    options = registry.at(name).prepare();
  }
}

}  // namespace

EngineSettings::EngineSettings(const Policies& policies)
    : scheduler_options(policies.schedulers.at(scheduler).prepare()),
      eviction_options(policies.eviction.at(eviction).prepare()),
      policies_(policies) {}

void EngineSettings::describe_scheduler(Describer& d) {
  describe_plugin(d, "scheduler", policies_.schedulers, scheduler, scheduler_options,
                  "Who runs, is admitted and is preempted in each step.");
  scheduler_options->describe(d);
  d.object(
      "eviction",
      [this](Describer& inside) {
        inside.shorthand();
        describe_plugin(inside, "policy", policies_.eviction, eviction, eviction_options,
                        "Which cached block is given up first.");
        eviction_options->describe(inside);
      },
      "Order in which cached blocks that nobody holds are reused.");
}

void EngineSettings::describe(Describer& d) {
  d.field("preset", preset,
          "Engine and version whose behaviour and defaults are meant; see configs/engines.");
  describe_scheduler(d);
  d.choice_of("usage_context", usage_context, kUsageContexts,
              "How the engine was started, which decides its default batch size.");
  d.optional_field("max_num_seqs", max_num_seqs, Range::between(1, 1 << 20),
                   "Most requests in a step; default by GPU.");
  d.optional_field("max_num_batched_tokens", max_num_batched_tokens, Range::between(1, kMostTokens),
                   "Most tokens in a step; default by GPU.");
  d.optional_field("max_model_len", max_model_len, Range::between(2, kMostTokens),
                   "Longest prompt and output together; default: what model and KV cache allow.");
  d.field("block_size", block_size, Range::between(1, 4096), "Tokens of a KV block.");
  d.field("enable_prefix_caching", enable_prefix_caching, "Reuse KV blocks of equal prefixes.");
  d.field("async_scheduling", async_scheduling, "Schedule a step while the one before it runs.");
  d.field("use_v2_model_runner", use_v2_model_runner,
          "Whether async scheduling has a step more in flight than a pipeline has stages.");
  d.choice_of("free_partial_blocks", free_partial_blocks, kFreePartialBlocks,
              "Where freed blocks that are not full join the free queue (front since 2026-06).");
  d.field("disable_custom_all_reduce", disable_custom_all_reduce,
          "Leave small all-reduces to symmetric memory and NCCL; with fidelity.links.");
  memory.describe(d);
  execution.describe(d);
  d.optional_object("frontend", frontend,
                    "The API process, a serial server in front of the engine.");
}

FrontendOptions fitted_frontend() {
  return {.per_request = microseconds(3038),
          .per_input_token = nanoseconds(4'290),
          .per_step = microseconds(50),
          .per_output_token = nanoseconds(23'800)};
}

FrontendOptions assumed_frontend() {
  return {.per_request = milliseconds(5),
          .per_input_token = microseconds(1),
          .per_step = microseconds(50),
          .per_output_token = microseconds(20)};
}

BatchDefaults batch_defaults(const GpuSpec& gpu, EngineSettings::UsageContext usage) {
  const bool server = usage == EngineSettings::UsageContext::kApiServer;
  const double gib = static_cast<double>(gpu.memory.driver_total.count()) / (1 << 30);
  const bool a100 =
      gpu.name.find("a100") != std::string::npos || gpu.name.find("A100") != std::string::npos;
  if (gib >= 160) return {16384, 1024};
  if (gib >= 70 && !a100) return {server ? 8192 : 16384, 1024};
  return {server ? 2048 : 8192, 256};
}

}  // namespace orrery
