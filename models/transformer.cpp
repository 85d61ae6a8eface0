// SPDX-License-Identifier: Apache-2.0
#include "models/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "models/attention.h"
#include "models/calibration/step_kernels.h"
#include "models/operators.h"
#include "models/roofline.h"
#include "sim/core/check.h"

namespace orrery {
namespace {

std::int64_t kernels_of(const std::vector<Operator>& ops) {
  std::int64_t kernels = 0;
  for (const Operator& op : ops) kernels += op.count * op.kernels;
  return kernels;
}

class RooflineTransformer final : public CostModel {
 public:
  RooflineTransformer(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                      const ExecutionOptions& options, std::unique_ptr<StepKernels> kernels,
                      std::shared_ptr<const LinkCost> links,
                      std::shared_ptr<const MemoryRates> memory)
      : card_(card),
        gpu_(gpu),
        options_(options),
        shard_(shard_of(card, plan.tensor_parallel)),
        memory_(std::move(memory)),
        roofline_(gpu, options.weight_type(card), memory_.get()),
        links_(links ? std::move(links) : make_roofline_links(gpu)),
        graphs_(options.graphs, options.max_num_seqs, options.max_num_batched_tokens),
        attention_(card, shard_, options.kv_bytes()),
        token_ops_(token_operators(card, shard_, options.kv_bytes())),
        row_ops_(row_operators(card, shard_,
                               sampler_work(card, options.sampling, options.sampler_workspace))),
        kernels_(with_weights(std::move(kernels))),
        token_kernels_(kernels_of(token_ops_)),
        row_kernels_(kernels_of(row_ops_)),
        token_times_(table(token_ops_, options.max_num_batched_tokens)),
        row_times_(table(row_ops_, options.max_num_seqs)) {}

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    if (shape.tokens() == 0) return {};
    const CudaGraphs::Launch launch = graphs_.launch(shape);
    const OpTime tokens = look_up(token_times_, token_ops_, launch.padded_tokens);
    const OpTime rows = look_up(row_times_, row_ops_, logit_rows(shape));
    const OpTime attention = attention_of(shape);
    const Duration busy = tokens.time + attention.time * card_.layers + rows.time;
    const Duration guessed = tokens.guessed + attention.guessed * card_.layers + rows.guessed;
    const Duration device = std::max(busy, host_launches(launch.mode, shape));
    const double share = to_seconds(guessed + (device - busy)) / to_seconds(device);
    return {device, options_.host.of(shape), static_cast<float>(share)};
  }

  void explain(const BatchShape& shape, Breakdown& breakdown) const override;

  [[nodiscard]] std::string basis() const override {
    std::string text = kernels_ ? calibrated_basis() : roofline_basis();
    if (memory_) text += "; " + memory_->basis;
    if (shard_.ranks > 1) {
      text += fmt::format(", {} ranks over {}", shard_.ranks, links_->basis());
    }
    if (card_.window_matters()) {
      text += fmt::format(
          "; attention over the whole context, although the model looks back only "
          "{} tokens",
          card_.sliding_window);
    }
    return text;
  }

 private:
  [[nodiscard]] std::string calibrated_basis() const {
    return fmt::format("calibrated: {} on {}; GEMM from {}; norms and copies are roofline",
                       card_.name, gpu_.name, kernels_->gemm_basis());
  }
  [[nodiscard]] std::string roofline_basis() const {
    const GpuRoofline& shares = gpu_.roofline;
    const std::string text = fmt::format(
        "roofline, not calibrated: {} on {}, peaks times stated shares (gemm {}, "
        "attention {}",
        card_.name, gpu_.name, shares.gemm, shares.attention);
    if (memory_) return text + ")";
    return text + fmt::format(", memory {}, kv_read {})", shares.memory, shares.kv_read);
  }

  /// vLLM computes logits for the last token of every scheduled request, also of a chunk that
  /// does not end its prompt, and throws those away.
  [[nodiscard]] static std::int64_t logit_rows(const BatchShape& shape) {
    return std::max<std::int64_t>(shape.sampled_rows, shape.scheduled_requests());
  }

