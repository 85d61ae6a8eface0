// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_HOST_CLOCK_H_
#define ORRERY_SIM_STUDY_HOST_CLOCK_H_

#include <cstdint>

namespace orrery {

/// What this process has used so far. It goes to `host` of a result and to progress bars, never to
/// a fact.
struct HostUsage {
  double wall_s = 0;
  /// User and system time since the process began.
  double cpu_s = 0;
  std::int64_t peak_rss_bytes = 0;
};
[[nodiscard]] HostUsage host_usage();

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_HOST_CLOCK_H_
