// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_MACHINE_H_
#define ORRERY_SIM_HARDWARE_MACHINE_H_

#include <cstdint>
#include <vector>

#include "sim/core/units.h"

namespace orrery {

/// A place of a machine that bytes leave from or arrive at; each machine numbers its own.
enum class PortId : std::uint32_t {};

/// A transfer on its way. Tickets count up from 0 in the order of submits and are never reused.
enum class Ticket : std::uint64_t {};

struct Transfer {
  PortId from{};
  PortId to{};
  Bytes bytes;
};

/// What moves bytes in time. When a transfer will be done is not known when it is submitted (links
/// are shared, memory reorders), so a machine is asked when to be told the time again:
///
///   machine.submit(transfer, now);
///   while (machine.next() != Instant::never()) machine.advance(machine.next(), done);
///
/// Time never goes back between calls, and a submit at `now` comes after advance(now).
class Machine {
 public:
  virtual ~Machine() = default;

  [[nodiscard]] virtual Ticket submit(const Transfer& transfer, Instant now) = 0;

  /// When something happens next if nothing more is submitted; never() if nothing is under way. Not
  /// every such instant completes a transfer. May move after a submit.
  [[nodiscard]] virtual Instant next() const = 0;

  /// Moves to `now`, which is not after next() unless that has passed. Appends to `done` everything
  /// that is complete by then, in the order of completion, ties in the order of tickets.
  virtual void advance(Instant now, std::vector<Ticket>& done) = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_MACHINE_H_
