// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/step_program.h"

#include <utility>

#include "models/operators/attention.h"
#include "models/transformer/all_reduce_norm.h"
#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// SMs that an exchange of tokens keeps from what runs beside it: what DeepEP's normal kernels take
/// in its README ("24 (Min #SM)"); its low-latency ones take none while they wait.
constexpr std::int64_t kExchangeSms = 24;
/// Encoder items of one step that have a figure of their own.
constexpr std::int64_t kMostItems = 16;
/// A token id on its way from the last stage to the first: torch's int64, as sampled.
constexpr std::int64_t kTokenIdBytes = 8;

}  // namespace

StepProgram::StepProgram(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                         const ExecutionOptions& options, std::shared_ptr<const LinkCost> links,
                         const std::vector<KernelFit>* fits,
                         std::shared_ptr<const MemoryRates> memory)
    : card_(as_run(card, gpu, options)),
      gpu_(gpu),
      plan_(plan),
      options_(options),
      graphs_(options.graphs, options.max_num_seqs, options.max_num_batched_tokens),
      graph_(build_graph(card_, plan, options, fused_all_reduce_limit(card_, gpu, plan, options))),
      whole_(graph_.whole()),
      times_(card_, gpu, plan, options, std::move(links), fits, std::move(memory)) {
  ORRERY_CHECK(graph_.mixers.size() <= kMostMixers);
  prepare();
  for (StageGraph& stage : graph_.stages) stages_.push_back(compile(std::move(stage)));
  row_times_ = table(whole_.rows, options.max_num_seqs);
  fill_links();
  fill_encoder();
}

StepCost StepProgram::cost_of_stages(const BatchShape& shape, std::span<StageCost> stages) const {
  if (shape.tokens() == 0) {
    std::ranges::fill(stages, StageCost());
    return {};
  }
  const Step step = step_of(shape);
  Duration device;
  Duration guessed;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const StageProgram& stage = stages_[i];
    const OpTime own = stage_time(stage, step);
    const Duration busy = std::max(own.time, host_launches(stage, shape, step));
    device += busy;
    guessed += own.guessed + (busy - own.time);
    if (stages_.size() == 1) break;
    const Duration way = hand_over(stage, step);
    if (!stages.empty()) stages[i] = {busy, way};
    if (i + 1 == stages_.size()) break;
    device += way;
    if (hand_over_.guessed()) guessed += way;
  }
  const double share = to_seconds(guessed) / to_seconds(device);
  return {device, options_.host.of(shape), static_cast<float>(share)};
}

void StepProgram::prepare() {
  for (const auto* ops : {&whole_.tokens, &whole_.beside_exchange, &whole_.rows,
                          &graph_.encoder.tokens, &graph_.encoder.outputs}) {
    times_.prepare(*ops);
  }
}

void StepProgram::fill_links() {
  if (plan_.pipeline_parallel > 1) {
    // Each tensor rank sends its part, and gathers those of the others.
    const std::int64_t ranks = plan_.tensor_parallel;
    hand_over_ = LinkTable([&](std::int64_t tokens) {
      const std::int64_t bytes = tokens * graph_.handed_bytes_per_token;
      BoundTime time = times_.links().send(ceil_div(bytes, ranks));
      if (ranks > 1) time.time += times_.links().time(Collective::kAllGather, bytes, ranks).time;
      return time;
    });
    tokens_back_ =
        LinkTable([&](std::int64_t rows) { return times_.links().send(rows * kTokenIdBytes); });
  }
  if (plan_.context_parallel == 1) return;
  const std::int64_t ranks = plan_.context_parallel;
  const Shard shard = shard_of(card_, plan_);
  const std::int64_t kv_bytes = options_.kv_bytes(card_);
  const std::int64_t of_token = card_.mla ? latent_bytes(*card_.mla, kv_bytes)
                                          : 2 * shard.kv_heads * card_.head_dim * kv_bytes;
  const bool ring = plan_.context_exchange == ContextExchange::kRing;
  context_kv_ = LinkTable([&](std::int64_t tokens) {
    if (ring) return times_.links().send(ceil_div(tokens * of_token, ranks));
    return times_.links().time(Collective::kAllGather, tokens * of_token, ranks);
  });
  const std::int64_t width = card_.mla ? card_.mla->v_head_dim : card_.head_dim;
  context_outputs_ = LinkTable([&](std::int64_t rows) {
    return times_.links().time(Collective::kAllReduce, 4 * rows * shard.heads * (width + 1), ranks);
  });
}

OpTime StepProgram::encoder_once(std::int64_t items) const {
  const EncoderGraph& encoder = graph_.encoder;
  OpTime time = sum(encoder.tokens, items * card_.encoder->tokens);
  time += sum(encoder.outputs, items * card_.encoder->output_tokens);
  AttentionWork work = encoder.attention;
  work.flops *= items;
  work.bytes *= items;
  const Duration attention =
      SequenceMixer::part(times_.roofline(), work).time * card_.encoder->layers;
  time += {attention, attention};
  return time;
}

