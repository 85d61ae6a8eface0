// SPDX-License-Identifier: Apache-2.0
#include "models/operators/operator_times.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

/// Measured GEMMs of quantised weights: each row count to here, then every 32nd.
constexpr std::int64_t kFineRows = 256;
constexpr std::int64_t kRowStep = 32;
constexpr std::int64_t kMostRows = 16384;

OpTime to_op_time(const FittedTime& fitted) {
  return {round_up_to_duration(fitted.us * 1e-6), round_up_to_duration(fitted.guessed_us * 1e-6)};
}

OpTime to_op_time(const BoundTime& bound) {
  return {bound.time, bound.guessed ? bound.time : Duration()};
}

FittedTime ask(const KernelFit& fit, const KernelShape& shape) {
  const double us = fit.time_us(shape);
  return {us, fit.record().range.holds(shape) ? 0 : us};
}

FittedTime scaled(const FittedTime& time, double share) {
  return {time.us * share, time.guessed_us * share};
}

/// Tokens that all ranks which share experts have at most in a step.
std::int64_t most_tokens(const Plan& plan, const ExecutionOptions& options) {
  return options.max_num_batched_tokens * plan.data_parallel;
}

std::optional<DeepEp> deep_ep(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                              const ExecutionOptions& options) {
  const All2All mode = options.experts.all2all;
  if (!card.has_experts() || plan.data_parallel == 1) return std::nullopt;
  if (mode == All2All::kAllGatherReduceScatter) return std::nullopt;
  if (plan.expert_parallel != plan.expert_ranks()) {
    throw ConfigError({}, "plan.expert_parallel",
                      fmt::format("DeepEP sends tokens to whole experts: it needs {}, the ranks of "
                                  "tensor_parallel x data_parallel",
                                  plan.expert_ranks()));
  }
  return DeepEp(mode, plan.expert_ranks(), card, gpu);
}

}  // namespace

OperatorTimes::OperatorTimes(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                             const ExecutionOptions& options, std::shared_ptr<const LinkCost> links,
                             const std::vector<KernelFit>* fits,
                             std::shared_ptr<const MemoryRates> memory)
    : card_(card),
      gpu_(gpu),
      plan_(plan),
      shard_(shard_of(card, plan)),
      options_(options),
      memory_(std::move(memory)),
      roofline_(gpu, card.dtype, memory_.get()),
      links_(links ? std::move(links) : make_roofline_links(gpu)),
      deep_ep_(deep_ep(card, gpu, plan, options)),
      whole_attention_(card, shard_, options.kv_bytes(card)) {
  if (card.has_experts()) {
    loads_.emplace(
        *card.experts, plan.expert_parallel, options.experts, most_tokens(plan, options),
        [this](const ExpertLoad& load) { return experts_roofline(load, load.rows).time; });
  }
  if (fits != nullptr) take_kernels(*fits);
}

void OperatorTimes::take_kernels(const std::vector<KernelFit>& fits) {
  fits_ = fits;
  dtype_ = kernel_dtype(Quantization::kNone, card_.dtype);
  if (dtype_.empty()) {
    throw ConfigError(
        {}, "fidelity.compute",
        fmt::format("no kernels were measured in {}; roofline needs none", name_of(card_.dtype)));
  }
  kv_dtype_ = options_.kv_cache_dtype == KvCacheDtype::kFp8 ? "fp8" : dtype_;
  kernels_ = std::make_unique<StepKernels>(
      fits, dtype_, kv_dtype_, HeadShape{shard_.heads, shard_.kv_heads, card_.head_dim});
  if (card_.has_experts()) {
    const Quantization format = card_.experts->quantization;
    experts_fit_ = find({MeasuredOp::kMoe, std::string(kernel_dtype(format, card_.dtype)), ""});
    if (experts_fit_ == nullptr) note_missing("experts");
  }
  for (std::int64_t i = 0; i < card_.layers; ++i) {
    const LayerGroup layer = card_.layer(i);
    if (layer.mixer == Mixer::kMla) note_missing("latent attention");
    if (layer.mixer == Mixer::kMamba2) note_missing("Mamba-2");
  }
  if (card_.has_cross_attention()) note_missing("cross-attention");
}

const KernelFit* OperatorTimes::find(const KernelSet& set) const {
  // Half precision takes the kernels of its twin (models/calibration/step_kernels.cpp).
  const auto twin = [](const std::string& dtype) {
    if (dtype == "fp16") return std::string("bf16");
    return dtype == "bf16" ? std::string("fp16") : dtype;
  };
  if (const KernelFit* fit = find_fit(fits_, set)) return fit;
  return find_fit(fits_, {set.op, twin(set.dtype), twin(set.kv_dtype)});
}

