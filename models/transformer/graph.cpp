// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

/// How many layers of each kind lie in a stretch of the stack.
struct Tally {
  std::int64_t layers = 0;
  std::map<std::int64_t, std::int64_t> attention_by_window;
  std::int64_t attention = 0;
  std::int64_t latent = 0;
  std::int64_t mamba = 0;
  std::int64_t mlp = 0;
  std::int64_t experts = 0;
};

Tally tally_of(const ModelCard& card, std::int64_t first, std::int64_t layers) {
  Tally tally;
  tally.layers = layers;
  for (std::int64_t i = first; i < first + layers; ++i) {
    const LayerGroup group = card.layer(i);
    const bool cut = group.sliding_window > 0 && group.sliding_window < card.max_position;
    if (group.mixer == Mixer::kAttention) {
      ++tally.attention;
      ++tally.attention_by_window[cut ? group.sliding_window : 0];
    }
    tally.latent += group.mixer == Mixer::kMla ? 1 : 0;
    tally.mamba += group.mixer == Mixer::kMamba2 ? 1 : 0;
    tally.mlp += group.feed_forward == FeedForward::kMlp ? 1 : 0;
    tally.experts += group.feed_forward == FeedForward::kExperts ? 1 : 0;
  }
  return tally;
}

/// Writes one stage.
class StageWriter {
 public:
  StageWriter(const ModelCard& card, const Plan& plan, const ExecutionOptions& execution,
              const Shard& shard, Bytes fused_all_reduce)
      : card_(card),
        plan_(plan),
        execution_(execution),
        shard_(shard),
        element_(element_bytes(card.dtype)),
        row_(element_ * card.hidden),
        fused_rows_(fused_all_reduce.count() / row_) {}

  [[nodiscard]] StageGraph write(const Tally& tally, bool first, bool last) {
    stage_ = {};
    stage_.layers = tally.layers;
    if (first) embedding();
    norms(tally);
    if (tally.attention > 0) attention_side(tally.attention);
    if (tally.latent > 0) latent_side(tally.latent);
    if (tally.mamba > 0) mamba_side(tally.mamba);
    if (card_.has_cross_attention()) cross_side(tally.layers);
    if (tally.mlp > 0) mlp(tally.mlp);
    if (tally.experts > 0) experts(tally.experts);
    all_reduces(tally);
    if (last) {
      token(norm("final_norm", 1));
      logits();
    }
    return std::move(stage_);
  }

 private:
  void token(Operator op) { stage_.tokens.push_back(std::move(op)); }
  [[nodiscard]] bool split() const { return shard_.ranks > 1; }
  [[nodiscard]] Operator linear(std::string name, std::int64_t count, std::int64_t n,
                                std::int64_t k) const {
    return gemm(std::move(name), count, n, k, card_.dtype, card_.quantization);
  }
  [[nodiscard]] Quantization attention_format() const {
    return card_.quantized_attention ? card_.quantization : Quantization::kNone;
  }
  [[nodiscard]] Operator projection(std::string name, std::int64_t count, std::int64_t n,
                                    std::int64_t k) const {
    return gemm(std::move(name), count, n, k, card_.dtype, attention_format());
  }
  /// Norms and activations write what they put out as the next GEMM reads it; attention's output
  /// takes a kernel of its own.
  void quantise(Quantization format, std::string name, std::int64_t count, std::int64_t width) {
    if (!quantises_activations(format)) return;
    token(
        stream(std::move(name), count, width * (element_ + activation_bytes(format, card_.dtype))));
  }

  void embedding() {
    token(stream("embedding", 1, 2 * row_));
    // The vocabulary is split too, so each rank knows only its tokens' rows.
    if (split()) {
      token(collective(Collective::kAllReduce, "embedding_all_reduce", 1, row_, shard_.ranks));
    }
    if (card_.learned_positions > 0) token(stream("positions", 1, 3 * row_));
  }

  /// Input and residual are read and written. Between ranks each follows an all-reduce, the first
  /// that of the embedding: 2 L + 1 of both, as vLLM's tests of the fusion count them
  /// (tests/compile/fusions_e2e/models.py).
  [[nodiscard]] Operator norm(std::string name, std::int64_t count) const {
    Operator op = stream(std::move(name), count, 4 * row_);
    if (split()) op.rides_up_to = fused_rows_;
    return op;
  }
  void norms(const Tally& tally) {
    const std::int64_t extra = card_.has_cross_attention() ? 1 : 0;
    token(norm("add_norm", (card_.norms_per_layer + extra) * tally.layers));
  }

