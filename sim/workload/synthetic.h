// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_SYNTHETIC_H_
#define ORRERY_SIM_WORKLOAD_SYNTHETIC_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "sim/workload/arrivals.h"
#include "sim/workload/content.h"
#include "sim/workload/source.h"

namespace orrery {

/// `workload: {synthetic: ...}`: requests, or the first turns of sessions, by the clock.
struct SyntheticOptions {
  ArrivalOptions arrivals;
  std::optional<std::int64_t> requests;
  std::optional<Duration> duration;
  ContentOptions content;

  void describe(Describer& d);
};

/// `workload: {closed_loop: ...}`: a fixed number of clients, each waiting for its answer.
struct ClosedLoopOptions {
  std::int64_t concurrency = 1;
  std::int64_t requests = 1;
  ThinkOptions think;
  Duration ramp_up;
  ContentOptions content;

  void describe(Describer& d);
};

/// Files that the options name are looked for under `relative_to`.
[[nodiscard]] std::unique_ptr<RequestSource> open_synthetic(
    const SyntheticOptions& options, const std::filesystem::path& relative_to, std::uint64_t seed);
[[nodiscard]] std::unique_ptr<RequestSource> open_closed_loop(
    const ClosedLoopOptions& options, const std::filesystem::path& relative_to, std::uint64_t seed);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_SYNTHETIC_H_