void StepProgram::fill_encoder() {
  if (!card_.encoder) return;
  encoder_times_.push_back({});
  for (std::int64_t items = 1; items <= kMostItems; ++items) {
    encoder_times_.push_back(encoder_once(items));
  }
  encoder_kernels_ = kernels_of(graph_.encoder.tokens) + kernels_of(graph_.encoder.outputs) +
                     card_.encoder->layers;
}

/// Many items are done in batches.
OpTime StepProgram::encoder_time(std::int64_t items) const {
  if (items == 0) return {};
  OpTime time = encoder_times_.back() * (items / kMostItems);
  time += encoder_times_[static_cast<std::size_t>(items % kMostItems)];
  return time;
}

OpTime StepProgram::sum(const std::vector<Operator>& ops, std::int64_t rows) const {
  OpTime total;
  for (const Operator& op : ops) total += times_.of(op, rows) * op.count;
  return total;
}

std::vector<OpTime> StepProgram::table(const std::vector<Operator>& ops, std::int64_t most) const {
  std::vector<OpTime> times(static_cast<std::size_t>(most) + 1);
  for (std::int64_t rows = 1; rows <= most; ++rows) {
    times[static_cast<std::size_t>(rows)] = sum(ops, rows);
  }
  return times;
}

/// An exchange beside it keeps some of the SMs.
OpTime StepProgram::beside(const Operator& op, std::int64_t rows) const {
  OpTime once = times_.of(op, rows);
  if (options_.experts.all2all == All2All::kDeepEpLowLatency) return once;
  const std::int64_t sms = gpu_.compute.sms;
  if (!options_.experts.overlap_shared_experts || sms <= kExchangeSms) return once;
  once.time = Duration(once.time.count() * sms / (sms - kExchangeSms));
  once.guessed = once.time;
  return once;
}

StageProgram StepProgram::compile(StageGraph stage) const {
  StageProgram program;
  program.token_kernels = kernels_of(stage.tokens) + kernels_of(stage.beside_exchange) +
                          kernels_of(stage.experts) + kernels_of(stage.exchange);
  program.row_kernels = kernels_of(stage.rows);
  for (const MixerLayers& each : stage.mixers) program.attention_layers += each.layers;
  const std::int64_t most = options_.max_num_batched_tokens;
  if (!shares_experts()) {
    // One batch for everything, nothing to exchange: one table.
    for (const auto* ops : {&stage.beside_exchange, &stage.experts}) merge(stage.tokens, *ops);
    stage.beside_exchange.clear();
    stage.experts.clear();
  } else {
    const std::int64_t all = most * plan_.data_parallel;
    program.expert_times = table(stage.experts, all);
    program.exchange_times = table(stage.exchange, all);
    program.beside_times.resize(static_cast<std::size_t>(most) + 1);
    for (std::int64_t rows = 1; rows <= most; ++rows) {
      for (const Operator& op : stage.beside_exchange) {
        program.beside_times[static_cast<std::size_t>(rows)] += beside(op, rows) * op.count;
      }
    }
  }
  program.token_times = table(stage.tokens, most);
  program.graph = std::move(stage);
  return program;
}

RankBatch StepProgram::rank_of(const BatchShape& shape) const {
  RankBatch rank;
  rank.sequences.shape = shape;
  rank.tokens = rank.shared_tokens = shape.tokens();
  rank.logits = logit_rows(shape);
  if (plan_.data_parallel * plan_.context_parallel > 1) divide(shape, rank);
  if (card_.encoder) count_items(shape, rank);
  return rank;
}

/// Requests are dealt evenly to data-parallel groups, but one chunk is not split between groups;
/// their tokens are, between context-parallel ranks. A decode's token is computed by all of those.
void StepProgram::divide(const BatchShape& shape, RankBatch& rank) const {
  const std::int64_t context = plan_.context_parallel;
  std::int64_t groups = plan_.data_parallel;
  std::int64_t largest = 0;
  for (const PrefillChunk& chunk : shape.chunks) {
    largest = std::max<std::int64_t>(largest, chunk.tokens);
    rank.chunk_kv += std::int64_t{chunk.context} + chunk.tokens;
  }
  if (largest > 0) groups = std::clamp<std::int64_t>(shape.prefill_tokens / largest, 1, groups);
  const std::int64_t parts = plan_.data_parallel;
  BatchShape& own = rank.sequences.shape;
  own.decodes = static_cast<std::int32_t>(ceil_div(shape.decodes, parts));
  if (shape.decodes > 0) {
    // Requests are whole: where they are fewer than parts, one part has a whole one's context.
    const std::int64_t share = shape.decodes * context;
    own.decode_context = ceil_div(shape.decode_context * own.decodes, share);
    own.decode_tiles = ceil_div(shape.decode_tiles * own.decodes, share);
  }
  own.decode_context_max = ceil_div(shape.decode_context_max, context);
  rank.sequences.chunk_parts = groups * context;
  rank.chunk_kv = ceil_div(rank.chunk_kv, groups);
  rank.tokens = own.decodes + ceil_div(shape.prefill_tokens, rank.sequences.chunk_parts);
  rank.logits = ceil_div(logit_rows(shape), parts);
  rank.shared_tokens = ceil_div(shape.decodes * context + shape.prefill_tokens, context);
}

