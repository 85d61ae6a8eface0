// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_DEVICE_TIMELINE_H_
#define ORRERY_SIM_SERVING_DEVICE_TIMELINE_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/serving/cost_model.h"
#include "sim/serving/observer.h"

namespace orrery {

/// When a replica's device works on its steps. It has one stage or, as a pipeline, several, each
/// with one step at a time and all steps in their order: a stage begins when the stage before has
/// handed the step over and the step before has left.
class DeviceTimeline {
 public:
  explicit DeviceTimeline(std::int32_t stages)
      : free_(static_cast<std::size_t>(stages)), tokens_back_(free_.size()) {}

  /// A step that the host has ready at that time, and what each stage takes for it. The first stage
  /// of one that `continues` also needs the tokens of the lane's step before.
  void run(std::span<const StageCost> costs, Instant ready, std::int32_t lane, bool continues,
           std::span<StageWork> work) {
    Instant& tokens_back = tokens_back_[static_cast<std::size_t>(lane)];
    if (continues) ready = std::max(ready, tokens_back);
    for (std::size_t i = 0; i < free_.size(); ++i) {
      work[i].start = std::max(ready, free_[i]);
      work[i].end = free_[i] = work[i].start + costs[i].busy;
      ready = work[i].end + costs[i].hand_over;
    }
    tokens_back = ready;
  }

 private:
  std::vector<Instant> free_;
  std::vector<Instant> tokens_back_;  // by lane: its newest step's are at the first stage
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_DEVICE_TIMELINE_H_