  /// A time, and how much of it was not measured.
  struct OpTime {
    Duration time;
    Duration guessed;
  };
  static OpTime to_op_time(const FittedTime& fitted) {
    return {round_up_to_duration(fitted.us * 1e-6), round_up_to_duration(fitted.guessed_us * 1e-6)};
  }
  [[nodiscard]] std::unique_ptr<StepKernels> with_weights(
      std::unique_ptr<StepKernels> kernels) const {
    if (!kernels) return kernels;
    for (const auto* ops : {&token_ops_, &row_ops_}) {
      for (const Operator& op : *ops) {
        if (op.kind == OperatorKind::kGemm) kernels->add_weight(op.n, op.k);
      }
    }
    return kernels;
  }
  /// Of one time.
  [[nodiscard]] OpTime op_time(const Operator& op, std::int64_t rows) const {
    if (kernels_ && op.kind == OperatorKind::kGemm) {
      return to_op_time(kernels_->gemm(rows, op.n, op.k));
    }
    const BoundTime once = op.time(roofline_, *links_, rows, shard_.ranks);
    return {once.time, once.guessed ? once.time : Duration()};
  }
  [[nodiscard]] OpTime chunks_time(const BatchShape& shape) const {
    if (kernels_) return to_op_time(kernels_->chunks(shape));
    const Duration time = Attention::part(roofline_, attention_.chunks(shape)).time;
    return {time, time};
  }
  [[nodiscard]] OpTime decodes_time(const BatchShape& shape) const {
    if (options_.decode_attention_elsewhere) return {};
    const AttentionWork work = attention_.decodes(shape);
    if (kernels_) {
      OpTime time = to_op_time(kernels_->decodes(shape));
      if (memory_) time.time += roofline_.paging(work.kv_bytes);
      ORRERY_CHECK(time.time >= Duration());
      return time;
    }
    const Duration time = Attention::part(roofline_, work).time;
    return {time, time};
  }
  /// Of one layer.
  [[nodiscard]] OpTime attention_of(const BatchShape& shape) const {
    const OpTime chunks = chunks_time(shape);
    const OpTime decodes = decodes_time(shape);
    return {chunks.time + decodes.time, chunks.guessed + decodes.guessed};
  }

  [[nodiscard]] OpTime sum(const std::vector<Operator>& ops, std::int64_t rows) const {
    OpTime total;
    for (const Operator& op : ops) {
      const OpTime once = op_time(op, rows);
      total.time += once.time * op.count;
      total.guessed += once.guessed * op.count;
    }
    return total;
  }
  [[nodiscard]] std::vector<OpTime> table(const std::vector<Operator>& ops,
                                          std::int64_t most) const {
    std::vector<OpTime> times(static_cast<std::size_t>(most) + 1);
    for (std::int64_t rows = 1; rows <= most; ++rows) {
      times[static_cast<std::size_t>(rows)] = sum(ops, rows);
    }
    return times;
  }
  /// Beyond what the engine would batch the same sum is done on the spot.
  [[nodiscard]] OpTime look_up(const std::vector<OpTime>& times, const std::vector<Operator>& ops,
                               std::int64_t rows) const {
    const auto index = static_cast<std::size_t>(rows);
    return index < times.size() ? times[index] : sum(ops, rows);
  }

  /// Host time of the step's launches: the device cannot be done before the host has sent the last.
  [[nodiscard]] Duration host_launches(LaunchMode mode, const BatchShape& shape) const {
    GpuLaunch cost = gpu_.launch;
    if (options_.host.launch > Duration()) cost.launch = options_.host.launch;
    const std::int64_t attention = card_.layers * attention_.kernels(shape);
    switch (mode) {
      case LaunchMode::kFullGraph:
        return cost.graph_replay + cost.launch * row_kernels_;
      case LaunchMode::kPiecewiseGraphs:
        // A piece lies before, between and after the layers' attention; the KV write is with it.
        return cost.graph_replay * (card_.layers + 1) +
               cost.launch * (attention + card_.layers + row_kernels_);
      case LaunchMode::kNoGraph:
        return cost.launch * (token_kernels_ + attention + row_kernels_);
    }
    ORRERY_CHECK(false);
  }

  /// By what an operator's time is found.
  [[nodiscard]] std::string basis_of(const Operator& op, std::int64_t rows) const;
  void explain_operators(const std::vector<Operator>& ops, std::int64_t rows,
                         Breakdown& breakdown) const;
  void explain_attention(const std::string& name, const std::string& shape,
                         const AttentionWork& work, Duration time, const std::string& basis,
                         Breakdown& breakdown) const;

