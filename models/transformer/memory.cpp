// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/operators/attention.h"
#include "models/transformer/graph.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 2> kSamplerWorkspaces = {"sort", "in_place"};
/// Of the logits of 16 bits: their fp32 copy, probabilities, and the exponential draws beside them.
constexpr std::int64_t kInPlaceBytesPerLogit = 4 + 4 + 4;
/// fp32 logits, sorted fp32 values with int64 indices, and what torch's sort of many long rows
/// holds besides: pairs of (row, index) twice, keys, and the radix sort's other buffers.
constexpr std::int64_t kSortBytesPerLogit = 4 + (4 + 8) + (8 + 8) + 4 + (4 + 8 + 6);
/// A kernel node of a captured graph. An assumption, from start-up logs of 0.5 to 0.7 GiB for the
/// about 30,000 nodes of an 8B model's graphs.
constexpr std::int64_t kGraphNodeBytes = 16 << 10;
/// vLLM gives its fused experts so many tokens at once (VLLM_FUSED_MOE_CHUNK_SIZE, from memory).
constexpr std::int64_t kExpertTokens = 32768;
/// DeepEP's buffer as vLLM asks for it (VLLM_DEEPEP_BUFFER_SIZE_MB, from memory).
constexpr std::int64_t kDeepEpBuffer = std::int64_t{1} << 30;

/// One GPU's part of the model: a stage's layers, a rank's share of each.
class Account {
 public:
  Account(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
          const ExecutionOptions& execution, const MemoryOptions& options)
      : card_(as_run(card, gpu, execution)),
        gpu_(gpu),
        plan_(plan),
        execution_(execution),
        options_(options),
        shard_(shard_of(card, plan)),
        graph_(build_graph(card_, plan, execution)),
        element_(element_bytes(card_.dtype)) {}

  /// The stage that has room for fewest blocks.
  [[nodiscard]] MemoryAccount fullest() const {
    MemoryAccount least;
    std::int64_t first = 0;
    for (std::size_t i = 0; i < graph_.stages.size(); ++i) {
      MemoryAccount account = of_stage(i, first);
      if (i == 0 || account.num_blocks < least.num_blocks) least = std::move(account);
      first += graph_.stages[i].layers;
    }
    if (options_.num_gpu_blocks_override) {
      least.num_blocks = *options_.num_gpu_blocks_override;
    } else if (least.num_blocks > 1) {
      least.num_blocks = plan_.data_parallel * (least.num_blocks - 1) + 1;
    }
    return least;
  }

 private:
  [[nodiscard]] MemoryAccount of_stage(std::size_t stage, std::int64_t first) const;
  [[nodiscard]] std::vector<MemoryItem> items(std::size_t stage, std::int64_t first) const;
  [[nodiscard]] Bytes weights(std::size_t stage, std::int64_t first) const;
  [[nodiscard]] std::string weights_basis(std::size_t stage) const;
  [[nodiscard]] Bytes saved_by_quantisation(const StageGraph& stage) const;
  [[nodiscard]] std::int64_t held_experts() const;
  [[nodiscard]] Bytes rotary_table() const;
  [[nodiscard]] Bytes forward_peak() const;
  [[nodiscard]] std::int64_t widest() const;
  [[nodiscard]] Bytes experts_peak() const;
  [[nodiscard]] Bytes sampler_peak() const;
  [[nodiscard]] MemoryItem activations(bool last) const;
  [[nodiscard]] Bytes cuda_graphs(const StageGraph& stage) const;
  [[nodiscard]] Bytes block_bytes(std::int64_t first, std::int64_t layers) const;
  [[nodiscard]] std::string block_basis() const;
  [[nodiscard]] double kept_of(std::int64_t window) const;
  void add_sequence_states(std::int64_t first, std::int64_t layers,
                           std::vector<MemoryItem>& taken) const;

  ModelCard card_;
  const GpuSpec& gpu_;
  const Plan& plan_;
  const ExecutionOptions& execution_;
  const MemoryOptions& options_;
  Shard shard_;
  StepGraph graph_;
  std::int64_t element_;
};

std::int64_t Account::held_experts() const {
  if (!card_.experts) return 0;
  return (card_.experts->experts + execution_.experts.num_redundant_experts) /
         plan_.expert_parallel;
}

/// What the form of linear layers and experts takes less than plain elements.
Bytes Account::saved_by_quantisation(const StageGraph& stage) const {
  std::int64_t saved = 0;
  for (const auto* ops : {&stage.tokens, &stage.beside_exchange}) {
    for (const Operator& op : *ops) {
      if (op.kind != OperatorKind::kGemm) continue;
      saved += op.count * (op.n * op.k * element_ - op.fixed_bytes);
    }
  }
  for (const Operator& op : stage.experts) {
    const std::int64_t inner = shard_.expert_intermediate;
    const std::int64_t own = weight_bytes(op.format, card_.dtype, 2 * inner, card_.hidden) +
                             weight_bytes(op.format, card_.dtype, card_.hidden, inner);
    saved += op.count * held_experts() * (3 * inner * card_.hidden * element_ - own);
  }
  return Bytes(saved);
}

