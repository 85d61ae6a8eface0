// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_PLANS_PLAN_H_
#define ORRERY_MODELS_PLANS_PLAN_H_

#include <cstdint>
#include <vector>

#include "models/cards/model_card.h"
#include "sim/core/describer.h"

namespace orrery {

/// How the ranks of a context-parallel group get at each other's keys and values in prefill.
enum class ContextExchange : std::uint8_t {
  /// Each passes its share round; a step's attention hides the next share's way.
  kRing,
  /// All shares are gathered before attention.
  kAllGather,
};

/// How one replica is spread over GPUs.
/// - tensor_parallel: each layer is split over so many ranks.
/// - pipeline_parallel: so many stages of consecutive layers, each with one batch in flight.
/// - data_parallel: so many groups, each with its own requests and KV, that share a model's experts
///   (DP-attention). Without experts that is nothing but more replicas, and is refused.
/// - expert_parallel: groups that the ranks of an expert layer (tensor x data) form: each holds
///   1/expert_parallel of the experts whole, or split over the group's ranks.
/// - context_parallel: a sequence's tokens and KV are dealt to so many copies of all weights.
struct Plan {
  std::int64_t tensor_parallel = 1;
  std::int64_t pipeline_parallel = 1;
  std::int64_t data_parallel = 1;
  std::int64_t expert_parallel = 1;
  std::int64_t context_parallel = 1;
  ContextExchange context_exchange = ContextExchange::kRing;

  void describe(Describer& d);
  [[nodiscard]] std::int64_t gpus() const {
    return tensor_parallel * pipeline_parallel * data_parallel * context_parallel;
  }
  /// Ranks that an expert layer is spread over.
  [[nodiscard]] std::int64_t expert_ranks() const { return tensor_parallel * data_parallel; }
  /// Ranks that share each expert.
  [[nodiscard]] std::int64_t expert_tensor_parallel() const {
    return expert_ranks() / expert_parallel;
  }
};

/// The degrees of tensor parallelism that divide a model's heads and widths, up to 64.
[[nodiscard]] std::vector<std::int64_t> legal_tensor_parallel(const ModelCard& card);

/// Throws ConfigError naming the legal values where `plan` cannot be carried out on `card`.
void check_plan(const ModelCard& card, const Plan& plan);

/// Layers of each stage: as even as can be, what is left over with the last stages but one
/// (vllm/distributed/utils.py get_pp_indices).
[[nodiscard]] std::vector<std::int64_t> stage_layers(std::int64_t layers, std::int64_t stages);

/// What one rank of a tensor-parallel group holds. KV heads and Mamba-2 groups are replicated where
/// ranks outnumber them, and the vocabulary is padded to 64 before it is split, as vLLM does.
struct Shard {
  std::int64_t ranks = 1;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t intermediate = 0;
  std::int64_t vocab = 0;
  /// Experts that each rank holds before any is copied, and the width of its part of each.
  std::int64_t local_experts = 0;
  std::int64_t expert_intermediate = 0;
  std::int64_t shared_intermediate = 0;
  std::int64_t mamba_heads = 0;
  std::int64_t mamba_groups = 0;
  std::int64_t encoder_heads = 0;
  std::int64_t encoder_intermediate = 0;
};
[[nodiscard]] Shard shard_of(const ModelCard& card, const Plan& plan);
[[nodiscard]] Shard shard_of(const ModelCard& card, std::int64_t tensor_parallel);

/// Parameters that one rank holds, replicas and padding included.
[[nodiscard]] std::int64_t parameters_per_rank(const ModelCard& card, std::int64_t tensor_parallel);

}  // namespace orrery

#endif  // ORRERY_MODELS_PLANS_PLAN_H_
