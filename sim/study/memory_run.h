// SPDX-License-Identifier: Apache-2.0
//
// `orrery memory`: a device and a trace of accesses, without the rest of a scenario.
#ifndef ORRERY_SIM_STUDY_MEMORY_RUN_H_
#define ORRERY_SIM_STUDY_MEMORY_RUN_H_

#include <optional>
#include <string>
#include <vector>

#include "sim/hardware/hbm/memory_config.h"
#include "sim/hardware/hbm/statistics.h"

namespace orrery {

/// `name` is a path or a file of configs/hardware/memory/. Throws ConfigError.
[[nodiscard]] hbm::MemoryConfig load_memory(const std::string& name,
                                            const std::vector<std::string>& overrides);

struct MemoryRun {
  hbm::Statistics statistics;
  hbm::EnergyUse energy;
  double cycles = 0;
  double clock_ps = 0;
  double gb_per_s = 0;
  double share_of_peak = 0;
  double row_hit_rate = 0;
  double avg_read_latency_ns = 0;
  double p50_read_latency_ns = 0;
  double p99_read_latency_ns = 0;
  /// Of this process, with reading the trace.
  double cpu_s = 0;
};

/// Serves the trace of a file, in bytes per second where `rate` is given. Where `commands` is not
/// empty the commands go to that file, as CSV.
[[nodiscard]] MemoryRun run_memory(const hbm::MemoryConfig& config, const std::string& trace,
                                   std::optional<double> rate, const std::string& commands);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_MEMORY_RUN_H_
