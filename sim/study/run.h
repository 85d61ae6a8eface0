// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_RUN_H_
#define ORRERY_SIM_STUDY_RUN_H_

#include <optional>
#include <string>

#include "sim/metrics/summary.h"
#include "sim/study/scenario.h"

namespace orrery {

struct RunOptions {
  /// Where summary.json and requests.csv (and steps.csv) go; empty: nowhere.
  std::string out;
  bool steps_csv = false;
  /// A file for Perfetto; gzipped if it ends in `.gz`. Empty: none.
  std::string timeline;
  /// Turns every skip off and checks each step.
  bool step_by_step = false;
  /// A bar on stderr.
  bool progress = false;
};

struct RunResult {
  Summary summary;
  /// The run came to its end: everybody was served or refused.
  bool complete = true;
};

/// Simulates a scenario from its first arrival to its last token. Throws ConfigError, TraceError,
/// PolicyError.
[[nodiscard]] RunResult run(const Scenario& scenario, const RunOptions& options);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_RUN_H_