  void attention_side(std::int64_t layers) {
    const std::int64_t q = shard_.heads * card_.head_dim;
    const std::int64_t kv = shard_.kv_heads * card_.head_dim;
    token(projection("qkv_proj", layers, q + 2 * kv, card_.hidden));
    // Both norms read and write their heads.
    if (card_.qk_norm) token(stream("qk_norm", layers, 2 * element_ * (q + kv), 2));
    if (card_.learned_positions == 0) token(stream("rotary", layers, 2 * element_ * (q + kv)));
    token(stream("kv_write", layers, 2 * kv * (element_ + execution_.kv_bytes(card_))));
    stage_.tokens.back().kind = OperatorKind::kKvWrite;
    quantise(attention_format(), "quant_attention", layers, q);
    token(projection("o_proj", layers, card_.hidden, q));
  }

  /// Down-projections are not split: every rank has them whole.
  void latent_side(std::int64_t layers) {
    const MlaShape& mla = *card_.mla;
    const std::int64_t qk = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
    const std::int64_t down = mla.q_lora_rank + mla.latent();
    token(projection("qkv_down_proj", layers, down, card_.hidden));
    token(stream("latent_norms", layers, 2 * element_ * (mla.q_lora_rank + mla.kv_lora_rank), 2));
    quantise(attention_format(), "quant_latent_query", layers, mla.q_lora_rank);
    token(projection("q_up_proj", layers, shard_.heads * qk, mla.q_lora_rank));
    token(stream("rotary", layers, 2 * element_ * (shard_.heads + 1) * mla.qk_rope_head_dim));
    token(stream("kv_write", layers,
                 element_ * mla.latent() + latent_bytes(mla, execution_.kv_bytes(card_))));
    stage_.tokens.back().kind = OperatorKind::kKvWrite;
    quantise(attention_format(), "quant_attention", layers, shard_.heads * mla.v_head_dim);
    token(projection("o_proj", layers, card_.hidden, shard_.heads * mla.v_head_dim));
  }

  void mamba_side(std::int64_t layers) {
    const Mamba2Shape& whole = *card_.mamba2;
    const std::int64_t inner = shard_.mamba_heads * whole.head_dim;
    const std::int64_t conv = inner + 2 * shard_.mamba_groups * whole.state;
    token(linear("mamba_in_proj", layers, inner + conv + shard_.mamba_heads, card_.hidden));
    // The gate multiplies the scan's output, which is then normed.
    token(stream("mamba_gated_norm", layers, 3 * element_ * inner));
    quantise(card_.quantization, "quant_mamba", layers, inner);
    token(linear("mamba_out_proj", layers, card_.hidden, inner));
  }

  /// Keys and values of the encoder's output are made once a request (EncoderGraph::outputs).
  void cross_side(std::int64_t layers) {
    const std::int64_t q = shard_.heads * card_.head_dim;
    token(linear("cross_q_proj", layers, q, card_.hidden));
    token(linear("cross_o_proj", layers, card_.hidden, q));
  }

  void mlp(std::int64_t layers) {
    const std::int64_t width = shard_.intermediate;
    if (card_.gated_mlp) {
      token(linear("gate_up_proj", layers, 2 * width, card_.hidden));
      token(stream("silu_mul", layers, 3 * element_ * width));
    } else {
      token(linear("up_proj", layers, width, card_.hidden));
      token(stream("activation", layers, 2 * element_ * width));
    }
    token(linear("down_proj", layers, card_.hidden, width));
  }

  void experts(std::int64_t layers) {
    const ExpertShape& all = *card_.experts;
    token(gemm("router", layers, all.experts, card_.hidden, card_.dtype));
    // Scores are read, ids and weights of top_k written; then sorted by expert.
    token(stream("top_k", layers, 4 * all.experts + 24 * all.top_k, 3));
    if (all.shared_intermediate > 0) shared_expert(layers);
    // A quantised input is one kernel, and so is the product between the GEMMs.
    const std::int64_t kernels = quantises_activations(all.quantization) ? 6 : 4;
    Operator routed{OperatorKind::kExperts, "experts", layers, kernels};
    routed.format = all.quantization;
    stage_.experts.push_back(std::move(routed));
    if (plan_.data_parallel > 1) exchange(layers);
  }

  void shared_expert(std::int64_t layers) {
    const std::int64_t width = shard_.shared_intermediate;
    std::vector<Operator>& ops = stage_.beside_exchange;
    const Quantization format = card_.experts->quantization;
    ops.push_back(
        gemm("shared_gate_up_proj", layers, 2 * width, card_.hidden, card_.dtype, format));
    ops.push_back(stream("shared_silu_mul", layers, 3 * element_ * width));
    ops.push_back(gemm("shared_down_proj", layers, card_.hidden, width, card_.dtype, format));
  }

