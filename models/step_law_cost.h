// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_STEP_LAW_COST_H_
#define ORRERY_MODELS_STEP_LAW_COST_H_

#include <memory>

#include "sim/hardware/step_law.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// A step as its law has it, whatever the model: the log is of one model and plan.
[[nodiscard]] std::unique_ptr<CostModel> make_step_law_cost(const StepLaw& law);

}  // namespace orrery

#endif  // ORRERY_MODELS_STEP_LAW_COST_H_
