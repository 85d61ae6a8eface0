// SPDX-License-Identifier: Apache-2.0
//
// `orrery memory`: a device and a trace of accesses, without the rest of a scenario.
#ifndef ORRERY_SIM_STUDY_DEVICES_MEMORY_RUN_H_
#define ORRERY_SIM_STUDY_DEVICES_MEMORY_RUN_H_

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
  /// Those of its reads and writes that are of check bytes; rates are of the data alone.
  hbm::EccCounts ecc;
  hbm::EnergyUse energy;
  double cycles = 0;
  double clock_ps = 0;
  double gb_per_s = 0;
  double share_of_peak = 0;
  double row_hit_rate = 0;
  double avg_read_latency_ns = 0;
  double p50_read_latency_ns = 0;
  double p99_read_latency_ns = 0;
  /// Of the whole device, on average.
  double power_mw = 0;
  /// Of this process, with reading the trace.
  double cpu_s = 0;

  /// Of data.
  [[nodiscard]] std::int64_t reads() const { return statistics.reads - ecc.reads; }
  [[nodiscard]] std::int64_t writes() const { return statistics.writes - ecc.writes; }
  [[nodiscard]] std::int64_t requests() const { return reads() + writes(); }
};

struct MemoryRunOptions {
  /// Bytes per second at which the accesses arrive; if absent, as fast as they are taken.
  std::optional<double> rate;
  /// File for the commands, a line each; empty: none.
  std::string commands;
  /// File for how many of each command a bank was given, a line a bank; empty: none.
  std::string bank_counts;
  /// Threads that share the channels. The result is the same.
  int jobs = 1;
};

/// Serves the trace of a file.
[[nodiscard]] MemoryRun run_memory(const hbm::MemoryConfig& config, const std::string& trace,
                                   const MemoryRunOptions& options);

/// The same of the first two options.
[[nodiscard]] MemoryRun run_memory(const hbm::MemoryConfig& config, const std::string& trace,
                                   std::optional<double> rate, const std::string& commands);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_MEMORY_RUN_H_