  void exchange(std::int64_t layers) {
    if (execution_.experts.all2all != All2All::kAllGatherReduceScatter) {
      stage_.exchange.push_back({OperatorKind::kDispatch, "dispatch", layers, 1});
      stage_.exchange.push_back({OperatorKind::kCombine, "combine", layers, 1});
      // Each tensor rank sent its part of the tokens, and needs all of their sums.
      if (split()) {
        token(collective(Collective::kAllGather, "experts_all_gather", layers, row_, shard_.ranks));
      }
      return;
    }
    const std::int64_t groups = plan_.data_parallel;
    stage_.exchange.push_back(
        collective(Collective::kAllGather, "experts_all_gather", layers, row_, groups));
    stage_.exchange.push_back(
        collective(Collective::kReduceScatter, "experts_reduce_scatter", layers, row_, groups));
  }

  /// After the mixer, and after MLP or experts unless DeepEP has summed them up.
  void all_reduces(const Tally& tally) {
    if (!split()) return;
    const bool summed =
        plan_.data_parallel > 1 && execution_.experts.all2all != All2All::kAllGatherReduceScatter;
    const std::int64_t cross = card_.has_cross_attention() ? tally.layers : 0;
    const std::int64_t mixers = tally.attention + tally.latent + tally.mamba + cross;
    const std::int64_t count = mixers + tally.mlp + (summed ? 0 : tally.experts);
    token(collective(Collective::kAllReduce, "all_reduce", count, row_, shard_.ranks));
  }

  void logits() {
    std::vector<Operator>& ops = stage_.rows;
    ops.push_back(stream("gather_rows", 1, 2 * row_));
    ops.push_back(gemm("lm_head", 1, shard_.vocab, card_.hidden, card_.dtype));
    const std::int64_t logits = card_.vocab;
    if (split()) {
      ops.push_back(collective(Collective::kAllGather, "logits_all_gather", 1, element_ * logits,
                               shard_.ranks));
    }
    const SamplerWork sampler =
        sampler_work(card_, execution_.sampling, execution_.sampler_workspace);
    ops.push_back(stream("sampler", 1, sampler.bytes_per_logit * logits, sampler.kernels));
    ops.back().serial = sampler.serial;
  }

  const ModelCard& card_;
  const Plan& plan_;
  const ExecutionOptions& execution_;
  const Shard& shard_;
  std::int64_t element_;
  std::int64_t row_;
  std::int64_t fused_rows_;
  StageGraph stage_;
};

EncoderGraph encoder_of(const ModelCard& card, const Shard& shard) {
  EncoderGraph graph;
  if (!card.encoder) return graph;
  const EncoderShape& encoder = *card.encoder;
  const std::int64_t element = element_bytes(card.dtype);
  const std::int64_t dim = encoder.hidden / encoder.heads;
  const std::int64_t width = shard.encoder_heads * dim;
  const std::int64_t mlp = shard.encoder_intermediate;
  const std::int64_t row = element * encoder.hidden;
  const auto linear = [&](const char* name, std::int64_t n, std::int64_t k) {
    return gemm(name, encoder.layers, n, k, card.dtype);
  };
  graph.tokens = {
      stream("encoder_norm", 2 * encoder.layers, 4 * row),
      linear("encoder_qkv_proj", 3 * width, encoder.hidden),
      linear("encoder_o_proj", encoder.hidden, width),
      linear("encoder_up_proj", (encoder.gated ? 2 : 1) * mlp, encoder.hidden),
      stream("encoder_activation", encoder.layers, (encoder.gated ? 3 : 2) * element * mlp),
      linear("encoder_down_proj", encoder.hidden, mlp)};
  if (shard.ranks > 1) {
    graph.tokens.push_back(collective(Collective::kAllReduce, "encoder_all_reduce",
                                      2 * encoder.layers, row, shard.ranks));
  }
  if (encoder.cross_attention) {
    const std::int64_t kv = shard.kv_heads * card.head_dim;
    graph.outputs = {gemm("cross_kv_proj", card.layers, 2 * kv, card.hidden, card.dtype),
                     stream("cross_kv_write", card.layers, 4 * kv * element)};
  }
  // Every token sees every other.
  const std::int64_t tiles = (encoder.tokens + SequenceMixer::kTile - 1) / SequenceMixer::kTile;
  graph.attention.flops =
      shard.encoder_heads * 4 * dim * tiles * tiles * SequenceMixer::kTile * SequenceMixer::kTile;
  graph.attention.bytes = 4 * encoder.tokens * width * element;
  graph.attention.kernels = 1;
  return graph;
}

