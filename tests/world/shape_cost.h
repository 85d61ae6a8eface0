// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_WORLD_SHAPE_COST_H_
#define ORRERY_TESTS_WORLD_SHAPE_COST_H_

#include <cstdint>
#include <string>

#include "sim/serving/cost_model.h"

namespace orrery::world {

/// A step cost that looks at every statistic of the batch, so that one that is off by one moves the
/// clock and with it every later fact. All in picoseconds.
struct ShapeCostOptions {
  std::int64_t base = 1'000'000'000;
  std::int64_t token = 10'000'000;
  std::int64_t decode_context = 0;
  std::int64_t decode_context_max = 0;
  std::int64_t decode_tile = 0;
  std::int64_t sampled_row = 0;
  std::int64_t chunk = 0;
  std::int64_t chunk_token_context = 0;
  /// Of a pipeline: the stages that share the above unevenly, the first least (1: evenly); what
  /// each hand-over takes; and what the last stage takes besides.
  std::int64_t stages = 1;
  std::int64_t hand_over = 0;
  std::int64_t last_stage = 0;
  std::int64_t host_base = 0;
  std::int64_t host_request = 0;
  std::int64_t host_new_block = 0;
  std::int64_t host_hashed_block = 0;
};

class ShapeCost final : public CostModel {
 public:
  explicit ShapeCost(const ShapeCostOptions& options) : o_(options) {}

  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    std::int64_t device = o_.base + o_.token * shape.tokens() +
                          o_.decode_context * shape.decode_context +
                          o_.decode_context_max * shape.decode_context_max +
                          o_.decode_tile * shape.decode_tiles + o_.sampled_row * shape.sampled_rows;
    for (const PrefillChunk& chunk : shape.chunks) {
      device += o_.chunk + o_.chunk_token_context * chunk.tokens * (chunk.context + 1) +
                (chunk.samples ? o_.sampled_row : 0);
    }
    const std::int64_t host = o_.host_base + o_.host_request * shape.scheduled_requests() +
                              o_.host_new_block * shape.new_blocks +
                              o_.host_hashed_block * shape.hashed_blocks;
    if (o_.stages > 1) device += (o_.stages - 1) * o_.hand_over + o_.last_stage;
    return {picoseconds(device), picoseconds(host), 0};
  }
  /// Stage i of n takes i of n (n + 1) / 2 parts.
  [[nodiscard]] StepCost cost_of_stages(const BatchShape& shape,
                                        std::span<StageCost> stages) const override {
    if (o_.stages == 1) return CostModel::cost_of_stages(shape, stages);
    const StepCost whole = cost(shape);
    const std::int64_t ways = (o_.stages - 1) * o_.hand_over;
    const std::int64_t shared = whole.device.count() - ways - o_.last_stage;
    const std::int64_t parts = o_.stages * (o_.stages + 1) / 2;
    std::int64_t given = 0;
    for (std::int64_t i = 0; i < o_.stages; ++i) {
      const std::int64_t until = shared * ((i + 1) * (i + 2) / 2) / parts;
      const std::int64_t besides = i + 1 == o_.stages ? o_.last_stage : 0;
      stages[static_cast<std::size_t>(i)] = {picoseconds(until - given + besides),
                                             picoseconds(o_.hand_over)};
      given = until;
    }
    return whole;
  }
  void explain(const BatchShape&, Breakdown&) const override {}
  [[nodiscard]] std::string basis() const override { return "test"; }

 private:
  ShapeCostOptions o_;
};

}  // namespace orrery::world

#endif  // ORRERY_TESTS_WORLD_SHAPE_COST_H_