Bytes Account::weights(std::size_t stage, std::int64_t first) const {
  ModelCard rank = card_;
  rank.heads = shard_.heads;
  rank.kv_heads = shard_.kv_heads;
  rank.intermediate = shard_.intermediate;
  if (rank.experts) {
    rank.experts->intermediate = shard_.expert_intermediate;
    rank.experts->shared_intermediate = shard_.shared_intermediate;
  }
  if (rank.mamba2) {
    rank.mamba2->heads = shard_.mamba_heads;
    rank.mamba2->groups = shard_.mamba_groups;
  }
  const bool begins = stage == 0;
  const bool ends = stage + 1 == graph_.stages.size();
  const std::int64_t table = shard_.vocab * card_.hidden;
  std::int64_t sum = 0;
  for (std::int64_t i = first; i < first + graph_.stages[stage].layers; ++i) {
    sum += layer_parameters(rank, card_.layer(i), held_experts());
  }
  if (begins) {
    sum += table + card_.learned_positions * card_.hidden;
    if (card_.encoder) {
      const std::int64_t layers = card_.encoder->parameters() - card_.encoder->other_parameters;
      sum += layers / shard_.ranks + card_.encoder->other_parameters;
    }
  }
  const std::int64_t norm = card_.hidden * (card_.layer_norm ? 2 : 1);
  if (ends) sum += norm + (card_.tie_word_embeddings && begins ? 0 : table);
  return Bytes(sum * element_) - saved_by_quantisation(graph_.stages[stage]);
}

std::string Account::weights_basis(std::size_t stage) const {
  if (plan_.gpus() == 1) return "all of them";
  std::string text = fmt::format("one of {} shards", shard_.ranks);
  if (graph_.stages.size() > 1) {
    text += fmt::format(", stage {} of {} ({} layers)", stage + 1, graph_.stages.size(),
                        graph_.stages[stage].layers);
  }
  if (card_.has_experts()) text += fmt::format(", {} experts", held_experts());
  return text;
}

/// cos and sin of every position, which vLLM builds at start-up in the weights' type.
Bytes Account::rotary_table() const {
  if (card_.learned_positions > 0) return {};
  const std::int64_t width = card_.mla ? card_.mla->qk_rope_head_dim : card_.head_dim;
  return Bytes(card_.max_position) * (width * element_);
}

/// Elements of a token at the widest moment of a layer, besides hidden and residual: QKV with the
/// attention's output, or gate_up with the product, or what latent attention or Mamba-2 have.
std::int64_t Account::widest() const {
  const std::int64_t q = shard_.heads * card_.head_dim;
  const std::int64_t kv = shard_.kv_heads * card_.head_dim;
  std::int64_t widest = q + 2 * kv + q;
  if (card_.mla) {
    const MlaShape& mla = *card_.mla;
    const std::int64_t head = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
    widest = shard_.heads * (2 * head + 2 * mla.v_head_dim) + mla.latent();
  }
  if (card_.mamba2) {
    const std::int64_t inner = shard_.mamba_heads * card_.mamba2->head_dim;
    const std::int64_t conv = inner + 2 * shard_.mamba_groups * card_.mamba2->state;
    widest = std::max(widest, inner + 2 * conv + shard_.mamba_heads + inner);
  }
  return std::max(widest, (card_.gated_mlp ? 3 : 2) * shard_.intermediate);
}

/// The fused experts' buffers: what both grouped GEMMs put out share one, the product has its own.
Bytes Account::experts_peak() const {
  if (!card_.has_experts()) return {};
  const std::int64_t all = execution_.max_num_batched_tokens * plan_.data_parallel;
  const std::int64_t rows = std::min(all, kExpertTokens) * card_.experts->top_k;
  const std::int64_t inner = shard_.expert_intermediate;
  const std::int64_t row = std::max(2 * inner, card_.hidden) + inner;
  // Gathered tokens and their sums, where ranks with tokens of their own share experts.
  const std::int64_t gathered = plan_.data_parallel > 1 ? 2 * all * card_.hidden : 0;
  return Bytes(element_ * (rows * row + gathered));
}

/// A layer of the dummy run at max_num_batched_tokens.
Bytes Account::forward_peak() const {
  const Bytes tokens(execution_.max_num_batched_tokens);
  const Bytes layer = tokens * (element_ * widest());
  return tokens * (element_ * 2 * card_.hidden) + std::max(layer, experts_peak());
}

