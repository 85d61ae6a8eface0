// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_PIPELINE_H_
#define ORRERY_SIM_SERVING_PIPELINE_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/serving/cost_model.h"
#include "sim/serving/observer.h"

namespace orrery {

/// When the stages of a pipeline work on its steps: each on one at a time and on all in their
/// order. A stage begins when the stage before has handed the step over and the step before has
/// left.
class Pipeline {
 public:
  explicit Pipeline(std::size_t stages) : costs_(stages), free_(stages), tokens_back_(stages) {}

  /// What the coming step takes, to be filled in.
  [[nodiscard]] std::span<StageCost> costs() { return costs_; }

  /// The step that the host has ready at that time. The first stage of one that `takes_tokens` gets
  /// those of the lane's step before from the last stage.
  void run(Instant ready, std::int32_t lane, bool takes_tokens, std::vector<StageWork>& work) {
    Instant& tokens_back = tokens_back_[static_cast<std::size_t>(lane)];
    if (takes_tokens) ready = std::max(ready, tokens_back);
    work.resize(free_.size());
    for (std::size_t i = 0; i < free_.size(); ++i) {
      work[i].start = std::max(ready, free_[i]);
      work[i].end = free_[i] = work[i].start + costs_[i].busy;
      ready = work[i].end + costs_[i].hand_over;
    }
    tokens_back = ready;
  }

 private:
  std::vector<StageCost> costs_;
  std::vector<Instant> free_;
  std::vector<Instant> tokens_back_;  // by lane: its newest step's are at the first stage
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_PIPELINE_H_
