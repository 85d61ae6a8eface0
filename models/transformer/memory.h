// SPDX-License-Identifier: Apache-2.0
//
// How many KV blocks fit, item by item, as vLLM finds out when it starts (vllm/v1/worker/
// gpu_worker.py determine_available_memory, vllm/v1/core/kv_cache_utils.py get_num_blocks).
#ifndef ORRERY_MODELS_TRANSFORMER_MEMORY_H_
#define ORRERY_MODELS_TRANSFORMER_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cards/model_card.h"
#include "models/operators/sampling.h"
#include "models/plans/plan.h"
#include "models/transformer/execution.h"
#include "sim/core/describer.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// The engine's options that decide how much memory is left for KV, under the engine's own names.
struct MemoryOptions {
  double gpu_memory_utilization = 0.92;
  std::optional<Bytes> kv_cache_memory_bytes;
  std::optional<std::int64_t> num_gpu_blocks_override;
  /// Whether the estimate of graph memory is subtracted: vLLM since 0.21.
  bool estimate_cudagraphs = true;
  SamplerWorkspace sampler_workspace = SamplerWorkspace::kInPlace;
  /// Length of a sequence at which a windowed layer's share of a block is counted: it keeps no more
  /// than its window (vLLM's hybrid KV cache manager). Absent: as much as other layers, which holds
  /// for sequences within the window and for `disable_hybrid_kv_cache_manager`.
  std::optional<std::int64_t> kv_reference_tokens;
  /// Set by who reads the engine's scheduler options; not described here.
  std::int64_t block_tokens = 16;

  void describe(Describer& d);
};

/// A line of the account, on one GPU.
struct MemoryItem {
  std::string name;
  Bytes bytes;
  std::string basis;
};

struct MemoryAccount {
  /// The largest that the engine may use, then what is taken from it, on the GPU that has room for
  /// fewest blocks: one of the pipeline's stages; the ranks of one stage hold the same.
  Bytes budget;
  std::vector<MemoryItem> taken;
  /// What is left for KV; the given size where options name one.
  Bytes kv_cache;
  /// Of the layers of one GPU.
  Bytes block_bytes;
  /// How windowed layers count in it; empty where there are none.
  std::string block_basis;
  /// Of the whole replica: data-parallel groups have their own.
  std::int64_t num_blocks = 0;
  /// Without the null block.
  [[nodiscard]] std::int64_t usable_blocks() const { return num_blocks - 1; }
};

/// Throws ConfigError where the weights alone do not fit, or not two blocks, and says what would.
[[nodiscard]] MemoryAccount account_memory(const ModelCard& card, const GpuSpec& gpu,
                                           const Plan& plan, const ExecutionOptions& execution,
                                           const MemoryOptions& options);

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_MEMORY_H_
