// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_HOST_H_
#define ORRERY_SIM_HARDWARE_FABRIC_HOST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/fabric/topology.h"
#include "sim/hardware/pcie/staged_copy.h"

namespace orrery {

/// Sockets, their memory, and what is between them. Reads and writes of memory share nothing here,
/// as the two directions of a link: what a socket's memory carries in all is counted once for each.
struct HostOptions {
  std::int64_t sockets = 0;
  /// Of one socket.
  std::int64_t memory_channels = 0;
  Bandwidth channel_rate;
  /// Of that, what long transfers reach.
  double memory_share = 0;
  /// From socket to socket, one direction.
  Bandwidth interconnect;
  Duration interconnect_latency;
  /// GPUs that share a PCIe switch and its link to the socket.
  std::int64_t gpus_per_switch = 1;
  /// Copies of pageable memory.
  StagingOptions staging;
  std::string sources;
  void describe(Describer& d);

  [[nodiscard]] Bandwidth memory_rate() const;
  /// The socket that a GPU's switch hangs on: switches are dealt out evenly, in order.
  [[nodiscard]] std::int64_t socket_of(std::int64_t gpu, std::int64_t gpus) const;
  /// Ports `<prefix>socket0`... and `<prefix>dram0`..., all connected. Returns the sockets.
  std::vector<PortId> add_to(Topology& topology, const std::string& prefix) const;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_HOST_H_
