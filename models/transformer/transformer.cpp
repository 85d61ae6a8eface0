// SPDX-License-Identifier: Apache-2.0
#include "models/transformer/transformer.h"

#include <utility>

#include "models/transformer/step_program.h"

namespace orrery {

std::unique_ptr<CostModel> make_roofline(const ModelCard& card, const GpuSpec& gpu,
                                         const Plan& plan, const ExecutionOptions& options,
                                         std::shared_ptr<const LinkCost> links,
                                         std::shared_ptr<const MemoryRates> memory) {
  check_plan(card, plan);
  return std::make_unique<StepProgram>(card, gpu, plan, options, std::move(links), nullptr,
                                       std::move(memory));
}

std::unique_ptr<CostModel> make_calibrated(const ModelCard& card, const GpuSpec& gpu,
                                           const Plan& plan, const ExecutionOptions& options,
                                           const std::vector<KernelFit>& fits,
                                           std::shared_ptr<const LinkCost> links,
                                           std::shared_ptr<const MemoryRates> memory) {
  check_plan(card, plan);
  return std::make_unique<StepProgram>(card, gpu, plan, options, std::move(links), &fits,
                                       std::move(memory));
}

}  // namespace orrery
