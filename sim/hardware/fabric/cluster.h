// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_CLUSTER_H_
#define ORRERY_SIM_HARDWARE_FABRIC_CLUSTER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/fabric/collective.h"
#include "sim/hardware/fabric/node.h"
#include "sim/hardware/fabric/topology.h"

namespace orrery {

/// Leaves and spines between the nodes' NICs.
struct NetworkOptions {
  /// True: NIC i of every node hangs on leaf i (rails). False: all NICs of `nodes_per_leaf` nodes
  /// hang on one leaf.
  bool rails = true;
  std::int64_t nodes_per_leaf = 0;
  std::int64_t spines = 0;
  /// From a leaf to each spine, one direction.
  Bandwidth uplink;
  /// From a message's post to its first byte at the NIC.
  Duration start;
  /// Of each hop: wire and switch.
  Duration hop_latency;
  /// What a packet of a long transfer carries, and what it adds.
  Bytes packet_payload;
  Bytes packet_header;
  /// A step of NCCL from node to node, of LL and of Simple (hwLatencies of NET).
  Duration ll_hop;
  Duration simple_hop;
  std::string sources;
  void describe(Describer& d);
};

/// Equal nodes on a network: configs/hardware/clusters/.
struct ClusterSpec {
  std::string name;
  /// Name of the node in configs/hardware/nodes.
  std::string node_name;
  std::int64_t nodes = 0;
  NetworkOptions network;
  /// Set by who reads `node_name`.
  NodeSpec node;

  void describe(Describer& d);
  [[nodiscard]] std::int64_t gpus() const { return nodes * node.gpus; }
  /// Ports of node i with `n<i>.` before their names, and `leaf0`..., `spine0`...
  [[nodiscard]] Topology topology() const;
};

/// GPUs of several nodes as a collective sees them: rank r is GPU r % node_gpus of node
/// r / node_gpus.
struct ClusterWorld {
  /// Of one node, with the ports of all.
  CollectiveWorld local;
  const NetworkOptions& network;
  std::int64_t node_gpus = 0;
  std::int64_t nodes = 0;
};
/// The spec has to outlive it.
[[nodiscard]] ClusterWorld world_of(const ClusterSpec& spec, const Topology& topology);

/// Collectives of all GPUs of `job.ranks` / node_gpus nodes in levels: an all-reduce is a
/// reduce-scatter around each node, an all-reduce around each rail, and an all-gather around each
/// node (an all-gather and a reduce-scatter are their halves), chunk after chunk; an all-to-all
/// first gathers within a node what goes to the same rail (as NCCL's PXN does), then sends along
/// rails. `protocol` is LL or Simple. The costs within a node are CollectiveCosts, a step between
/// nodes takes NCCL's published latency: nothing was fitted.
[[nodiscard]] Schedule build_hierarchical(const ClusterWorld& world, const CollectiveJob& job,
                                          Protocol protocol);

/// What such a schedule cuts a vector into; times jump where this changes.
[[nodiscard]] std::int64_t level_chunks(const CollectiveJob& job);

/// The fastest of `protocols`, each over a fabric of its own.
struct LevelsTime {
  Duration time;
  Protocol protocol{};
};
[[nodiscard]] LevelsTime time_levels(const ClusterWorld& world, const CollectiveJob& job,
                                     std::span<const Protocol> protocols,
                                     const std::function<std::unique_ptr<Machine>()>& make_fabric);
inline constexpr std::array<Protocol, 2> kLevelProtocols = {Protocol::kLl, Protocol::kSimple};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_CLUSTER_H_
