// SPDX-License-Identifier: Apache-2.0
//
// How long each operator of a graph takes on a GPU: from measured kernels where there are some,
// else from the roofline, links and published figures.
#ifndef ORRERY_MODELS_OPERATORS_OPERATOR_TIMES_H_
#define ORRERY_MODELS_OPERATORS_OPERATOR_TIMES_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/kernel_fit.h"
#include "models/calibration/step_kernels.h"
#include "models/links/all_to_all.h"
#include "models/links/link_cost.h"
#include "models/operators/attention.h"
#include "models/operators/memory_rates.h"
#include "models/operators/operators.h"
#include "models/operators/roofline.h"
#include "models/plans/expert_routing.h"
#include "models/plans/plan.h"
#include "models/transformer/execution.h"
#include "sim/hardware/gpu.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// A time, and how much of it was not measured.
struct OpTime {
  Duration time;
  Duration guessed;

  OpTime& operator+=(const OpTime& other) {
    time += other.time;
    guessed += other.guessed;
    return *this;
  }
  friend OpTime operator*(const OpTime& once, std::int64_t count) {
    return {once.time * count, once.guessed * count};
  }
};

/// What one rank has of a step's sequences: a plan's other ranks have the rest.
struct RankSequences {
  /// The rank's decodes; its chunks are those of the whole step, of which it has one of
  /// `chunk_parts` equal parts.
  BatchShape shape;
  std::int64_t chunk_parts = 1;
};

class OperatorTimes {
 public:
  /// `card` as the GPU runs it (as_run()). Without `fits` everything is roofline. Throws
  /// ConfigError where the GPU has no rate for the type, or `fits` lack the model's own kernels:
  /// those of its dtype. Others that are missing are roofline, counted as guessed and named in
  /// missing().
  OperatorTimes(const ModelCard& card, const GpuSpec& gpu, const Plan& plan,
                const ExecutionOptions& options, std::shared_ptr<const LinkCost> links,
                const std::vector<KernelFit>* fits, std::shared_ptr<const MemoryRates> memory);

  OperatorTimes(const OperatorTimes&) = delete;
  OperatorTimes& operator=(const OperatorTimes&) = delete;

  [[nodiscard]] bool calibrated() const { return kernels_ != nullptr; }
  [[nodiscard]] const LinkCost& links() const { return *links_; }
  [[nodiscard]] const MemoryRates* memory() const { return memory_.get(); }
  [[nodiscard]] const Roofline& roofline() const { return roofline_; }
  /// Makes ready for the operators of a graph.
  void prepare(const std::vector<Operator>& ops);

  /// Of one time. Routed experts and their exchange take the tokens of all ranks that share them.
  [[nodiscard]] OpTime of(const Operator& op, std::int64_t rows) const;
  /// Of one layer.
  [[nodiscard]] OpTime chunks(const SequenceMixer& mixer, const RankSequences& rank) const;
  [[nodiscard]] OpTime decodes(const SequenceMixer& mixer, const RankSequences& rank) const;

  /// Lines of `orrery explain`; all `count` times together.
  [[nodiscard]] OperatorCost explain(const Operator& op, std::int64_t rows) const;
  [[nodiscard]] OperatorCost explain_chunks(const SequenceMixer& mixer, const RankSequences& rank,
                                            std::int64_t layers) const;
  [[nodiscard]] OperatorCost explain_decodes(const SequenceMixer& mixer, const RankSequences& rank,
                                             std::int64_t layers) const;
  /// `GEMM from 1234 rows of ...`.
  [[nodiscard]] std::string kernels_basis() const;
  /// Parts of the model that have no measured kernels on this GPU.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }
  /// `1.32 at 256 tokens`: the rank with most rows over the mean.
  [[nodiscard]] double imbalance(std::int64_t tokens) const;

 private:
  void take_kernels(const std::vector<KernelFit>& fits);
  [[nodiscard]] const KernelFit* find(const KernelSet& set) const;
  void note_missing(const std::string& what);
  [[nodiscard]] const KernelFit* gemm_fit(const Operator& op) const;
  [[nodiscard]] FittedTime fitted_gemm(const Operator& op, std::int64_t rows) const;
  [[nodiscard]] KernelShape experts_shape(std::int64_t tokens) const;
  [[nodiscard]] AttentionWork experts_work(const ExpertLoad& load, std::int64_t tokens) const;
  [[nodiscard]] BoundTime experts_roofline(const ExpertLoad& load, std::int64_t tokens) const;
  [[nodiscard]] BoundTime bound_time(const Operator& op, std::int64_t rows) const;
  [[nodiscard]] std::string basis_of(const Operator& op, std::int64_t rows) const;
  /// Whole heads whose fits say something about the mixer; none: roofline.
  [[nodiscard]] const Attention* fitted(const SequenceMixer& mixer) const;
  [[nodiscard]] std::int64_t exchanged(std::int64_t tokens) const;
  /// What binds the fitted kernel at the mean of the step's sequences.
  [[nodiscard]] std::string attention_bound(MeasuredOp op, std::int64_t batch, std::int64_t query,
                                            std::int64_t context) const;

  ModelCard card_;
  GpuSpec gpu_;
  Plan plan_;
  Shard shard_;
  ExecutionOptions options_;
  /// None: the shares of the GPU's roofline.
  std::shared_ptr<const MemoryRates> memory_;
  Roofline roofline_;
  std::shared_ptr<const LinkCost> links_;
  std::optional<DeepEp> deep_ep_;
  std::optional<ExpertLoads> loads_;
  /// Plain attention of the model's heads, to which a window's is compared.
  Attention whole_attention_;

  std::vector<KernelFit> fits_;
  std::unique_ptr<StepKernels> kernels_;
  std::string dtype_;
  std::string kv_dtype_;
  const KernelFit* experts_fit_ = nullptr;
  std::vector<std::string> missing_;
  /// Measured GEMMs of other types than the model's own, by rows.
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<FittedTime>> quantised_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_OPERATOR_TIMES_H_
