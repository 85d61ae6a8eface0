// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_CALIBRATION_ROUTING_H_
#define ORRERY_SIM_STUDY_CALIBRATION_ROUTING_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "models/calibration/expert_load.h"

namespace orrery {

/// What a rank's experts get of `tokens` that go to `top_k` of `experts` each.
struct Routing {
  std::int64_t tokens = 0;
  std::int64_t experts = 0;
  std::int64_t local_experts = 0;
  std::int64_t top_k = 0;
};

/// As aiconfigurator's collector deals tokens to experts (collector/helper.py, balanced_logits and
/// power_law_logits_v3, which its vLLM collector calls): `balanced` goes round with a stride, rank
/// 0 looks; `power_law_A` draws each expert's share from a power law of exponent A, the rank with
/// the most rows looks, and ten draws are timed together. Their draws are not recorded: ours are
/// the mean of ten with a fixed seed. Nothing for a name that is neither.
[[nodiscard]] std::optional<ExpertLoad> aiconfigurator_load(std::string_view distribution,
                                                            const Routing& routing);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_ROUTING_H_