/// The dummy sampler runs on the hidden states of that forward, with max_num_seqs rows of logits.
Bytes Account::sampler_peak() const {
  const bool sorts = options_.sampler_workspace == SamplerWorkspace::kSort;
  const std::int64_t each = element_ + (sorts ? kSortBytesPerLogit : kInPlaceBytesPerLogit);
  const std::int64_t rows = std::min(execution_.max_num_seqs, execution_.max_num_batched_tokens);
  return Bytes(rows) * (card_.vocab * each) +
         Bytes(execution_.max_num_batched_tokens) * (card_.hidden * element_);
}

MemoryItem Account::activations(bool last) const {
  const Bytes forward = forward_peak();
  const Bytes sampler = last ? sampler_peak() : Bytes();
  if (forward >= sampler) {
    return {"activations", forward,
            fmt::format("a layer over max_num_batched_tokens {}: hidden, residual, gate_up and "
                        "product (or QKV and output{})",
                        execution_.max_num_batched_tokens,
                        card_.has_experts() ? ", or the experts' buffers" : "")};
  }
  return {"activations", sampler,
          fmt::format("the sampler over max_num_seqs {} beside the hidden states of "
                      "max_num_batched_tokens {}",
                      execution_.max_num_seqs, execution_.max_num_batched_tokens)};
}

Bytes Account::cuda_graphs(const StageGraph& stage) const {
  const CudaGraphs graphs(execution_.graphs, execution_.max_num_seqs,
                          execution_.max_num_batched_tokens);
  const std::int64_t nodes = kernels_of(stage.tokens) + kernels_of(stage.beside_exchange) +
                             kernels_of(stage.experts) + kernels_of(stage.exchange);
  std::int64_t mixers = 0;
  for (const MixerLayers& each : stage.mixers) mixers += each.layers;
  // Attention with its combine is inside the full graphs only.
  const std::int64_t full = nodes + 2 * mixers;
  return Bytes(kGraphNodeBytes) * (full * graphs.full_graphs() + nodes * graphs.piecewise_graphs());
}

/// Mamba-2 states and the keys of an encoder's output belong to a request, whatever its length.
/// vLLM takes them from the same pool as blocks; here the most that there can be are set aside.
void Account::add_sequence_states(std::int64_t first, std::int64_t layers,
                                  std::vector<MemoryItem>& taken) const {
  const std::int64_t requests = execution_.max_num_seqs;
  std::int64_t mamba = 0;
  for (std::int64_t i = first; i < first + layers; ++i) {
    mamba += card_.layer(i).mixer == Mixer::kMamba2 ? 1 : 0;
  }
  if (mamba > 0) {
    Mamba2Shape own = *card_.mamba2;
    own.heads = shard_.mamba_heads;
    own.groups = shard_.mamba_groups;
    taken.push_back({"Mamba-2 states", Bytes(own.kept() * element_) * (mamba * requests),
                     fmt::format("{} layers of max_num_seqs {}", mamba, requests)});
  }
  if (card_.has_cross_attention()) {
    const std::int64_t token = 2 * shard_.kv_heads * card_.head_dim * execution_.kv_bytes(card_);
    taken.push_back(
        {"encoder KV", Bytes(token * card_.encoder->output_tokens) * (layers * requests),
         fmt::format("{} tokens of max_num_seqs {}", card_.encoder->output_tokens, requests)});
  }
}

std::vector<MemoryItem> Account::items(std::size_t stage, std::int64_t first) const {
  const StageGraph& graph = graph_.stages[stage];
  std::vector<MemoryItem> taken;
  taken.push_back({"weights", weights(stage, first), weights_basis(stage)});
  taken.push_back({"rotary table", rotary_table(),
                   fmt::format("cos and sin of {} positions", card_.max_position)});
  taken.push_back(activations(stage + 1 == graph_.stages.size()));
  add_sequence_states(first, graph.layers, taken);
  taken.push_back({"non-torch", gpu_.runtime.non_torch, gpu_.runtime.sources});
  if (plan_.gpus() > 1) {
    taken.push_back({"communicators", gpu_.runtime.communicator, gpu_.runtime.sources});
  }
  const bool deep_ep = execution_.experts.all2all != All2All::kAllGatherReduceScatter;
  if (deep_ep && card_.has_experts() && plan_.data_parallel > 1) {
    taken.push_back({"DeepEP buffers", Bytes(kDeepEpBuffer), "VLLM_DEEPEP_BUFFER_SIZE_MB 1024"});
  }
  const Bytes graphs = cuda_graphs(graph);
  if (options_.estimate_cudagraphs && graphs.count() > 0) {
    taken.push_back({"CUDA graphs", graphs, "16 KiB for each kernel of each captured graph"});
  }
  return taken;
}

