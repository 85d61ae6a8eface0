// SPDX-License-Identifier: Apache-2.0
//
// The one way from `workload:` in a scenario to requests.
#ifndef ORRERY_SIM_WORKLOAD_OPEN_WORKLOAD_H_
#define ORRERY_SIM_WORKLOAD_OPEN_WORKLOAD_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "sim/core/describer.h"
#include "sim/workload/source.h"
#include "sim/workload/synthetic.h"
#include "sim/workload/trace_options.h"

namespace orrery {

/// Exactly one of them.
struct WorkloadOptions {
  std::optional<TraceOptions> trace;
  std::optional<SyntheticOptions> synthetic;
  std::optional<ClosedLoopOptions> closed_loop;

  void describe(Describer& d);
};

/// Relative paths are looked for under `relative_to`, the folder of the file that names them. The
/// same options, files and seed give the same requests.
[[nodiscard]] std::unique_ptr<RequestSource> open_workload(const WorkloadOptions& options,
                                                           const std::filesystem::path& relative_to,
                                                           std::uint64_t seed);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_OPEN_WORKLOAD_H_