void OperatorTimes::note_missing(const std::string& what) {
  if (std::find(missing_.begin(), missing_.end(), what) == missing_.end()) {
    missing_.push_back(what);
  }
}

const KernelFit* OperatorTimes::gemm_fit(const Operator& op) const {
  return find({MeasuredOp::kGemm, std::string(kernel_dtype(op.format, card_.dtype)), ""});
}

void OperatorTimes::prepare(const std::vector<Operator>& ops) {
  if (!kernels_) return;
  for (const Operator& op : ops) {
    if (op.kind != OperatorKind::kGemm) continue;
    if (op.format == Quantization::kNone) {
      kernels_->add_weight(op.n, op.k);
      continue;
    }
    const KernelFit* fit = gemm_fit(op);
    if (fit == nullptr) {
      note_missing(fmt::format("GEMMs of {}", name_of(op.format)));
      continue;
    }
    std::vector<FittedTime>& times = quantised_[{op.n, op.k}];
    if (!times.empty()) continue;
    KernelShape shape;
    shape.n = op.n;
    shape.k = op.k;
    for (std::int64_t m = 1; m <= kMostRows; m += m < kFineRows ? 1 : kRowStep) {
      shape.m = m;
      times.push_back(ask(*fit, shape));
    }
  }
}

FittedTime OperatorTimes::fitted_gemm(const Operator& op, std::int64_t rows) const {
  if (op.format == Quantization::kNone) return kernels_->gemm(rows, op.n, op.k);
  const std::vector<FittedTime>& times = quantised_.at({op.n, op.k});
  if (rows <= kFineRows) return times[static_cast<std::size_t>(rows - 1)];
  const std::int64_t most =
      kFineRows + (static_cast<std::int64_t>(times.size()) - kFineRows) * kRowStep;
  if (rows > most) {
    // Beyond the table all is arithmetic, which grows with the rows.
    const double us = times.back().us * static_cast<double>(rows) / static_cast<double>(most);
    return {us, us};
  }
  const std::int64_t beyond = rows - kFineRows;
  const auto last = static_cast<std::int64_t>(times.size()) - kFineRows - 1;
  const std::int64_t step = std::min(beyond / kRowStep, last - 1);
  const FittedTime& low = times[static_cast<std::size_t>(kFineRows - 1 + step)];
  const FittedTime& high = times[static_cast<std::size_t>(kFineRows + step)];
  const double share = static_cast<double>(beyond - step * kRowStep) / kRowStep;
  return {low.us + share * (high.us - low.us),
          low.guessed_us + share * (high.guessed_us - low.guessed_us)};
}

KernelShape OperatorTimes::experts_shape(std::int64_t tokens) const {
  return moe_shape(tokens, card_.hidden, shard_.expert_intermediate, card_.experts->experts,
                   shard_.local_experts, card_.experts->top_k, loads_->at(tokens));
}

/// 6 flops a row and element of an expert's three matrices; weights of the experts that have a row;
/// in and out of both GEMMs (H + 2 I, I + H), of the product between them (2 I + I), and of the sum
/// over a token's experts (H, and H a token).
AttentionWork OperatorTimes::experts_work(const ExpertLoad& load, std::int64_t tokens) const {
  const std::int64_t inner = shard_.expert_intermediate;
  const Quantization format = card_.experts->quantization;
  const std::int64_t element = element_bytes(card_.dtype);
  AttentionWork work;
  work.flops = 6 * load.rows * card_.hidden * inner;
  const std::int64_t weights = weight_bytes(format, card_.dtype, 2 * inner, card_.hidden) +
                               weight_bytes(format, card_.dtype, card_.hidden, inner);
  work.bytes = load.touched * weights +
               element * (load.rows * (3 * card_.hidden + 6 * inner) + tokens * card_.hidden);
  return work;
}

BoundTime OperatorTimes::experts_roofline(const ExpertLoad& load, std::int64_t tokens) const {
  const AttentionWork work = experts_work(load, tokens);
  // Few rows an expert take tiles of 16, whose unused rows are half a tile on average.
  const std::int64_t padded = std::min(load.tiles * kExpertTile, load.rows + 8 * load.touched);
  const std::int64_t flops = 6 * padded * card_.hidden * shard_.expert_intermediate;
  const Quantization format = card_.experts->quantization;
  return roofline_.gemm(flops, work.bytes, quantises_activations(format) ? 6 : 4, format);
}

/// Tokens that one rank sends into the exchange.
std::int64_t OperatorTimes::exchanged(std::int64_t tokens) const {
  return (tokens + plan_.expert_ranks() - 1) / plan_.expert_ranks();
}

double OperatorTimes::imbalance(std::int64_t tokens) const {
  return loads_ ? loads_->imbalance(tokens) : 1;
}