  ModelCard card_;
  GpuSpec gpu_;
  ExecutionOptions options_;
  Shard shard_;
  /// None: the shares of the GPU's roofline.
  std::shared_ptr<const MemoryRates> memory_;
  Roofline roofline_;
  std::shared_ptr<const LinkCost> links_;
  CudaGraphs graphs_;
  Attention attention_;
  std::vector<Operator> token_ops_;
  std::vector<Operator> row_ops_;
  /// Measured kernels; none: roofline.
  std::unique_ptr<StepKernels> kernels_;
  std::int64_t token_kernels_;
  std::int64_t row_kernels_;
  std::vector<OpTime> token_times_;
  std::vector<OpTime> row_times_;
};

std::string launch_text(const CudaGraphs::Launch& launch) {
  switch (launch.mode) {
    case LaunchMode::kFullGraph:
      return fmt::format("full graph of {}", launch.padded_tokens);
    case LaunchMode::kPiecewiseGraphs:
      return fmt::format("piecewise graphs of {}", launch.padded_tokens);
    case LaunchMode::kNoGraph:
      return "no graph";
  }
  ORRERY_CHECK(false);
}

const std::string kAttentionFormula =
    "max(4 pairs heads dim / rate, KV bytes / bandwidth) + kernels, pairs in tiles of 128";

std::string RooflineTransformer::basis_of(const Operator& op, std::int64_t rows) const {
  switch (op.kind) {
    case OperatorKind::kGemm:
      return kernels_ ? kernels_->gemm_basis()
                      : "max(2 M N K / rate, (M K + K N + M N) 2 B / bandwidth) + kernel";
    case OperatorKind::kStream:
    case OperatorKind::kKvWrite:
      return "bytes / bandwidth + kernels";
    case OperatorKind::kAllReduce:
    case OperatorKind::kAllGather:
      return links_->formula(*op.collective(), op.bytes(rows), shard_.ranks);
  }
  ORRERY_CHECK(false);
}

void RooflineTransformer::explain_operators(const std::vector<Operator>& ops, std::int64_t rows,
                                            Breakdown& breakdown) const {
  for (const Operator& op : ops) {
    const BoundTime once = op.time(roofline_, *links_, rows, shard_.ranks);
    const std::string shape = op.kind == OperatorKind::kGemm
                                  ? fmt::format("{} x {} x {}", rows, op.n, op.k)
                                  : fmt::format("{} rows", rows);
    breakdown.operators.push_back({op.name, shape, op.count, Flops(op.flops(rows) * op.count),
                                   Bytes(op.bytes(rows) * op.count),
                                   op_time(op, rows).time * op.count, std::string(once.bound),
                                   basis_of(op, rows)});
  }
}

void RooflineTransformer::explain_attention(const std::string& name, const std::string& shape,
                                            const AttentionWork& work, Duration time,
                                            const std::string& basis, Breakdown& breakdown) const {
  if (work.kernels == 0) return;
  const BoundTime once = Attention::part(roofline_, work);
  breakdown.operators.push_back({name, shape, card_.layers, Flops(work.flops) * card_.layers,
                                 Bytes(work.bytes) * card_.layers, time * card_.layers,
                                 std::string(once.bound), basis});
}

void RooflineTransformer::explain(const BatchShape& shape, Breakdown& breakdown) const {
  breakdown = {};
  if (shape.tokens() == 0) return;
  const CudaGraphs::Launch launch = graphs_.launch(shape);
  breakdown.launch_mode = launch_text(launch);
  explain_operators(token_ops_, launch.padded_tokens, breakdown);
  explain_attention("attention_prefill",
                    fmt::format("{} chunks, {} tokens", shape.chunks.size(), shape.prefill_tokens),
                    attention_.chunks(shape), chunks_time(shape).time,
                    kernels_ ? kernels_->chunks_basis() : kAttentionFormula, breakdown);
  if (!options_.decode_attention_elsewhere) {
    explain_attention("attention_decode",
                      fmt::format("{} decodes, {} KV tokens", shape.decodes, shape.decode_context),
                      attention_.decodes(shape), decodes_time(shape).time,
                      kernels_ ? kernels_->decodes_basis() : kAttentionFormula, breakdown);
  }
  explain_operators(row_ops_, logit_rows(shape), breakdown);
  Duration busy;
  for (const OperatorCost& op : breakdown.operators) busy += op.time;
  const Duration launches = host_launches(launch.mode, shape);
  if (launches <= busy) return;
  breakdown.operators.push_back({"launch_gaps", breakdown.launch_mode, 1, Flops(), Bytes(),
                                 launches - busy, "launch",
                                 "host time of all launches less what the device was busy"});
}

}  // namespace

std::unique_ptr<CostModel> make_roofline(const ModelCard& card, const GpuSpec& gpu,
                                         const Plan& plan, const ExecutionOptions& options,
                                         std::shared_ptr<const LinkCost> links,
                                         std::shared_ptr<const MemoryRates> memory) {
  check_plan(card, plan);
  return std::make_unique<RooflineTransformer>(card, gpu, plan, options, nullptr, std::move(links),
                                               std::move(memory));
}

std::unique_ptr<CostModel> make_calibrated(const ModelCard& card, const GpuSpec& gpu,
                                           const Plan& plan, const ExecutionOptions& options,
                                           const std::vector<KernelFit>& fits,
                                           std::shared_ptr<const LinkCost> links,
                                           std::shared_ptr<const MemoryRates> memory) {
  check_plan(card, plan);
  const Shard shard = shard_of(card, plan.tensor_parallel);
  const std::string dtype = options.weight_type(card) == WeightType::kFloat16 ? "fp16" : "bf16";
  auto kernels =
      std::make_unique<StepKernels>(fits, dtype, options.kv_bytes() == 1 ? "fp8" : dtype,
                                    HeadShape{shard.heads, shard.kv_heads, card.head_dim});
  return std::make_unique<RooflineTransformer>(card, gpu, plan, options, std::move(kernels),
                                               std::move(links), std::move(memory));
}

}  // namespace orrery
