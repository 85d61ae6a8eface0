// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_EXPLAIN_H_
#define ORRERY_SIM_STUDY_EXPLAIN_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/serving/cost_model.h"
#include "sim/study/scenario.h"

namespace orrery {

/// A batch as a user describes it.
struct BatchDescription {
  std::vector<PrefillChunk> chunks;
  struct Decodes {
    std::int32_t count = 0;
    std::int64_t context = 0;
  };
  std::vector<Decodes> decodes;
};

/// `TOKENS[@CONTEXT]` each, `COUNT@CONTEXT` each. Throws ConfigError for what is not that, and if
/// both are empty.
[[nodiscard]] BatchDescription parse_batch(std::span<const std::string> prefills,
                                           std::span<const std::string> decodes);

/// The statistics a cost model sees. The shape's spans live as long as the description.
[[nodiscard]] BatchShape shape_of(const BatchDescription& batch);

/// One step of a scenario's engine.
struct Explanation {
  std::string batch;
  StepCost cost;
  Breakdown breakdown;
  std::string basis;
  /// Of a pipeline: its stages, a lone step, and many.
  std::optional<PipelineRates> rates;
  std::vector<std::string> pipeline;
  /// Where the GPU's memory goes (nothing where blocks were given as a number), and what it gives
  /// by pattern where that is not the roofline's shares.
  std::vector<std::string> memory;
};
[[nodiscard]] Explanation explain(const Scenario& scenario, const BatchDescription& batch);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_EXPLAIN_H_
