// SPDX-License-Identifier: Apache-2.0
//
// What a sweep's file asks for:
//
//   scenario: ../scenarios/default.yaml     # beside this file; or a mapping, the scenario itself
//   grid:                                   # every combination; the last key changes fastest
//     engine.scheduler: [vllm-v1, orca]     # any key of a scenario, as --set takes it
//     engine.num_gpu_blocks_override: [500, 1000]
//   points:                                 # and these, one by one
//     - {engine.scheduler: sarathi-serve, engine.max_num_batched_tokens: 512}
//   replications: 3                         # each with seed, seed + 1, seed + 2
#ifndef ORRERY_SIM_STUDY_SWEEP_PLAN_H_
#define ORRERY_SIM_STUDY_SWEEP_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/node.h"
#include "sim/policies/builtin.h"
#include "sim/study/scenario.h"
#include "sim/study/sweep/cell.h"

namespace orrery {

/// One run of a sweep.
struct SweepPoint {
  /// 16 hex digits: what is run, and by which program. Equal keys mean equal results.
  std::string key;
  /// Beside SweepPlan::columns. A key that this point does not set has the scenario's value.
  std::vector<Cell> values;
  std::int64_t replication = 0;
  Scenario scenario;
};

struct SweepPlan {
  /// program_identity() of who made the plan.
  std::string program;
  /// The keys that the sweep sets: the grid's, then those that only points set.
  std::vector<std::string> columns;
  /// The grid first, then the points; the replications of one stand together.
  std::vector<SweepPoint> points;
};

/// What this program is, for SweepPoint::key: its version and commit, and for a build of sources
/// that no commit holds also a hash of the program itself.
[[nodiscard]] std::string program_identity();

/// Reads every scenario of a sweep before any is run. Throws ConfigError, at the place in the
/// sweep's file where the trouble was written, also if two points are the same run.
[[nodiscard]] SweepPlan plan_sweep(const Node& sweep, const Policies& policies,
                                   std::string_view program);
[[nodiscard]] SweepPlan load_sweep(const std::string& path, const Policies& policies);

/// `engine.scheduler=orca, seed=1`: a point in one line.
[[nodiscard]] std::string name_of(const SweepPlan& plan, const SweepPoint& point);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SWEEP_PLAN_H_
