// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_SCENARIO_H_
#define ORRERY_SIM_STUDY_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/affine_cost.h"
#include "models/plans/plan.h"
#include "sim/config/node.h"
#include "sim/core/describer.h"
#include "sim/metrics/slo.h"
#include "sim/policies/builtin.h"
#include "sim/study/engine_settings.h"
#include "sim/study/placement.h"
#include "sim/workload/open_workload.h"

namespace orrery {

/// How true each resource is simulated. A rung that is not built yet cannot be named.
struct Fidelity {
  enum class Compute : std::uint8_t { kRoofline, kCalibrated };
  enum class Memory : std::uint8_t { kRoofline, kCalibrated, kClocked };
  enum class Links : std::uint8_t { kRoofline, kCalibrated, kClocked };
  enum class Pim : std::uint8_t { kClocked };
  enum class Host : std::uint8_t { kAssumed, kCalibrated };
  Compute compute = Compute::kRoofline;
  Memory memory = Memory::kRoofline;
  Links links = Links::kRoofline;
  Pim pim = Pim::kClocked;
  Host host = Host::kCalibrated;
  void describe(Describer& d);
};

/// One run, as its YAML file and --set say it. Everything is read and checked here; names are
/// resolved to models and machines by World (world.h).
struct Scenario {
  explicit Scenario(const Policies& policies);

  void describe(Describer& d);

  /// The file as the user named it.
  std::string path;
  /// The whole of what was read, presets laid under, defaults filled in, as JSON text.
  std::string config_json;

  std::optional<std::string> model;
  std::optional<std::string> hardware;
  /// Where `model` and `hardware` were written, for paths beside the file and for errors.
  Position model_at;
  Position hardware_at;
  std::int64_t replicas = 1;
  std::string router = "round-robin";
  std::unique_ptr<RouterRegistry::Prepared> router_options;
  Plan plan;
  EngineSettings engine;
  WorkloadOptions workload;
  std::optional<AffineOptions> cost;
  PlacementOptions placement;
  Slo slo;
  Fidelity fidelity;
  MeasureWindow measure;
  std::int64_t seed = 0;
  std::int64_t tie_seed = 0;

 private:
  const Policies& policies_;
};

/// Reads a scenario, its overrides and the engine preset it names. Throws ConfigError.
[[nodiscard]] Scenario load_scenario(const std::string& path,
                                     std::span<const std::string> overrides,
                                     const Policies& policies);
/// The same of a tree (a point of a sweep).
[[nodiscard]] Scenario read_scenario(Node root, const std::string& path, const Policies& policies);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SCENARIO_H_