/// Share of a sequence of kv_reference_tokens that a windowed layer keeps: whole blocks that hold
/// the window, one more where it lies across their edges.
double Account::kept_of(std::int64_t window) const {
  const bool cut = window > 0 && window < card_.max_position;
  if (!cut || !options_.kv_reference_tokens) return 1;
  const std::int64_t block = options_.block_tokens;
  const std::int64_t kept = ((window - 1 + block - 1) / block + 1) * block;
  const std::int64_t length = *options_.kv_reference_tokens;
  return static_cast<double>(std::min(kept, length)) / static_cast<double>(length);
}

Bytes Account::block_bytes(std::int64_t first, std::int64_t layers) const {
  const std::int64_t kv_bytes = execution_.kv_bytes(card_);
  const std::int64_t plain = 2 * shard_.kv_heads * card_.head_dim * kv_bytes;
  std::int64_t token = 0;
  double windowed = 0;
  for (std::int64_t i = first; i < first + layers; ++i) {
    const LayerGroup layer = card_.layer(i);
    if (layer.mixer == Mixer::kMla) token += latent_bytes(*card_.mla, kv_bytes);
    if (layer.mixer != Mixer::kAttention) continue;
    const double kept = kept_of(layer.sliding_window);
    if (kept == 1) {
      token += plain;
    } else {
      windowed += kept * static_cast<double>(plain);
    }
  }
  const std::int64_t bytes =
      token * options_.block_tokens +
      static_cast<std::int64_t>(windowed * static_cast<double>(options_.block_tokens));
  // A sequence's blocks are dealt to context-parallel ranks.
  return Bytes((bytes + plan_.context_parallel - 1) / plan_.context_parallel);
}

std::string Account::block_basis() const {
  if (!card_.window_matters()) return {};
  if (!options_.kv_reference_tokens) {
    return "windowed layers keep whole sequences (kv_reference_tokens says how long these are)";
  }
  return fmt::format("windowed layers keep their windows of sequences of {} tokens",
                     *options_.kv_reference_tokens);
}

MemoryAccount Account::of_stage(std::size_t stage, std::int64_t first) const {
  MemoryAccount account;
  account.budget = Bytes(static_cast<std::int64_t>(
      static_cast<double>(gpu_.memory.driver_total.count()) * options_.gpu_memory_utilization));
  account.taken = items(stage, first);
  account.kv_cache = account.budget;
  for (const MemoryItem& item : account.taken) account.kv_cache -= item.bytes;
  if (options_.kv_cache_memory_bytes) account.kv_cache = *options_.kv_cache_memory_bytes;
  account.block_bytes = block_bytes(first, graph_.stages[stage].layers);
  account.block_basis = block_basis();
  if (account.block_bytes.count() == 0) {
    throw ConfigError({}, "plan.pipeline_parallel",
                      fmt::format("stage {} of {} has no layer with a KV cache", stage + 1,
                                  graph_.stages.size()));
  }
  account.num_blocks = account.kv_cache.count() / account.block_bytes.count();
  return account;
}

/// The fewest tensor ranks, or else the first smaller form of the weights, that leave two blocks.
std::string what_would_fit(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                           const ExecutionOptions& execution, const MemoryOptions& options) {
  for (const std::int64_t ranks : legal_tensor_parallel(card)) {
    Plan other = plan;
    other.tensor_parallel = ranks;
    if (ranks <= plan.tensor_parallel) continue;
    if (card.has_experts() && other.expert_parallel > 1) {
      other.expert_parallel = plan.expert_parallel * ranks / plan.tensor_parallel;
    }
    try {
      check_plan(card, other);
    } catch (const ConfigError&) {
      continue;
    }
    if (Account(card, gpu, other, execution, options).fullest().num_blocks >= 2) {
      return fmt::format("tensor_parallel: {} would fit", ranks);
    }
  }
  return "no tensor_parallel up to 64 that divides it would fit";
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
  d.optional_field("kv_reference_tokens", kv_reference_tokens, Range::at_least(1),
                   "Sequence length at which windowed layers' share of a KV block is counted.");
}

MemoryAccount account_memory(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                             const ExecutionOptions& execution, const MemoryOptions& options) {
  check_plan(card, plan);
  MemoryAccount account = Account(card, gpu, plan, execution, options).fullest();
  if (account.num_blocks >= 2) return account;
  throw ConfigError(
      {}, "plan.tensor_parallel",
      fmt::format("{} does not fit on {} of {}: {} of {} usable are left for KV "
                  "cache after {} of weights; {}",
                  card.name, plan.gpus(), gpu.name, human(std::max(account.kv_cache, Bytes())),
                  human(account.budget), human(account.taken.front().bytes),
                  what_would_fit(card, gpu, plan, execution, options)));
}

}  // namespace orrery
