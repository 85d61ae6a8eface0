// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/cost_model.h"

#include <algorithm>

namespace orrery {

StepCost CostModel::cost_of_stages(const BatchShape& shape, std::span<StageCost> stages) const {
  const StepCost whole = cost(shape);
  const auto count = static_cast<std::int64_t>(stages.size());
  Duration before;
  for (std::int64_t i = 0; i < count; ++i) {
    const Duration until(whole.device.count() * (i + 1) / count);
    stages[static_cast<std::size_t>(i)] = {until - before, Duration()};
    before = until;
  }
  return whole;
}

PipelineRates pipeline_rates(std::span<const StageCost> stages) {
  PipelineRates rates;
  Duration busy;
  Duration round;
  for (const StageCost& stage : stages) {
    busy += stage.busy;
    round += stage.busy + stage.hand_over;
    rates.period = std::max(rates.period, stage.busy);
  }
  rates.lone_step = round - stages.back().hand_over;
  const auto count = static_cast<std::int64_t>(stages.size());
  rates.period = std::max(rates.period, Duration(round.count() / count));
  const auto waits = [&](Duration step) {
    const double offered = to_seconds(step) * static_cast<double>(stages.size());
    return offered > 0 ? 1 - to_seconds(busy) / offered : 0;
  };
  rates.lone_bubble = waits(rates.lone_step);
  rates.full_bubble = waits(rates.period);
  return rates;
}

}  // namespace orrery
