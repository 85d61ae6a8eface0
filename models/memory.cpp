// SPDX-License-Identifier: Apache-2.0
#include "models/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/attention.h"
#include "models/operators.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kSamplerWorkspaces = {"sort", "in_place"};
/// bfloat16 and float16.
constexpr std::int64_t kElement = 2;
/// 16-bit logits, their fp32 copy, probabilities, and the exponential draws beside them.
constexpr std::int64_t kInPlaceBytesPerLogit = 2 + 4 + 4 + 4;
/// 16-bit and fp32 logits, sorted fp32 values with int64 indices, and what torch's sort of many
/// long rows holds besides: pairs of (row, index) twice, keys, and the radix sort's other buffers.
constexpr std::int64_t kSortBytesPerLogit = 2 + 4 + (4 + 8) + (8 + 8) + 4 + (4 + 8 + 6);
/// A kernel node of a captured graph. An assumption, from start-up logs of 0.5 to 0.7 GiB for the
/// about 30,000 nodes of an 8B model's graphs.
constexpr std::int64_t kGraphNodeBytes = 16 << 10;

Bytes weights(const ModelCard& card, std::int64_t ranks) {
  return Bytes(parameters_per_rank(card, ranks)) * kElement;
}

/// cos and sin of every position, which vLLM builds at start-up in the weights' type.
Bytes rotary_table(const ModelCard& card) {
  return Bytes(card.max_position) * (card.head_dim * kElement);
}

/// The widest moment of a layer in the dummy run at max_num_batched_tokens: hidden and residual
/// beside either QKV with the attention's output, or gate_up with the product.
Bytes forward_peak(const ModelCard& card, const Shard& shard, std::int64_t tokens) {
  const std::int64_t q = shard.heads * card.head_dim;
  const std::int64_t kv = shard.kv_heads * card.head_dim;
  const std::int64_t widest = std::max(q + 2 * kv + q, 3 * shard.intermediate);
  return Bytes(tokens) * (kElement * (2 * card.hidden + widest));
}

/// The dummy sampler runs on the hidden states of that forward, with max_num_seqs rows of logits.
Bytes sampler_peak(const ModelCard& card, const ExecutionOptions& execution,
                   SamplerWorkspace workspace) {
  const std::int64_t each =
      workspace == SamplerWorkspace::kSort ? kSortBytesPerLogit : kInPlaceBytesPerLogit;
  const std::int64_t rows = std::min(execution.max_num_seqs, execution.max_num_batched_tokens);
  return Bytes(rows) * (card.vocab * each) +
         Bytes(execution.max_num_batched_tokens) * (card.hidden * kElement);
}

MemoryItem activations(const ModelCard& card, const Shard& shard, const ExecutionOptions& execution,
                       SamplerWorkspace workspace) {
  const Bytes forward = forward_peak(card, shard, execution.max_num_batched_tokens);
  const Bytes sampler = sampler_peak(card, execution, workspace);
  if (forward >= sampler) {
    return {"activations", forward,
            fmt::format("a layer over max_num_batched_tokens {}: hidden, residual, gate_up and "
                        "product (or QKV and output)",
                        execution.max_num_batched_tokens)};
  }
  return {"activations", sampler,
          fmt::format("the sampler over max_num_seqs {} beside the hidden states of "
                      "max_num_batched_tokens {}",
                      execution.max_num_seqs, execution.max_num_batched_tokens)};
}

Bytes cuda_graphs(const ModelCard& card, const Shard& shard, const ExecutionOptions& execution) {
  const CudaGraphs graphs(execution.graphs, execution.max_num_seqs,
                          execution.max_num_batched_tokens);
  std::int64_t nodes = 0;
  for (const Operator& op : token_operators(card, shard, execution.kv_bytes())) {
    nodes += op.count * op.kernels;
  }
  // Attention with its combine is inside the full graphs only.
  const std::int64_t full = nodes + 2 * card.layers;
  return Bytes(kGraphNodeBytes) * (full * graphs.full_graphs() + nodes * graphs.piecewise_graphs());
}

std::vector<MemoryItem> items(const ModelCard& card, const GpuSpec& gpu, const Shard& shard,
                              const ExecutionOptions& execution, const MemoryOptions& options) {
  std::vector<MemoryItem> taken;
  taken.push_back({"weights", weights(card, shard.ranks),
                   shard.ranks > 1 ? fmt::format("one of {} shards", shard.ranks) : "all of them"});
  taken.push_back({"rotary table", rotary_table(card),
                   fmt::format("cos and sin of {} positions", card.max_position)});
  taken.push_back(activations(card, shard, execution, options.sampler_workspace));
  taken.push_back({"non-torch", gpu.runtime.non_torch, gpu.runtime.sources});
  if (shard.ranks > 1) {
    taken.push_back({"communicators", gpu.runtime.communicator, gpu.runtime.sources});
  }
  const Bytes graphs = cuda_graphs(card, shard, execution);
  if (options.estimate_cudagraphs && graphs.count() > 0) {
    taken.push_back({"CUDA graphs", graphs, "16 KiB for each kernel of each captured graph"});
  }
  return taken;
}

[[noreturn]] void refuse_size(const ModelCard& card, const GpuSpec& gpu, const Shard& shard,
                              const MemoryAccount& account) {
  throw ConfigError(
      {}, "plan.tensor_parallel",
      fmt::format("{} does not fit on {} of {}: {} of {} usable are left for KV "
                  "cache after {} of weights",
                  card.name, shard.ranks, gpu.name, human(std::max(account.kv_cache, Bytes())),
                  human(account.budget), human(account.taken.front().bytes)));
}

}  // namespace

void MemoryOptions::describe(Describer& d) {
  d.field("gpu_memory_utilization", gpu_memory_utilization, Range::fraction(),
          "Share of the GPU's memory the engine may use.");
  d.optional_field("kv_cache_memory_bytes", kv_cache_memory_bytes, Range::positive(),
                   "Size of the KV cache on each GPU, instead of what is left.");
  d.optional_field("num_gpu_blocks_override", num_gpu_blocks_override, Range::at_least(2),
                   "Number of KV blocks, instead of what fits.");
  d.field("estimate_cudagraphs", estimate_cudagraphs,
          "Subtract an estimate of the CUDA graphs' memory.");
  d.choice_of("sampler_workspace", sampler_workspace, kSamplerWorkspaces,
              "How the engine's version samples top-k and top-p, which sets its memory peak.");
}

MemoryAccount account_memory(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                             const ExecutionOptions& execution, const MemoryOptions& options) {
  check_plan(card, plan);
  const Shard shard = shard_of(card, plan.tensor_parallel);
  MemoryAccount account;
  account.budget = Bytes(static_cast<std::int64_t>(
      static_cast<double>(gpu.memory.driver_total.count()) * options.gpu_memory_utilization));
  account.taken = items(card, gpu, shard, execution, options);
  account.kv_cache = account.budget;
  for (const MemoryItem& item : account.taken) account.kv_cache -= item.bytes;
  if (options.kv_cache_memory_bytes) account.kv_cache = *options.kv_cache_memory_bytes;
  account.block_bytes = Bytes(2 * shard.kv_heads * card.head_dim * execution.kv_bytes()) *
                        (options.block_tokens * card.layers);
  account.num_blocks = account.kv_cache.count() / account.block_bytes.count();
  if (options.num_gpu_blocks_override) account.num_blocks = *options.num_gpu_blocks_override;
  if (account.num_blocks < 2) refuse_size(card, gpu, shard, account);
  return account;
}

}  // namespace orrery
