// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_NODE_H_
#define ORRERY_SIM_HARDWARE_FABRIC_NODE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/fabric/collective.h"
#include "sim/hardware/fabric/host.h"
#include "sim/hardware/fabric/topology.h"
#include "sim/hardware/nvlink/nvlink.h"
#include "sim/hardware/pcie/pcie_link.h"

namespace orrery {

/// Copies from GPU to GPU by a copy engine, and within a GPU by a kernel.
struct PeerCopyOptions {
  /// From a copy's submit to its first byte on the links.
  Duration start;
  /// Bytes of a vector that a kernel copies from memory to memory in a second.
  Bandwidth local;
  std::string sources;
  void describe(Describer& d);
};

/// One way out of the node for each GPU, behind the GPU's PCIe switch.
struct NicOptions {
  Bandwidth rate;
  std::string sources;
  void describe(Describer& d);
};

/// A machine with several GPUs on switches: configs/hardware/nodes/.
struct NodeSpec {
  std::string name;
  /// Name of the GPU's card in configs/hardware, or another that has the same links.
  std::string gpu;
  std::vector<std::string> also;
  std::int64_t gpus = 0;
  NvlinkOptions nvlink;
  TunerConstants tuner;
  PeerCopyOptions copy;
  PcieOptions pcie;
  HostOptions host;
  NicOptions nic;
  /// Collectives of this machine, or of one with the same GPUs, were held against measured ones.
  bool collectives_checked = false;

  void describe(Describer& d);

  /// Ports `gpu0`..., `nvswitch`, `socket0`..., `dram0`..., `pcie0`..., `nic0`... GPUs and memory
  /// are ends: no route leads through them. PCIe links carry data at the rate of a long copy.
  [[nodiscard]] Topology topology() const;
  /// The same ports among others, with `prefix` before their names.
  void add_to(Topology& topology, const std::string& prefix) const;
  /// How collectives see `topology`, which topology() made. The node has to outlive it.
  [[nodiscard]] CollectiveWorld world(const Topology& topology) const;

 private:
  void connect(Topology& topology, PortId upper, PortId lower, Bandwidth down, Bandwidth up) const;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_NODE_H_
