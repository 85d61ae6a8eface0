// SPDX-License-Identifier: Apache-2.0
//
// The face of a machine for other simulators, which keep their own clock:
//
//   CoSimulation memory(machine);
//   memory.send({from, to, Bytes(64)}, [&](Instant done) { ... });
//   memory.advance(now);
#ifndef ORRERY_SIM_HARDWARE_COSIMULATION_H_
#define ORRERY_SIM_HARDWARE_COSIMULATION_H_

#include <functional>
#include <map>

#include "sim/hardware/machine.h"

namespace orrery {

class CoSimulation {
 public:
  /// Called once, when its transfer is done; may send more, which then begins at that instant.
  using Callback = std::function<void(Instant done)>;

  explicit CoSimulation(Machine& machine) : machine_(machine) {}

  /// At now().
  void send(const Transfer& transfer, Callback callback);

  /// Calls back for everything that is done by `until`, in order, and moves the clock there.
  void advance(Instant until);

  [[nodiscard]] Instant now() const { return now_; }
  /// When there is something to do next; never() if nothing is under way.
  [[nodiscard]] Instant next() const { return machine_.next(); }

 private:
  Machine& machine_;
  Instant now_;
  std::map<Ticket, Callback> callbacks_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_COSIMULATION_H_
