// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/cosimulation.h"

#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace orrery {

void CoSimulation::send(const Transfer& transfer, Callback callback) {
  ORRERY_CHECK(callback != nullptr);
  callbacks_.emplace(machine_.submit(transfer, now_), std::move(callback));
}

void CoSimulation::advance(Instant until) {
  ORRERY_CHECK(until >= now_);
  while (machine_.next() <= until) {
    now_ = machine_.next();
    std::vector<Ticket> done;
    machine_.advance(now_, done);
    for (const Ticket ticket : done) {
      auto found = callbacks_.extract(ticket);
      ORRERY_CHECK(!found.empty());
      found.mapped()(now_);
    }
  }
  now_ = until;
}

}  // namespace orrery
