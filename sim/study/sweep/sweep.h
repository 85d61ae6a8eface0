// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_SWEEP_SWEEP_H_
#define ORRERY_SIM_STUDY_SWEEP_SWEEP_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "sim/study/scenario.h"
#include "sim/study/sweep/plan.h"

namespace orrery {

struct SweepOptions {
  /// The SQLite file; see sweep_results.h for what is in it.
  std::string out;
  /// Simulations at a time, each a process of its own.
  std::size_t jobs = 1;
  /// A file for the plan's rows; empty: none.
  std::string csv;
};

struct SweepTally {
  std::size_t points = 0;
  /// Had their result in the file.
  std::size_t were_done = 0;
  /// Ended since.
  std::size_t ran = 0;
  /// Of those, with an error.
  std::size_t failed = 0;
};

/// Gives the summary.json of a scenario, or throws. It is called in a process of its own.
using Simulate = std::function<std::string(const Scenario&)>;
[[nodiscard]] std::string simulate_to_json(const Scenario& scenario);

/// Who is told how a sweep goes: once before the first run, and after each one, then with the point
/// and its error (empty if it went well).
class SweepWatcher {
 public:
  virtual ~SweepWatcher() = default;
  virtual void on_begin(const SweepTally& tally) { static_cast<void>(tally); }
  virtual void on_run(const SweepTally& tally, const SweepPoint& point, std::string_view error) {
    static_cast<void>(tally), static_cast<void>(point), static_cast<void>(error);
  }
};

/// Runs those points of a plan that have no result yet. A run that fails is a row with its error
/// and stops nobody. Rows do not depend on `jobs`, on how often the sweep was interrupted, or on
/// which program, of one version, ran which part.
SweepTally run_sweep(const SweepPlan& plan, const SweepOptions& options, SweepWatcher& watcher,
                     const Simulate& simulate = simulate_to_json);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SWEEP_SWEEP_H_
