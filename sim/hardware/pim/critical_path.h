// SPDX-License-Identifier: Apache-2.0
//
// Where the clocks of a run went: the path of commands that each waited longest for the one
// before it. Its clocks add up to the run's, each a count of commands times a timing of the
// device's file.
#ifndef ORRERY_SIM_HARDWARE_PIM_CRITICAL_PATH_H_
#define ORRERY_SIM_HARDWARE_PIM_CRITICAL_PATH_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/hardware/pim/channel.h"

namespace orrery::pim {

/// So often on the path did a command wait for this timing.
struct PathTerm {
  Part part = Part::kActPre;
  std::string timing;
  std::int64_t clocks = 0;
  std::int64_t count = 0;
};

struct CriticalPath {
  /// Sorted by part, then by timing; counts times clocks sum to the run's clocks.
  std::vector<PathTerm> terms;
  std::array<std::int64_t, kParts> clocks{};
};

/// Of the program of the run (without what host requests add after it).
[[nodiscard]] CriticalPath critical_path(const Device& device, const std::vector<Rule>& rules,
                                         const ChannelRun& run);

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_CRITICAL_PATH_H_
