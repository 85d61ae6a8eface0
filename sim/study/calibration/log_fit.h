// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_CALIBRATION_LOG_FIT_H_
#define ORRERY_SIM_STUDY_CALIBRATION_LOG_FIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/hardware/step_law.h"
#include "sim/study/calibration/log_reader.h"

namespace orrery {

/// One scalar of the law, as the report has it.
struct FittedScalar {
  std::string name;
  double value = 0;
  double low = 0;
  double high = 0;
  std::string unit;
  /// It ended at a bound, so that the log says no more than that.
  bool at_bound = false;
};

struct LogFit {
  StepLaw law;
  std::vector<FittedScalar> scalars;
  /// What could not be fitted, and why: one sentence each.
  std::vector<std::string> remarks;
  std::int64_t fitted_steps = 0;
  /// Steps of blocks of the log that had no part in the fit; errors are predicted / logged - 1.
  std::int64_t held_out_steps = 0;
  double median_abs_error = 0;
  double p90_abs_error = 0;
  double bias = 0;
};

/// Fits the law of step_law.h. The log is cut into twenty blocks, every fourth of which is held
/// out. With async scheduling the loop waits only while it has nothing else to do, so that a step's
/// time is the wait and the host's time; the latter is what the clock of the lines shows beyond
/// the waits, over stretches of ten seconds in which a request was always being answered. Throws
/// ConfigError below 200 steps.
[[nodiscard]] LogFit fit_log(const EngineLog& log);

/// Writes the hardware of `base_path` to `out` (.yaml) with the law as its `steps:`.
void write_with_steps(const std::string& base_path, const StepLaw& law, const std::string& out);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_LOG_FIT_H_
