// SPDX-License-Identifier: Apache-2.0
#include "sim/study/host_clock.h"

#include <sys/resource.h>

#include <chrono>

namespace orrery {

HostUsage host_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto to_s = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(since).count(), to_s(usage.ru_utime) + to_s(usage.ru_stime),
          static_cast<std::int64_t>(usage.ru_maxrss) * 1024};
}

}  // namespace orrery