BoundTime OperatorTimes::bound_time(const Operator& op, std::int64_t rows) const {
  switch (op.kind) {
    case OperatorKind::kExperts:
      return experts_roofline(loads_->at(rows), rows);
    case OperatorKind::kDispatch:
      return deep_ep_->dispatch(exchanged(rows), loads_->imbalance(rows));
    case OperatorKind::kCombine:
      return deep_ep_->combine(exchanged(rows), loads_->imbalance(rows));
    default:
      return op.time(roofline_, *links_, rows);
  }
}

OpTime OperatorTimes::of(const Operator& op, std::int64_t rows) const {
  if (kernels_ && op.kind == OperatorKind::kGemm &&
      (op.format == Quantization::kNone || quantised_.contains({op.n, op.k}))) {
    return to_op_time(fitted_gemm(op, rows));
  }
  if (experts_fit_ != nullptr && op.kind == OperatorKind::kExperts) {
    return to_op_time(ask(*experts_fit_, experts_shape(rows)));
  }
  return to_op_time(bound_time(op, rows));
}

const Attention* OperatorTimes::fitted(const SequenceMixer& mixer) const {
  return kernels_ ? dynamic_cast<const Attention*>(&mixer) : nullptr;
}

OpTime OperatorTimes::chunks(const SequenceMixer& mixer, const RankSequences& rank) const {
  if (rank.shape.chunks.empty()) return {};
  const Attention* attention = fitted(mixer);
  if (attention == nullptr) {
    const AttentionWork work = mixer.chunks(rank.shape).share(rank.chunk_parts);
    return to_op_time(SequenceMixer::part(roofline_, work));
  }
  FittedTime time = scaled(kernels_->chunks(rank.shape), 1 / static_cast<double>(rank.chunk_parts));
  if (attention->window() > 0) {
    // No table has a window: the whole's time, as much of it as its tiles are of the whole's.
    const auto own = static_cast<double>(attention->chunks(rank.shape).flops);
    time.us *= own / static_cast<double>(whole_attention_.chunks(rank.shape).flops);
    time.guessed_us = time.us;
  }
  return to_op_time(time);
}

OpTime OperatorTimes::decodes(const SequenceMixer& mixer, const RankSequences& rank) const {
  if (rank.shape.decodes == 0 || options_.decode_attention_elsewhere) return {};
  const Attention* attention = fitted(mixer);
  if (attention == nullptr) {
    return to_op_time(SequenceMixer::part(roofline_, mixer.decodes(rank.shape)));
  }
  const Duration paging =
      memory_ ? roofline_.paging(mixer.decodes(rank.shape).kv_bytes) : Duration();
  if (attention->window() == 0) {
    OpTime measured = to_op_time(kernels_->decodes(rank.shape));
    measured.time += paging;
    return measured;
  }
  BatchShape seen = rank.shape;
  seen.decode_context = attention->seen(rank.shape);
  FittedTime time = kernels_->decodes(seen);
  time.guessed_us = time.us;
  OpTime guessed = to_op_time(time);
  guessed.time += paging;
  return guessed;
}

std::string OperatorTimes::basis_of(const Operator& op, std::int64_t rows) const {
  switch (op.kind) {
    case OperatorKind::kGemm: {
      if (kernels_ && (op.format == Quantization::kNone || quantised_.contains({op.n, op.k}))) {
        return gemm_fit(op)->basis();
      }
      if (op.format == Quantization::kNone) {
        return "max(2 M N K / rate, (M K + K N + M N) 2 B / bandwidth) + kernel";
      }
      return fmt::format("max(2 M N K / rate, ({} weights + M K + M N) / bandwidth) + kernel",
                         name_of(op.format));
    }
    case OperatorKind::kStream:
      if (op.rides(rows)) return "bytes / bandwidth, within the kernel before it";
      return "bytes / bandwidth + kernels";
    case OperatorKind::kKvWrite:
      return "bytes / bandwidth + kernels";
    case OperatorKind::kCollective:
      return links_->formula(op.collective, op.bytes(rows), op.ranks);
    case OperatorKind::kExperts:
      if (experts_fit_ != nullptr) return experts_fit_->basis();
      return fmt::format(
          "slowest rank, {:.2f} x the mean rows: max(6 rows hidden width / rate, weights of "
          "touched "
          "experts / bandwidth) + kernels",
          loads_->imbalance(rows));
    case OperatorKind::kDispatch:
    case OperatorKind::kCombine:
      return deep_ep_->formula();
  }
  ORRERY_CHECK(false);
}

