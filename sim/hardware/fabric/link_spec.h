// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_LINK_SPEC_H_
#define ORRERY_SIM_HARDWARE_FABRIC_LINK_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/fabric/topology.h"

namespace orrery {

/// One direction of a link.
struct LinkWay {
  /// What is sent in all, headers included.
  Bandwidth rate;
  /// What a packet of a long transfer carries, and what it adds.
  Bytes packet_payload;
  Bytes packet_header;
  /// From the last bit sent to the last bit there.
  Duration latency;
  /// From a transfer's submit to its first byte.
  Duration start;
  /// What long transfers were measured to reach.
  std::optional<Bandwidth> measured;
  void describe(Describer& d);

  [[nodiscard]] Bytes wire(Bytes payload) const;
  /// Of the rate that headers leave, what measured transfers lack.
  [[nodiscard]] std::optional<double> residual() const;
};

/// A link by itself, such as NVLink-C2C, CXL or a NIC's cable: configs/hardware/links/.
struct LinkSpec {
  std::string name;
  /// Names of its two ends.
  std::vector<std::string> ends;
  /// From the first end to the second, and back.
  LinkWay there;
  LinkWay back;
  std::string sources;
  void describe(Describer& d);
  [[nodiscard]] Topology topology() const;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_LINK_SPEC_H_
