// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/node.h"

#include <algorithm>

#include "sim/hardware/sources.h"

namespace orrery {

void PeerCopyOptions::describe(Describer& d) {
  d.required().field("start", start, Range::not_negative(),
                     "From a copy's submit to its first byte on the links.");
  d.required().field("local", local, Range::positive(), "Copied within a GPU's own memory.");
  describe_sources(d, sources);
}

void NicOptions::describe(Describer& d) {
  d.required().field("rate", rate, Range::positive(), "One direction.");
  describe_sources(d, sources);
}

void NodeSpec::describe(Describer& d) {
  d.required().field("name", name, "The machine's name.");
  d.required().field("gpu", gpu, "Its GPU: a name in configs/hardware.");
  d.field("also", also, "Other GPUs in configs/hardware that come in such a machine.");
  d.required().field("gpus", gpus, Range::between(2, 1024), "How many.");
  d.field("collectives_checked", collectives_checked,
          "Whether collectives were compared with measured ones.");
  d.required().object_of("nvlink", nvlink, "A GPU's links into the node's switches.");
  d.required().object_of("tuner", tuner, "What NCCL's tuner knows of the machine.");
  d.required().object_of("copy", copy, "Copies from GPU to GPU and within one.");
  d.required().object_of("pcie", pcie, "Each GPU's link to the host.");
  d.required().object_of("host", host, "Sockets, their memory, and PCIe switches.");
  d.required().object_of("nic", nic, "Each GPU's way out of the machine.");
}

Topology NodeSpec::topology() const {
  Topology topology;
  add_to(topology, "");
  return topology;
}

void NodeSpec::add_to(Topology& topology, const std::string& prefix) const {
  const PortId nvswitch = topology.add_port(prefix + "nvswitch");
  for (std::int64_t i = 0; i < gpus; ++i) {
    const PortId gpu_port = topology.add_port(prefix + "gpu" + std::to_string(i), Forwarding::kNo);
    topology.add_both_ways(gpu_port, nvswitch, nvlink.port_rate(), Duration());
  }
  const std::vector<PortId> sockets = host.add_to(topology, prefix);
  const Bandwidth down = derived_copy_rate(pcie, PcieLink::kHost);
  const Bandwidth up = derived_copy_rate(pcie, PcieLink::kDevice);
  for (std::int64_t i = 0; i < gpus; ++i) {
    const std::string bridge = prefix + "pcie" + std::to_string(i / host.gpus_per_switch);
    if (!topology.find(bridge)) {
      const PortId socket = sockets.at(static_cast<std::size_t>(host.socket_of(i, gpus)));
      connect(topology, socket, topology.add_port(bridge), down, up);
    }
    const PortId gpu_port = topology.find(prefix + "gpu" + std::to_string(i)).value();
    connect(topology, *topology.find(bridge), gpu_port, down, up);
    const PortId way_out = topology.add_port(prefix + "nic" + std::to_string(i));
    connect(topology, *topology.find(bridge), way_out, std::min(down, nic.rate),
            std::min(up, nic.rate));
  }
}

void NodeSpec::connect(Topology& topology, PortId upper, PortId lower, Bandwidth down,
                       Bandwidth up) const {
  topology.add_link(upper, lower, down, pcie.wire_latency);
  topology.add_link(lower, upper, up, pcie.wire_latency);
}

CollectiveWorld NodeSpec::world(const Topology& topology) const {
  CollectiveWorld world{nvlink, tuner, {}, topology.find("nvswitch").value(), copy.local, {}};
  for (std::int64_t i = 0; i < gpus; ++i) {
    world.gpus.push_back(topology.find("gpu" + std::to_string(i)).value());
  }
  return world;
}

}  // namespace orrery