OperatorCost OperatorTimes::explain(const Operator& op, std::int64_t rows) const {
  OperatorCost line;
  line.name = op.name;
  line.count = op.count;
  line.shape = fmt::format("{} rows", rows);
  std::int64_t flops = op.flops(rows);
  std::int64_t bytes = op.bytes(rows);
  line.bound = std::string(bound_time(op, rows).bound);
  if (op.kind == OperatorKind::kGemm) {
    line.shape = fmt::format("{} x {} x {}", rows, op.n, op.k);
    if (op.format != Quantization::kNone) line.shape += fmt::format(" {}", name_of(op.format));
    if (kernels_ && (op.format == Quantization::kNone || quantised_.contains({op.n, op.k}))) {
      KernelShape shape;
      shape.m = rows;
      shape.n = op.n;
      shape.k = op.k;
      line.bound = std::string(gemm_fit(op)->predict(shape).bound);
    }
  }
  if (op.kind == OperatorKind::kExperts) {
    const ExpertLoad load = loads_->at(rows);
    const AttentionWork work = experts_work(load, rows);
    flops = work.flops;
    bytes = work.bytes;
    line.shape = fmt::format("{} tokens, {} rows, {} of {} experts", rows, load.rows, load.touched,
                             shard_.local_experts);
    if (experts_fit_ != nullptr) {
      line.bound = std::string(experts_fit_->predict(experts_shape(rows)).bound);
    }
  }
  if (op.kind == OperatorKind::kDispatch) bytes = deep_ep_->dispatch_bytes(exchanged(rows));
  if (op.kind == OperatorKind::kCombine) bytes = deep_ep_->combine_bytes(exchanged(rows));
  line.flops = Flops(flops * op.count);
  line.bytes = Bytes(bytes * op.count);
  line.time = of(op, rows).time * op.count;
  line.basis = basis_of(op, rows);
  return line;
}

std::string OperatorTimes::attention_bound(MeasuredOp op, std::int64_t batch, std::int64_t query,
                                           std::int64_t context) const {
  KernelShape shape;
  shape.batch = batch;
  shape.query = query;
  shape.context = std::max<std::int64_t>(0, context);
  shape.heads = shard_.heads;
  shape.kv_heads = shard_.kv_heads;
  shape.head_dim = card_.head_dim;
  return std::string(find({op, dtype_, kv_dtype_})->predict(shape).bound);
}

OperatorCost OperatorTimes::explain_chunks(const SequenceMixer& mixer, const RankSequences& rank,
                                           std::int64_t layers) const {
  const AttentionWork work = mixer.chunks(rank.shape).share(rank.chunk_parts);
  OperatorCost line;
  line.name = mixer.name() + "_prefill";
  line.shape =
      fmt::format("{} chunks, {} tokens", rank.shape.chunks.size(), rank.shape.prefill_tokens);
  if (rank.chunk_parts > 1) line.shape += fmt::format(" / {}", rank.chunk_parts);
  line.count = layers;
  line.flops = Flops(work.flops + work.gemm_flops) * layers;
  line.bytes = Bytes(work.bytes + work.gemm_bytes) * layers;
  line.time = chunks(mixer, rank).time * layers;
  line.bound = std::string(SequenceMixer::part(roofline_, work).bound);
  line.basis = mixer.formula();
  const Attention* attention = fitted(mixer);
  if (attention == nullptr) return line;
  const bool window = attention->window() > 0;
  const auto count = static_cast<std::int64_t>(rank.shape.chunks.size());
  std::int64_t before = 0;
  for (const PrefillChunk& chunk : rank.shape.chunks) before += chunk.context;
  line.bound = attention_bound(MeasuredOp::kPrefillAttention, count,
                               rank.shape.prefill_tokens / count, before / count);
  line.basis = kernels_->chunks_basis() + (window ? ", by the share of tiles in the window" : "");
  return line;
}

OperatorCost OperatorTimes::explain_decodes(const SequenceMixer& mixer, const RankSequences& rank,
                                            std::int64_t layers) const {
  const AttentionWork work = mixer.decodes(rank.shape);
  OperatorCost line;
  line.name = mixer.name() + "_decode";
  line.shape =
      fmt::format("{} decodes, {} KV tokens", rank.shape.decodes, rank.shape.decode_context);
  line.count = layers;
  line.flops = Flops(work.flops + work.gemm_flops) * layers;
  line.bytes = Bytes(work.bytes + work.gemm_bytes) * layers;
  line.time = decodes(mixer, rank).time * layers;
  line.bound = std::string(SequenceMixer::part(roofline_, work).bound);
  line.basis = mixer.formula();
  const Attention* attention = fitted(mixer);
  if (attention == nullptr) return line;
  const bool window = attention->window() > 0;
  line.bound = attention_bound(MeasuredOp::kDecodeAttention, rank.shape.decodes, 1,
                               attention->seen(rank.shape) / rank.shape.decodes - 1);
  line.basis = kernels_->decodes_basis() + (window ? ", over the KV in the window" : "");
  return line;
}

std::string OperatorTimes::kernels_basis() const {
  return kernels_ ? kernels_->gemm_basis() : std::string();
}

}  // namespace orrery
