// SPDX-License-Identifier: Apache-2.0
//
// Random worlds for the serving engine: small enough to be walked step by step, and mean: KV hardly
// larger than the largest request, budgets smaller than the batch, turns that quote each other.
#ifndef ORRERY_TESTS_PROPERTY_SCENARIO_H_
#define ORRERY_TESTS_PROPERTY_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/serving/engine_options.h"
#include "sim/serving/frontend.h"
#include "tests/world/options_by_name.h"
#include "tests/world/planned_source.h"
#include "tests/world/shape_cost.h"

namespace orrery::property {

struct Scenario {
  std::uint64_t seed = 0;
  std::string scheduler;
  world::NamedOptions scheduler_options;
  std::string eviction;
  std::string router;
  std::int32_t replicas = 1;
  EngineOptions engine;
  FrontendOptions frontend;
  world::ShapeCostOptions cost;
  std::vector<world::PlannedRequest> plan;
  /// Some request can never be served, so the run may end in a standstill.
  bool may_stall = false;
  /// Two requests of equal rank may preempt each other for ever, as vLLM's would: the gate is off
  /// and ties of priority are possible.
  bool may_circle = false;

  [[nodiscard]] bool is_vllm() const { return scheduler == "vllm-v1"; }
  [[nodiscard]] bool by_priority() const {
    return scheduler_options.words.contains("scheduling_policy");
  }
  [[nodiscard]] double number(const std::string& key, double otherwise) const {
    const auto found = scheduler_options.numbers.find(key);
    return found == scheduler_options.numbers.end() ? otherwise : found->second;
  }
  /// One line for the report of a failure.
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] Scenario make_scenario(std::uint64_t seed);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_SCENARIO_H_
