// SPDX-License-Identifier: Apache-2.0
//
// Replays the commands of one channel against constraints written down a second time, by hand, from
// the standards' tables: neither code nor figures are the controller's. Times are in half clocks
// and, as in the standards, count between the last cycles of two commands.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_
#define ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::hbm::checker {

enum class Op : std::uint8_t { kAct, kPre, kPreab, kRd, kWr, kRefab, kRefpb };

struct Event {
  std::int64_t half_clock = 0;
  Op op = Op::kAct;
  int pseudo = 0, stack = 0, group = 0, bank = 0;
  std::uint32_t row = 0;
};

enum class Part : std::uint8_t { kHbm2At2000, kHbm3At6400 };

/// Empty if all is well; else what the first violation is.
[[nodiscard]] std::string first_violation(Part part, const std::vector<Event>& events);

}  // namespace orrery::hbm::checker

#endif  // ORRERY_TESTS_UNIT_HARDWARE_HBM_CHECKER_H_
