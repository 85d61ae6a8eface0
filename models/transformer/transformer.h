// SPDX-License-Identifier: Apache-2.0
//
// What a step of a transformer costs, from datasheet peaks and closed forms: works for
// hardware nobody has, and says that it is not calibrated.
#ifndef ORRERY_MODELS_TRANSFORMER_TRANSFORMER_H_
#define ORRERY_MODELS_TRANSFORMER_TRANSFORMER_H_

#include <memory>
#include <vector>

#include "models/calibration/kernel_fit.h"
#include "models/cards/model_card.h"
#include "models/links/link_cost.h"
#include "models/operators/memory_rates.h"
#include "models/plans/plan.h"
#include "models/transformer/execution.h"
#include "sim/hardware/gpu.h"
#include "sim/serving/cost_model.h"

namespace orrery {

/// All operators are compiled here, once, into a table by padded token count and one by rows with
/// logits; a step adds attention. Without `links`, ranks talk as make_roofline_links has it;
/// without `memory` it has the shares of `gpu.roofline`. Throws ConfigError where plan, model and
/// GPU do not fit.
[[nodiscard]] std::unique_ptr<CostModel> make_roofline(
    const ModelCard& card, const GpuSpec& gpu, const Plan& plan, const ExecutionOptions& options,
    std::shared_ptr<const LinkCost> links = {}, std::shared_ptr<const MemoryRates> memory = {});

/// The same with GEMMs and attention from measured kernels; norms and copies are roofline still,
/// and count as extrapolated, as collectives do where `links` are. Measured kernels contain their
/// memory: of `memory` norms, copies and KV writes take their rates, and decode attention what its
/// blocks cost over those it was measured with. Throws ConfigError where a kernel set is missing.
[[nodiscard]] std::unique_ptr<CostModel> make_calibrated(
    const ModelCard& card, const GpuSpec& gpu, const Plan& plan, const ExecutionOptions& options,
    const std::vector<KernelFit>& fits, std::shared_ptr<const LinkCost> links = {},
    std::shared_ptr<const MemoryRates> memory = {});

}  // namespace orrery

#endif  // ORRERY_MODELS_TRANSFORMER_TRANSFORMER_H_
