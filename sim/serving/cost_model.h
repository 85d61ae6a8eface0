// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_COST_MODEL_H_
#define ORRERY_SIM_SERVING_COST_MODEL_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace orrery {

/// A stretch of a prompt (or of a recomputed sequence) that one step processes.
struct PrefillChunk {
  std::int32_t tokens = 0;
  /// Tokens of the same sequence whose KV is already there: computed earlier or hit in the cache.
  std::int32_t context = 0;
  /// Whether the chunk reaches the end of what is known, so that its last row is sampled.
  bool samples = false;
};

/// Sufficient statistics of a ragged batch, kept incrementally by the replica.
struct BatchShape {
  /// Context is counted per decode as the KV tokens its query attends to, itself included.
  std::int32_t decodes = 0;
  std::int32_t sampled_rows = 0;
  std::int32_t new_blocks = 0;
  /// Full blocks whose prefix hash was computed in this step.
  std::int32_t hashed_blocks = 0;
  std::int64_t decode_context = 0;
  std::int64_t decode_context_max = 0;
  /// Sum over decodes of ceil(context / kDecodeTileTokens).
  std::int64_t decode_tiles = 0;
  std::span<const PrefillChunk> chunks;
  /// Sum of the chunks' tokens.
  std::int64_t prefill_tokens = 0;

  [[nodiscard]] std::int64_t tokens() const { return prefill_tokens + decodes; }
  [[nodiscard]] std::int64_t scheduled_requests() const {
    return decodes + static_cast<std::int64_t>(chunks.size());
  }
};

/// FlashAttention's split-KV decode kernels walk the context in tiles of this many tokens.
inline constexpr std::int32_t kDecodeTileTokens = 128;

struct StepCost {
  /// Time on the device, from the first kernel to the sampled token ids. Of a pipeline: that of all
  /// stages and the ways between them, as a step takes that nothing stands in the way of.
  Duration device;
  /// CPU time of the engine's own loop for this step (scheduling, input preparation, update).
  Duration host;
  /// Share of `device` that rests on figures outside what was measured; 0 to 1.
  float extrapolated_share = 0;
};

/// What one stage of a pipeline takes for a step.
struct StageCost {
  Duration busy;
  /// The way of what it computed to the next stage; the last one's is that of the sampled tokens
  /// to the first stage.
  Duration hand_over;
};

/// One line of `orrery explain`.
struct OperatorCost {
  std::string name;
  std::string shape;
  /// How many times a step launches it.
  std::int64_t count = 1;
  /// Of all launches together.
  Flops flops;
  Bytes bytes;
  Duration time;
  /// What bounds it: "compute", "memory", "link", "launch" or "host"; "formula" where a cost was
  /// given and nothing is modelled.
  std::string bound;
  /// The formula or the measured rows it rests on.
  std::string basis;
};

struct StageLine {
  std::int64_t layers = 0;
  StageCost cost;
};

struct Breakdown {
  std::vector<OperatorCost> operators;
  /// Of a pipeline; else none.
  std::vector<StageLine> stages;
  /// `full graph of 256`, `piecewise graphs of 512`, `no graph`: how the step is launched.
  std::string launch_mode;
};

/// How a pipeline runs steps of one kind.
struct PipelineRates {
  /// One alone: all stages, and the ways between them.
  Duration lone_step;
  /// From one step to the next where as many are in flight as there are stages, and each waits for
  /// the tokens of the one so many before: the slowest stage's time, or its part of a whole round.
  Duration period;
  /// Share of the stages' time in which they wait while a lone step goes through, and while as many
  /// are in flight as there are stages.
  double lone_bubble = 0;
  double full_bubble = 0;
};
[[nodiscard]] PipelineRates pipeline_rates(std::span<const StageCost> stages);

/// What an engine step costs. A pure function of the shape: it may memoise, it remembers no last
/// call. Asked once a step, so under 200 ns.
class CostModel {
 public:
  virtual ~CostModel() = default;
  [[nodiscard]] virtual StepCost cost(const BatchShape& shape) const = 0;
  /// The same, and what each stage of a pipeline takes: `stages` has an element for each, and their
  /// times and the ways between them sum to `device`. A model that knows no stages shares its time
  /// evenly among them.
  [[nodiscard]] virtual StepCost cost_of_stages(const BatchShape& shape,
                                                std::span<StageCost> stages) const;
  /// Operator by operator; the times sum to cost(shape).device exactly.
  virtual void explain(const BatchShape& shape, Breakdown& breakdown) const = 0;
  /// The trust line of a result: `roofline, not calibrated; ...`.
  [[nodiscard]] virtual std::string basis() const = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_COST_MODEL_H_
