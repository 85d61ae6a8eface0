// SPDX-License-Identifier: Apache-2.0
//
// What every Machine does, whatever it is made of. A machine's test calls this with a maker of
// fresh machines and some pairs of ports that transfers may go between.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_MACHINE_CONTRACT_H_
#define ORRERY_TESTS_UNIT_HARDWARE_MACHINE_CONTRACT_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "sim/hardware/machine.h"

namespace orrery {

using MachineMaker = std::function<std::unique_ptr<Machine>()>;
using PortPairs = std::vector<std::pair<PortId, PortId>>;

void check_machine_contract(const MachineMaker& make, const PortPairs& pairs);

/// A transfer's ticket and when it was done.
struct Completion {
  Ticket ticket{};
  Instant at;
  friend bool operator==(const Completion&, const Completion&) = default;
};

/// Drives the machine until nothing is under way.
[[nodiscard]] std::vector<Completion> run_to_end(Machine& machine);

}  // namespace orrery

#endif  // ORRERY_TESTS_UNIT_HARDWARE_MACHINE_CONTRACT_H_
