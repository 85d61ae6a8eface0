// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/cluster.h"

#include "sim/core/check.h"
#include "sim/hardware/sources.h"

namespace orrery {

void NetworkOptions::describe(Describer& d) {
  d.field("rails", rails, "Whether NIC i of every node hangs on leaf i.");
  d.field("nodes_per_leaf", nodes_per_leaf, Range::between(0, 1024),
          "Without rails: nodes whose NICs all hang on one leaf.");
  d.required().field("spines", spines, Range::between(0, 1024), "Spine switches; 0: one level.");
  d.field("uplink", uplink, Range::not_negative(), "From a leaf to each spine, one direction.");
  d.required().field("start", start, Range::not_negative(),
                     "From a message's post to its first byte at the NIC.");
  d.required().field("hop_latency", hop_latency, Range::not_negative(), "Of a wire and a switch.");
  d.required().field("packet_payload", packet_payload, Range::positive(),
                     "Data in a packet of a long transfer.");
  d.required().field("packet_header", packet_header, Range::not_negative(),
                     "What each packet adds to its data.");
  d.required().field("ll_hop", ll_hop, Range::not_negative(), "A step between nodes, with flags.");
  d.required().field("simple_hop", simple_hop, Range::not_negative(),
                     "A step between nodes, without.");
  describe_sources(d, sources);
  if (!d.reading()) return;
  if (rails == (nodes_per_leaf > 0)) {
    d.refuse("nodes_per_leaf", "stands where there are no rails, and only there");
  }
  if ((spines > 0) != (uplink.units_per_second() > 0)) {
    d.refuse("uplink", "stands where there are spines, and only there");
  }
}

void ClusterSpec::describe(Describer& d) {
  d.required().field("name", name, "The cluster's name.");
  d.required().field("node", node_name, "Its machines: a name in configs/hardware/nodes.");
  d.required().field("nodes", nodes, Range::between(2, 1024), "How many.");
  d.required().object_of("network", network, "What is between their NICs.");
}

Topology ClusterSpec::topology() const {
  Topology topology;
  const auto named = [](const char* kind, std::int64_t i) { return kind + std::to_string(i); };
  for (std::int64_t n = 0; n < nodes; ++n) node.add_to(topology, named("n", n) + ".");
  const std::int64_t leaves =
      network.rails ? node.gpus : (nodes + network.nodes_per_leaf - 1) / network.nodes_per_leaf;
  for (std::int64_t leaf = 0; leaf < leaves; ++leaf) topology.add_port(named("leaf", leaf));
  for (std::int64_t n = 0; n < nodes; ++n) {
    for (std::int64_t i = 0; i < node.gpus; ++i) {
      const std::int64_t leaf = network.rails ? i : n / network.nodes_per_leaf;
      topology.add_both_ways(topology.find(named("n", n) + "." + named("nic", i)).value(),
                             topology.find(named("leaf", leaf)).value(), node.nic.rate,
                             network.hop_latency);
    }
  }
  for (std::int64_t spine = 0; spine < network.spines; ++spine) {
    const PortId port = topology.add_port(named("spine", spine));
    for (std::int64_t leaf = 0; leaf < leaves; ++leaf) {
      topology.add_both_ways(topology.find(named("leaf", leaf)).value(), port, network.uplink,
                             network.hop_latency);
    }
  }
  return topology;
}

ClusterWorld world_of(const ClusterSpec& spec, const Topology& topology) {
  CollectiveWorld local{spec.node.nvlink, spec.node.tuner, {}, {}, spec.node.copy.local, {}};
  local.nvswitch = topology.find("n0.nvswitch").value();
  for (std::int64_t n = 0; n < spec.nodes; ++n) {
    for (std::int64_t i = 0; i < spec.node.gpus; ++i) {
      const std::string name = "n" + std::to_string(n) + ".gpu" + std::to_string(i);
      local.gpus.push_back(topology.find(name).value());
    }
  }
  return {std::move(local), spec.network, spec.node.gpus, spec.nodes};
}

}  // namespace orrery
