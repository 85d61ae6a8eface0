// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_FABRIC_H_
#define ORRERY_SIM_HARDWARE_FABRIC_FABRIC_H_

#include <cstdint>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/fabric/max_min.h"
#include "sim/hardware/fabric/topology.h"
#include "sim/hardware/machine.h"

namespace orrery {

/// Transfers as fluid flows: each waits the latency of its route, then moves at its max-min fair
/// rate, which is found anew whenever a flow starts or ends. Event times are exact: what is left of
/// a flow is an integer, a completion is rounded up to a picosecond.
class Fabric final : public Machine {
 public:
  explicit Fabric(const Topology& topology) : topology_(topology) {}

  [[nodiscard]] Ticket submit(const Transfer& transfer, Instant now) override;
  [[nodiscard]] Instant next() const override;
  void advance(Instant now, std::vector<Ticket>& done) override;

 private:
  struct Flow {
    Ticket ticket{};
    Route route;
    Instant starts;
    /// In bytes times picoseconds-per-second times kFinePerByte, so that rate x picoseconds
    /// subtracts exactly.
    Int128 left = 0;
    FineRate rate = 0;
    bool moves = false;
  };

  [[nodiscard]] Instant event_of(const Flow& flow) const;
  void move_to(Instant now);
  void start_due();
  void finish_due(std::vector<Ticket>& done);
  void share() const;

  const Topology& topology_;
  /// In the order of tickets. Rates are found when someone asks for them, once for all flows that
  /// came or went at the same instant.
  mutable std::vector<Flow> flows_;
  mutable bool stale_ = false;
  Instant now_;
  std::uint64_t tickets_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_FABRIC_H_
