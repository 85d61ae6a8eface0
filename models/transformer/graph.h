// SPDX-License-Identifier: Apache-2.0
//
// The kernels of a step as vLLM launches them after torch.compile (vllm/model_executor/models/
// {llama,mixtral,deepseek_v2,gpt_oss,gemma3,bamba,whisper}.py), on one rank of a plan, stage by
// stage: QKV and gate-up are one GEMM each, residual adds ride with the norms, and so do
// quantisations of what norms and activations put out. A plan enters as the rank's shard, the
// collectives between ranks, and which layers a stage has.
#ifndef ORRERY_MODELS_TRANSFORMER_GRAPH_H_
#define ORRERY_MODELS_TRANSFORMER_GRAPH_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "models/operators/attention.h"
#include "models/operators/operators.h"
#include "models/plans/plan.h"
#include "models/transformer/execution.h"

namespace orrery {

/// A mixer and how many layers of a stage have it.
struct MixerLayers {
  std::size_t mixer;
  std::int64_t layers;
};

struct StageGraph {
  std::int64_t layers = 0;
  /// Over every token of a rank.
  std::vector<Operator> tokens;
  /// Of those, what may run on a second stream beside the exchange of routed tokens.
  std::vector<Operator> beside_exchange;
  /// Over the tokens of all ranks that share experts.
  std::vector<Operator> experts;
  /// The exchange of routed tokens between those ranks.
  std::vector<Operator> exchange;
  /// Over the rows that get logits: LM head and sampler.
  std::vector<Operator> rows;
  std::vector<MixerLayers> mixers;
};

/// What one item (a picture, a recording) costs besides attention among its tokens.
struct EncoderGraph {
  /// Over the item's tokens.
  std::vector<Operator> tokens;
  /// Over those the decoder gets: its keys and values for cross-attention.
  std::vector<Operator> outputs;
  AttentionWork attention;
};

struct StepGraph {
  std::vector<StageGraph> stages;
  /// What the stages' MixerLayers point to.
  std::vector<std::unique_ptr<SequenceMixer>> mixers;
  EncoderGraph encoder;
  /// Bytes a token that one stage hands to the next.
  std::int64_t handed_bytes_per_token = 0;

  /// All stages as one.
  [[nodiscard]] StageGraph whole() const;
};

/// `card` as `execution` runs it on `gpu`: dtype and quantisation decided (as_run()). All-reduces
/// of vectors up to `fused_all_reduce` take their norms along (all_reduce_norm.h).
[[nodiscard]] StepGraph build_graph(const ModelCard& card, const Plan& plan,
                                    const ExecutionOptions& execution,
                                    Bytes fused_all_reduce = Bytes());

/// The model with the engine's dtype and quantisation, as the GPU runs it. Throws ConfigError where
/// the engine's options contradict the weights.
[[nodiscard]] ModelCard as_run(const ModelCard& card, const GpuSpec& gpu,
                               const ExecutionOptions& execution);

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_GRAPH_H_