/// A prompt's first chunk brings its items. What a prefix cache had of it needs none.
void StepProgram::count_items(const BatchShape& shape, RankBatch& rank) const {
  const std::int64_t each = card_.has_cross_attention() ? 1 : options_.images_per_prompt;
  if (each == 0) return;
  for (const PrefillChunk& chunk : shape.chunks) rank.items += chunk.context == 0 ? each : 0;
  rank.items = ceil_div(rank.items, plan_.data_parallel);
}

OpTime StepProgram::token_time(const StageProgram& stage, std::int64_t rows) const {
  return look_up(stage.token_times, stage.graph.tokens, rows);
}

OpTime StepProgram::shared_experts_time(const StageProgram& stage, std::int64_t rows,
                                        std::int64_t expert_rows) const {
  OpTime time = look_up(stage.expert_times, stage.graph.experts, expert_rows);
  const OpTime exchange = look_up(stage.exchange_times, stage.graph.exchange, expert_rows);
  OpTime shared;
  if (static_cast<std::size_t>(rows) < stage.beside_times.size()) {
    shared = stage.beside_times[static_cast<std::size_t>(rows)];
  } else {
    for (const Operator& op : stage.graph.beside_exchange) shared += beside(op, rows) * op.count;
  }
  if (options_.experts.overlap_shared_experts) {
    time += exchange.time >= shared.time ? exchange : shared;
  } else {
    time += exchange;
    time += shared;
  }
  return time;
}

OpTime StepProgram::context_exchange(Duration chunks, const RankBatch& rank) const {
  Duration waits;
  if (rank.chunk_kv > 0) {
    waits = context_kv_.at(rank.chunk_kv);
    if (plan_.context_exchange == ContextExchange::kRing) {
      // Attention to one share hides the next one's way.
      const std::int64_t shares = plan_.context_parallel;
      const Duration each = Duration(chunks.count() / shares);
      waits = waits > each ? (waits - each) * (shares - 1) : Duration();
    }
  }
  waits += context_outputs_.at(rank.sequences.shape.decodes);
  return {waits, context_kv_.guessed() ? waits : Duration()};
}

/// Of one layer.
OpTime StepProgram::mixer_time(std::size_t mixer, const RankBatch& rank) const {
  const SequenceMixer& mixes = *graph_.mixers[mixer];
  OpTime time = times_.chunks(mixes, rank.sequences);
  const Duration chunks = time.time;
  time += times_.decodes(mixes, rank.sequences);
  if (plan_.context_parallel > 1) time += context_exchange(chunks, rank);
  return time;
}

StepProgram::Step StepProgram::step_of(const BatchShape& shape) const {
  Step step;
  step.rank = rank_of(shape);
  step.launch = graphs_.launch(shape, step.rank.tokens);
  for (std::size_t i = 0; i < graph_.mixers.size(); ++i) {
    step.mixers[i] = mixer_time(i, step.rank);
  }
  return step;
}

OpTime StepProgram::stage_time(const StageProgram& stage, const Step& step) const {
  const std::int64_t rows = step.launch.padded_tokens;
  OpTime time = token_time(stage, rows);
  if (!stage.expert_times.empty()) {
    time += shared_experts_time(stage, rows, expert_tokens(step.rank, step.launch));
  }
  for (const MixerLayers& each : stage.graph.mixers) time += step.mixers[each.mixer] * each.layers;
  if (&stage == &stages_.front() && step.rank.items > 0) time += encoder_time(step.rank.items);
  if (&stage == &stages_.back()) time += look_up(row_times_, whole_.rows, step.rank.logits);
  return time;
}

Duration StepProgram::hand_over(const StageProgram& stage, const Step& step) const {
  return &stage == &stages_.back() ? tokens_back_.at(step.rank.logits)
                                   : hand_over_.at(step.launch.padded_tokens);
}

Duration StepProgram::host_launches(const StageProgram& stage, const BatchShape& shape,
                                    const Step& step) const {
  GpuLaunch cost = gpu_.launch;
  if (options_.host.launch > Duration()) cost.launch = options_.host.launch;
  std::int64_t attention = 0;
  for (const MixerLayers& each : stage.graph.mixers) {
    attention += each.layers * graph_.mixers[each.mixer]->kernels(shape);
  }
  const bool encodes = step.rank.items > 0 && &stage == &stages_.front();
  const Duration eager = cost.launch * (stage.row_kernels + (encodes ? encoder_kernels_ : 0));
  switch (step.launch.mode) {
    case LaunchMode::kFullGraph:
      return cost.graph_replay + eager;
    case LaunchMode::kPiecewiseGraphs:
      // A piece lies before, between and after the layers' attention; the KV write is with it.
      return cost.graph_replay * (stage.attention_layers + 1) +
             cost.launch * (attention + stage.attention_layers) + eager;
    case LaunchMode::kNoGraph:
      return cost.launch * (stage.token_kernels -
                            riding_kernels(stage.graph.tokens, step.rank.tokens) + attention) +
             eager;
  }
  ORRERY_CHECK(false);
}

}  // namespace orrery