/// Every kind of mixer once, and where each stage finds its own.
class Mixers {
 public:
  Mixers(const ModelCard& card, const Shard& shard, std::int64_t kv_bytes)
      : card_(card), shard_(shard), kv_bytes_(kv_bytes) {}

  [[nodiscard]] std::vector<MixerLayers> of(const Tally& tally) {
    std::vector<MixerLayers> layers;
    for (const auto& [window, count] : tally.attention_by_window) {
      const auto found = by_window_.find(window);
      if (found == by_window_.end()) {
        by_window_[window] = add(std::make_unique<Attention>(card_, shard_, kv_bytes_, window));
      }
      layers.push_back({by_window_[window], count});
    }
    if (tally.latent > 0) {
      if (!latent_) latent_ = add(make_latent_attention(card_, shard_, kv_bytes_));
      layers.push_back({*latent_, tally.latent});
    }
    if (tally.mamba > 0) {
      if (!state_space_) state_space_ = add(make_state_space(card_, shard_));
      layers.push_back({*state_space_, tally.mamba});
    }
    if (card_.has_cross_attention()) {
      if (!cross_) cross_ = add(make_cross_attention(card_, shard_, kv_bytes_));
      layers.push_back({*cross_, tally.layers});
    }
    return layers;
  }
  [[nodiscard]] std::vector<std::unique_ptr<SequenceMixer>> take() { return std::move(all_); }

 private:
  std::size_t add(std::unique_ptr<SequenceMixer> mixer) {
    all_.push_back(std::move(mixer));
    return all_.size() - 1;
  }

  const ModelCard& card_;
  const Shard& shard_;
  std::int64_t kv_bytes_;
  std::vector<std::unique_ptr<SequenceMixer>> all_;
  std::map<std::int64_t, std::size_t> by_window_;
  std::optional<std::size_t> latent_;
  std::optional<std::size_t> state_space_;
  std::optional<std::size_t> cross_;
};

Quantization decided(Quantization of_card, QuantizationOption asked, std::string_view name) {
  if (asked == QuantizationOption::kAuto) return of_card;
  const auto wanted = static_cast<Quantization>(static_cast<int>(asked));
  if (of_card == Quantization::kNone || of_card == wanted) return wanted;
  throw ConfigError({}, "engine.quantization",
                    fmt::format("is '{}', and the weights of {} are {} already", name_of(wanted),
                                name, name_of(of_card)));
}

}  // namespace

StageGraph StepGraph::whole() const {
  StageGraph all;
  for (const StageGraph& stage : stages) {
    all.layers += stage.layers;
    merge(all.tokens, stage.tokens);
    merge(all.beside_exchange, stage.beside_exchange);
    merge(all.experts, stage.experts);
    merge(all.exchange, stage.exchange);
    merge(all.rows, stage.rows);
    for (const MixerLayers& mixer : stage.mixers) {
      const auto same =
          std::find_if(all.mixers.begin(), all.mixers.end(),
                       [&](const MixerLayers& each) { return each.mixer == mixer.mixer; });
      if (same == all.mixers.end()) {
        all.mixers.push_back(mixer);
      } else {
        same->layers += mixer.layers;
      }
    }
  }
  return all;
}

StepGraph build_graph(const ModelCard& card, const Plan& plan, const ExecutionOptions& execution,
                      Bytes fused_all_reduce) {
  const Shard shard = shard_of(card, plan);
  StageWriter writer(card, plan, execution, shard, fused_all_reduce);
  Mixers mixers(card, shard, execution.kv_bytes(card));
  StepGraph graph;
  std::int64_t first = 0;
  for (const std::int64_t layers : stage_layers(card.layers, plan.pipeline_parallel)) {
    const Tally tally = tally_of(card, first, layers);
    const bool last = first + layers == card.layers;
    graph.stages.push_back(writer.write(tally, first == 0, last));
    graph.stages.back().mixers = mixers.of(tally);
    first += layers;
  }
  graph.mixers = mixers.take();
  graph.encoder = encoder_of(card, shard);
  // Hidden states and residual (IntermediateTensors).
  graph.handed_bytes_per_token = 2 * element_bytes(card.dtype) * card.hidden;
  return graph;
}

ModelCard as_run(const ModelCard& card, const GpuSpec& gpu, const ExecutionOptions& execution) {
  ModelCard run = card;
  run.dtype = execution.weight_type(card);
  const QuantizationOption asked = execution.quantization;
  run.quantization = as_run_on(gpu, decided(card.quantization, asked, card.name));
  if (card.experts) {
    run.experts->quantization =
        as_run_on(gpu, decided(card.experts->quantization, asked, card.name));
  }
  return run;
}

}  // namespace orrery
