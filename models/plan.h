// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_PLAN_H_
#define ORRERY_MODELS_PLAN_H_

#include <cstdint>
#include <vector>

#include "models/model_card.h"
#include "sim/core/describer.h"

namespace orrery {

/// How one replica is spread over GPUs. Only tensor parallelism is costed so far: any other way
/// written as more than 1 is refused, so that no result rests on a plan nobody modelled.
struct Plan {
  std::int64_t tensor_parallel = 1;
  std::int64_t pipeline_parallel = 1;
  std::int64_t data_parallel = 1;
  std::int64_t expert_parallel = 1;
  std::int64_t context_parallel = 1;

  void describe(Describer& d);
  [[nodiscard]] std::int64_t gpus() const { return tensor_parallel; }
};

/// The degrees of tensor parallelism that divide a model's heads and widths, up to 64.
[[nodiscard]] std::vector<std::int64_t> legal_tensor_parallel(const ModelCard& card);

/// Throws ConfigError naming the legal values where `plan` cannot be carried out on `card`.
void check_plan(const ModelCard& card, const Plan& plan);

/// What one rank of a tensor-parallel group holds. KV heads are replicated where ranks outnumber
/// them, and the vocabulary is padded to 64 before it is split, both as vLLM does.
struct Shard {
  std::int64_t ranks;
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t intermediate;
  std::int64_t vocab;
};
[[nodiscard]] Shard shard_of(const ModelCard& card, std::int64_t tensor_parallel);

/// Parameters that one rank holds, replicas and padding included.
[[nodiscard]] std::int64_t parameters_per_rank(const ModelCard& card, std::int64_t tensor_parallel);

}  // namespace orrery

#endif  // ORRERY_MODELS_PLAN_H_
