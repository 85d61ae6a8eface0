// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/transformer/step_program.h"
#include "sim/core/check.h"

namespace orrery {
namespace {

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

}  // namespace

void StepProgram::explain_operators(const std::vector<Operator>& ops, std::int64_t rows,
                                    Breakdown& breakdown) const {
  for (const Operator& op : ops) breakdown.operators.push_back(times_.explain(op, rows));
}

void StepProgram::explain_experts(const RankBatch& rank, const CudaGraphs::Launch& launch,
                                  Breakdown& breakdown) const {
  const std::int64_t rows = launch.padded_tokens;
  const std::int64_t expert_rows = shares_experts() ? expert_tokens(rank, launch) : rows;
  explain_operators(whole_.experts, expert_rows, breakdown);
  explain_operators(whole_.exchange, expert_rows, breakdown);
  if (!shares_experts()) return explain_operators(whole_.beside_exchange, rows, breakdown);
  Duration hidden;
  if (options_.experts.overlap_shared_experts) {
    for (const Operator& op : whole_.exchange) hidden += times_.of(op, expert_rows).time * op.count;
  }
  for (const Operator& op : whole_.beside_exchange) {
    OperatorCost line = times_.explain(op, rows);
    const Duration full = beside(op, rows).time * op.count;
    line.time = full > hidden ? full - hidden : Duration();
    hidden = hidden > full ? hidden - full : Duration();
    line.basis += fmt::format("; {} on a second stream, less what the exchange hides", human(full));
    breakdown.operators.push_back(std::move(line));
  }
}

void StepProgram::explain_mixers(const RankBatch& rank, Breakdown& breakdown) const {
  for (const MixerLayers& each : whole_.mixers) {
    const SequenceMixer& mixer = *graph_.mixers[each.mixer];
    const RankSequences& own = rank.sequences;
    const Duration chunks = times_.chunks(mixer, own).time;
    if (!own.shape.chunks.empty()) {
      breakdown.operators.push_back(times_.explain_chunks(mixer, own, each.layers));
    }
    if (own.shape.decodes > 0 && !options_.decode_attention_elsewhere) {
      breakdown.operators.push_back(times_.explain_decodes(mixer, own, each.layers));
    }
    if (plan_.context_parallel == 1) continue;
    const bool ring = plan_.context_exchange == ContextExchange::kRing;
    breakdown.operators.push_back(
        {mixer.name() + "_exchange", fmt::format("{} KV tokens", rank.chunk_kv), each.layers,
         Flops(), Bytes(), context_exchange(chunks, rank).time * each.layers, "link",
         (ring ? "(n-1) x (send of a share - attention to one): " + times_.links().send_formula()
               : "all-gather of the chunks' KV") +
             "; all-reduce of decodes' outputs"});
  }
}

void StepProgram::explain_encoder(const RankBatch& rank, Breakdown& breakdown) const {
  if (rank.items == 0) return;
  std::int64_t flops = 0;
  std::int64_t bytes = 0;
  const auto add = [&](const std::vector<Operator>& ops, std::int64_t rows) {
    for (const Operator& op : ops) {
      flops += op.flops(rows) * op.count;
      bytes += op.bytes(rows) * op.count;
    }
  };
  const EncoderShape& encoder = *card_.encoder;
  add(graph_.encoder.tokens, rank.items * encoder.tokens);
  add(graph_.encoder.outputs, rank.items * encoder.output_tokens);
  flops += graph_.encoder.attention.flops * rank.items * encoder.layers;
  bytes += graph_.encoder.attention.bytes * rank.items * encoder.layers;
  breakdown.operators.push_back(
      {"encoder", fmt::format("{} items of {} tokens", rank.items, encoder.tokens), 1, Flops(flops),
       Bytes(bytes), encoder_time(rank.items).time, "compute",
       fmt::format("sum of {} layers' GEMMs, norms and attention", encoder.layers)});
}

void StepProgram::explain(const BatchShape& shape, Breakdown& breakdown) const {
  breakdown = {};
  if (shape.tokens() == 0) return;
  const Step step = step_of(shape);
  const RankBatch& rank = step.rank;
  const CudaGraphs::Launch& launch = step.launch;
  breakdown.launch_mode = launch_text(launch);
  explain_encoder(rank, breakdown);
  explain_operators(whole_.tokens, launch.padded_tokens, breakdown);
  explain_experts(rank, launch, breakdown);
  explain_mixers(rank, breakdown);
  explain_operators(whole_.rows, rank.logits, breakdown);
  explain_stages(shape, step, breakdown);
}

/// What comes between the operators: hand-overs, and waits for launches.
void StepProgram::explain_stages(const BatchShape& shape, const Step& step,
                                 Breakdown& breakdown) const {
  const std::int64_t rows = step.launch.padded_tokens;
  Duration gaps;
  for (const StageProgram& stage : stages_) {
    const Duration own = stage_time(stage, step).time;
    const Duration busy = std::max(own, host_launches(stage, shape, step));
    gaps += busy - own;
    if (stages_.size() == 1) break;
    breakdown.stages.push_back({stage.graph.layers, {busy, hand_over(stage, step)}});
  }
  if (const std::int64_t ways = plan_.pipeline_parallel - 1; ways > 0) {
    breakdown.operators.push_back({"stage_sends", fmt::format("{} rows", rows), ways, Flops(),
                                   Bytes(rows * graph_.handed_bytes_per_token * ways),
                                   hand_over_.at(rows) * ways, "link",
                                   times_.links().send_formula()});
  }
  if (gaps == Duration()) return;
  breakdown.operators.push_back({"launch_gaps", breakdown.launch_mode, 1, Flops(), Bytes(), gaps,
                                 "launch",
                                 "host time of all launches less what the device was busy"});
}

std::string StepProgram::basis() const {
  const GpuRoofline& shares = gpu_.roofline;
  std::string text;
  if (times_.calibrated()) {
    text = fmt::format("calibrated: {} on {}; GEMM from {}; norms and copies are roofline",
                       card_.name, gpu_.name, times_.kernels_basis());
  } else {
    text = fmt::format(
        "roofline, not calibrated: {} on {}, peaks times stated shares (gemm {}, attention {}",
        card_.name, gpu_.name, shares.gemm, shares.attention);
    text += times_.memory() != nullptr
                ? ")"
                : fmt::format(", memory {}, kv_read {})", shares.memory, shares.kv_read);
  }
  if (times_.memory() != nullptr) text += "; " + times_.memory()->basis;
  if (!times_.missing().empty()) {
    text +=
        fmt::format("; not measured here, so roofline too: {}", fmt::join(times_.missing(), ", "));
  }
  if (plan_.gpus() > 1) {
    text += fmt::format(", {} ranks over {}", plan_.gpus(), times_.links().basis());
  }
  if (plan_.pipeline_parallel > 1) {
    text += fmt::format("; {} stages, each with a step of its own", plan_.pipeline_parallel);
  }
  if (plan_.data_parallel > 1) {
    text += fmt::format("; requests are dealt evenly to {} groups", plan_.data_parallel);
  }
  if (card_.encoder && !card_.has_cross_attention()) {
    text += fmt::format("; {} pictures a prompt", options_.images_per_prompt);
  }
  return text;
}

}  // namespace orrery
