// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_WORLD_H_
#define ORRERY_SIM_STUDY_WORLD_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/cards/model_card.h"
#include "models/operators/memory_rates.h"
#include "models/transformer/memory.h"
#include "sim/hardware/gpu.h"
#include "sim/serving/cost_model.h"
#include "sim/serving/replica.h"
#include "sim/study/devices/nodes.h"
#include "sim/study/scenario.h"

namespace orrery {

/// What a scenario's names stand for: model, machine, memory, and what a step costs. The engine's
/// own defaults are decided here, as the engine decides them.
struct World {
  std::optional<ModelCard> model;
  std::optional<GpuSpec> gpu;
  /// The machine or the cluster that the GPUs are in, where the scenario names one.
  std::optional<NodeSpec> node;
  std::optional<ClusterSpec> cluster;
  std::optional<MemoryAccount> memory;
  /// What holds the KV cache and attends to it, where that is not the GPU.
  std::optional<PimStacks> pim;
  EngineOptions engine;
  std::shared_ptr<const CostModel> cost;
  /// What memory gives, where `fidelity.memory` is not the roofline's shares.
  std::shared_ptr<const MemoryRates> memory_rates;
  /// What was decided and a user should know: one sentence each.
  std::vector<std::string> remarks;
};

/// Throws ConfigError for what cannot be: a model without hardware, a KV cache that does not hold
/// max_model_len, a plan that does not divide the heads.
[[nodiscard]] World build_world(const Scenario& scenario);

/// The parts of replica number `id`.
[[nodiscard]] ReplicaSetup replica_setup(const Scenario& scenario, const World& world, ReplicaId id,
                                         bool step_by_step);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_WORLD_H_
