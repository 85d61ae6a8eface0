// SPDX-License-Identifier: Apache-2.0
//
// A graph compiled into a flat program: tables by padded token count, by rows with logits and by
// tokens that share experts; a step adds what depends on its sequences. Seen by its own files and
// by transformer.cpp alone.
#ifndef ORRERY_MODELS_TRANSFORMER_STEP_PROGRAM_H_
#define ORRERY_MODELS_TRANSFORMER_STEP_PROGRAM_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/links/link_table.h"
#include "models/operators/operator_times.h"
#include "models/plans/plan.h"
#include "models/transformer/cuda_graphs.h"
#include "models/transformer/execution.h"
#include "models/transformer/graph.h"
#include "sim/hardware/gpu.h"
#include "sim/serving/cost_model.h"

namespace orrery {

inline constexpr std::size_t kMostMixers = 8;

/// One rank's part of a step. All stages of a pipeline work on the same one, one after another.
struct RankBatch {
  RankSequences sequences;
  /// Before padding, with logits, and over all ranks that share experts.
  std::int64_t tokens = 0;
  std::int64_t logits = 0;
  std::int64_t shared_tokens = 0;
  /// KV tokens of the chunks and their contexts, and decodes, that context-parallel ranks exchange.
  std::int64_t chunk_kv = 0;
  /// Encoder items of the whole batch.
  std::int64_t items = 0;
};

/// A stage's operators as tables.
struct StageProgram {
  StageGraph graph;
  std::int64_t token_kernels = 0;
  std::int64_t row_kernels = 0;
  std::int64_t attention_layers = 0;
  std::vector<OpTime> token_times;
  /// Where experts are shared by ranks with tokens of their own; else all is in token_times.
  std::vector<OpTime> expert_times;
  std::vector<OpTime> exchange_times;
  std::vector<OpTime> beside_times;
};

class StepProgram final : public CostModel {
 public:
  StepProgram(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
              const ExecutionOptions& options, std::shared_ptr<const LinkCost> links,
              const std::vector<KernelFit>* fits, std::shared_ptr<const MemoryRates> memory);

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    return cost_of_stages(shape, {});
  }
  [[nodiscard]] StepCost cost_of_stages(const BatchShape& shape,
                                        std::span<StageCost> stages) const override;
  void explain(const BatchShape& shape, Breakdown& breakdown) const override;
  [[nodiscard]] std::string basis() const override;

 private:
  /// What a step is made of before its stages are looked at.
  struct Step {
    RankBatch rank;
    CudaGraphs::Launch launch;
    /// One layer's, by mixer.
    std::array<OpTime, kMostMixers> mixers;
  };

  /// vLLM computes logits for the last token of every scheduled request, also of a chunk that
  /// does not end its prompt, and throws those away.
  [[nodiscard]] static std::int64_t logit_rows(const BatchShape& shape) {
    return std::max<std::int64_t>(shape.sampled_rows, shape.scheduled_requests());
  }
  [[nodiscard]] RankBatch rank_of(const BatchShape& shape) const;
  void divide(const BatchShape& shape, RankBatch& rank) const;
  void count_items(const BatchShape& shape, RankBatch& rank) const;

  void prepare();
  void fill_links();
  void fill_encoder();
  [[nodiscard]] OpTime encoder_once(std::int64_t items) const;
  [[nodiscard]] OpTime encoder_time(std::int64_t items) const;
  [[nodiscard]] StageProgram compile(StageGraph stage) const;
  [[nodiscard]] bool shares_experts() const {
    return plan_.data_parallel > 1 && card_.has_experts();
  }
  [[nodiscard]] OpTime beside(const Operator& op, std::int64_t rows) const;
  [[nodiscard]] OpTime sum(const std::vector<Operator>& ops, std::int64_t rows) const;
  [[nodiscard]] std::vector<OpTime> table(const std::vector<Operator>& ops,
                                          std::int64_t most) const;
  /// Beyond what the engine would batch the same sum is done on the spot.
  [[nodiscard]] OpTime look_up(const std::vector<OpTime>& times, const std::vector<Operator>& ops,
                               std::int64_t rows) const {
    const auto index = static_cast<std::size_t>(rows);
    return index < times.size() ? times[index] : sum(ops, rows);
  }

  /// Tokens that the ranks which share experts have together: real ones, or as many as graphs are
  /// padded to.
  [[nodiscard]] std::int64_t expert_tokens(const RankBatch& rank,
                                           const CudaGraphs::Launch& launch) const {
    if (launch.mode == LaunchMode::kNoGraph) return rank.shared_tokens;
    return launch.padded_tokens * plan_.data_parallel;
  }
  [[nodiscard]] OpTime token_time(const StageProgram& stage, std::int64_t rows) const;
  [[nodiscard]] OpTime shared_experts_time(const StageProgram& stage, std::int64_t rows,
                                           std::int64_t expert_rows) const;
  [[nodiscard]] OpTime mixer_time(std::size_t mixer, const RankBatch& rank) const;
  /// What context-parallel ranks wait for each other in one layer.
  [[nodiscard]] OpTime context_exchange(Duration chunks, const RankBatch& rank) const;
  [[nodiscard]] Step step_of(const BatchShape& shape) const;
  /// The device's time of one stage, without what it waits for launches.
  [[nodiscard]] OpTime stage_time(const StageProgram& stage, const Step& step) const;
  /// The way of the step to the next stage; of its tokens back to the first one.
  [[nodiscard]] Duration hand_over(const StageProgram& stage, const Step& step) const;

  /// Host time of a stage's launches: it cannot be done before its host has sent the last.
  [[nodiscard]] Duration host_launches(const StageProgram& stage, const BatchShape& shape,
                                       const Step& step) const;

  void explain_operators(const std::vector<Operator>& ops, std::int64_t rows,
                         Breakdown& breakdown) const;
  void explain_experts(const RankBatch& rank, const CudaGraphs::Launch& launch,
                       Breakdown& breakdown) const;
  void explain_mixers(const RankBatch& rank, Breakdown& breakdown) const;
  void explain_encoder(const RankBatch& rank, Breakdown& breakdown) const;
  void explain_stages(const BatchShape& shape, const Step& step, Breakdown& breakdown) const;

  ModelCard card_;
  GpuSpec gpu_;
  Plan plan_;
  ExecutionOptions options_;
  CudaGraphs graphs_;
  StepGraph graph_;
  /// All stages as one, for what does not depend on the stage.
  StageGraph whole_;
  OperatorTimes times_;
  std::vector<StageProgram> stages_;
  std::vector<OpTime> row_times_;
  /// From one stage to the next, by tokens; and from the last to the first, by rows sampled.
  LinkTable hand_over_;
  LinkTable tokens_back_;
  /// Between context-parallel ranks: a layer's KV by tokens, and decodes' outputs.
  LinkTable context_kv_;
  LinkTable context_outputs_;
  std::vector<OpTime> encoder_times_;
  std::int64_t encoder_kernels_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_STEP_PROGRAM_H_
