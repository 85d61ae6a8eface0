// SPDX-License-Identifier: Apache-2.0
//
// `orrery pim`: a device that computes in memory, without the rest of a scenario.
#ifndef ORRERY_SIM_STUDY_DEVICES_PIM_RUN_H_
#define ORRERY_SIM_STUDY_DEVICES_PIM_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/hardware/pim/mapper.h"
#include "sim/hardware/pim/run.h"

namespace orrery {

/// `name` is a path or a file of configs/hardware/pim/. Throws ConfigError.
[[nodiscard]] pim::Device load_pim(const std::string& name,
                                   const std::vector<std::string>& overrides);

/// What the device is to do: one of these.
struct PimJob {
  std::optional<pim::Gemv> gemv;
  std::optional<pim::Attention> attention;
  std::optional<pim::Elementwise> elementwise;
  /// A file of commands to replay.
  std::string replay;
};

struct PimRun {
  pim::Report report;
  double clock_ps = 0;
  double time_us = 0;
  double internal_gb_per_s = 0;
  /// What plain accesses of the operands take, for a GEMV or an element-wise job.
  std::optional<std::int64_t> host_cycles;
  /// Of host reads beside the job, where there were any.
  std::optional<double> host_latency_ns;
};

/// With `host_bytes_per_second` above 0 the host reads so much besides, spread evenly over the
/// channels and the time; where `commands` is not empty the commands go to that file.
[[nodiscard]] PimRun run_pim(const pim::Device& device, const PimJob& job,
                             double host_bytes_per_second, const std::string& commands);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_PIM_RUN_H_
