// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/all_reduce_norm.h"

#include <array>

namespace orrery {
namespace {

struct Limit {
  std::int64_t nvlink_generation;
  std::int64_t ranks;
  std::int64_t bytes;
};

/// FI_ALLREDUCE_FUSION_MAX_SIZE_MB, in MiB: {90: {2: 64, 4: 2, 8: 0.5}, 100: {2: 64, 4: 32, 8: 1}}.
constexpr std::array<Limit, 6> kLimits = {{{4, 2, 64 << 20},
                                           {4, 4, 2 << 20},
                                           {4, 8, 1 << 19},
                                           {5, 2, 64 << 20},
                                           {5, 4, 32 << 20},
                                           {5, 8, 1 << 20}}};

/// Two norms a layer without positions of their own: Llama's way of RMSNorm. Four are Gemma's.
bool has_plain_rms_norms(const ModelCard& card) {
  return card.norms_per_layer == 2 && card.learned_positions == 0;
}

}  // namespace

Bytes fused_all_reduce_limit(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                             const ExecutionOptions& execution) {
  if (!execution.fuse_allreduce_rms || !has_plain_rms_norms(card)) return Bytes();
  if (plan.data_parallel > 1 || plan.pipeline_parallel > 1) return Bytes();
  for (const Limit& limit : kLimits) {
    if (limit.nvlink_generation == gpu.links.nvlink_generation &&
        limit.ranks == plan.tensor_parallel) {
      return Bytes(limit.bytes);
    }
  }
  return Bytes();
}

}  // namespace orrery
