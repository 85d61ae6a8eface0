// SPDX-License-Identifier: Apache-2.0
//
// Networks between nodes, and collectives in levels, against closed forms.
#include "sim/hardware/fabric/cluster.h"

#include <doctest/doctest.h>

#include <map>

#include "sim/core/check.h"
#include "sim/core/ids.h"
#include "sim/hardware/fabric/fabric.h"
#include "sim/hardware/fabric/packet_fabric.h"
#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

constexpr std::int64_t kGiga = 1'000'000'000;

/// `nodes` times `gpus`: NVLink of 100 GB/s, NICs of 10 GB/s, rails; headers and latencies of 0.
ClusterSpec cluster_of(std::int64_t nodes, std::int64_t gpus) {
  ClusterSpec cluster;
  cluster.nodes = nodes;
  NodeSpec& node = cluster.node;
  node.gpus = gpus;
  node.nvlink.links = 1;
  node.nvlink.link_rate = Bandwidth::per_second(100 * kGiga);
  node.nvlink.packet_payload = Bytes(128);
  node.tuner.channel_rate = kReferenceChannel;
  node.pcie.generation = 5;
  node.pcie.lanes = 16;
  node.host.sockets = 1;
  node.host.memory_channels = 8;
  node.host.channel_rate = Bandwidth::per_second(40 * kGiga);
  node.host.memory_share = 0.8;
  node.nic.rate = Bandwidth::per_second(10 * kGiga);
  cluster.network.packet_payload = Bytes(4096);
  cluster.network.ll_hop = microseconds(3);
  cluster.network.simple_hop = microseconds(14);
  return cluster;
}

/// Round numbers in place of the fitted ones.
CollectiveCosts plain_costs() {
  CollectiveCosts costs;
  costs.launch = microseconds(5);
  costs.ll_hop = microseconds(1);
  costs.simple_start = microseconds(10);
  costs.simple_hop = microseconds(2);
  costs.simple_share = 0.5;
  return costs;
}

Duration time_of(const ClusterSpec& cluster, Collective collective, std::int64_t bytes,
                 Protocol protocol) {
  const Topology topology = cluster.topology();
  ClusterWorld world = world_of(cluster, topology);
  world.local.costs = plain_costs();
  const CollectiveJob job{collective, Bytes(bytes), cluster.gpus(), true};
  Fabric fabric(topology);
  return run_schedule(fabric, build_hierarchical(world, job, protocol));
}

TEST_CASE("two nodes of two: around the nodes, around the rails, around the nodes") {
  const ClusterSpec cluster = cluster_of(2, 2);
  // 4 MB. Reduce-scatter in the node: 15 us of start, a hop of 2 us and 2 MB at half of 100 GB/s
  // (40 us). All-reduce on the rail: two hops of 14 us and 1 MB at 10 GB/s (100 us). All-gather in
  // the node: 2 + 40 us. 57 + 228 + 42 = 327 us.
  CHECK(time_of(cluster, Collective::kAllReduce, 4'000'000, Protocol::kSimple) ==
        microseconds(327));
  // Its halves: 57 + 114 us, and 15 + 114 + 42 us.
  CHECK(time_of(cluster, Collective::kReduceScatter, 4'000'000, Protocol::kSimple) ==
        microseconds(171));
  CHECK(time_of(cluster, Collective::kAllGather, 4'000'000, Protocol::kSimple) ==
        microseconds(171));
  // With flags everything is sent twice: 5 + 1 + 40 us; 2 x (3 + 200) us; 1 + 40 us.
  CHECK(time_of(cluster, Collective::kAllReduce, 4'000'000, Protocol::kLl) == microseconds(493));
}

TEST_CASE("all-to-all in two levels: to the peer of the same rail, then along it") {
  // 15 us and 2 MB at 50 GB/s (40 us); 14 us and 2 MB at 10 GB/s (200 us).
  CHECK(time_of(cluster_of(2, 2), Collective::kAllToAll, 4'000'000, Protocol::kSimple) ==
        microseconds(269));
}

TEST_CASE("long vectors keep rails busy while nodes work on the next chunk") {
  // 400 MB: rails carry 2 x 1/2 x 200 MB at 10 GB/s, 20 ms; the nodes' 4 + 4 ms hide behind that
  // but for the first and the last of eight chunks (1 ms), and hops cost 8 x 14 us and a few.
  const Duration time =
      time_of(cluster_of(2, 2), Collective::kAllReduce, 400'000'000, Protocol::kSimple);
  CHECK(time > milliseconds(21));
  CHECK(time < microseconds(21'300));
}

TEST_CASE("levels want whole nodes and a protocol that crosses networks") {
  const ClusterSpec cluster = cluster_of(2, 2);
  const Topology topology = cluster.topology();
  const ClusterWorld world = world_of(cluster, topology);
  const auto build = [&](std::int64_t ranks, Protocol protocol) {
    return build_hierarchical(world, {Collective::kAllReduce, Bytes(1024), ranks, true}, protocol);
  };
  CHECK_THROWS_AS(static_cast<void>(build(3, Protocol::kSimple)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(build(2, Protocol::kSimple)), InternalError);
  CHECK_THROWS_AS(static_cast<void>(build(4, Protocol::kLl128)), InternalError);
}

TEST_CASE("rails join equal NICs by one leaf, unequal ones by a spine") {
  ClusterSpec cluster = cluster_of(2, 2);
  cluster.network.spines = 1;
  cluster.network.uplink = Bandwidth::per_second(20 * kGiga);
  const Topology topology = cluster.topology();
  const auto hops = [&](const char* from, const char* to) {
    return topology.route(topology.find(from).value(), topology.find(to).value(), 0).size();
  };
  // gpu pcie nic leaf nic pcie gpu, and with a spine two links more.
  CHECK(hops("n0.gpu1", "n1.gpu1") == 6);
  CHECK(hops("n0.gpu0", "n1.gpu1") == 8);
  CHECK(hops("n0.gpu0", "n0.gpu1") == 2);
}

/// Two leaves of two nodes with 4 NICs of 10 GB/s each, two spines of 20 GB/s a leaf.
struct HalfUpwards {
  HalfUpwards() : cluster(cluster_of(4, 4)) {
    cluster.network.rails = false;
    cluster.network.nodes_per_leaf = 2;
    cluster.network.spines = 2;
    cluster.network.uplink = Bandwidth::per_second(20 * kGiga);
    topology = cluster.topology();
  }
  [[nodiscard]] PortId gpu(std::int64_t node, std::int64_t at) const {
    return topology.find("n" + std::to_string(node) + ".gpu" + std::to_string(at)).value();
  }
  ClusterSpec cluster;
  Topology topology;
};

double last_of(Machine& machine, const std::vector<Transfer>& transfers) {
  for (const Transfer& transfer : transfers) {
    static_cast<void>(machine.submit(transfer, Instant()));
  }
  return to_seconds(run_to_end(machine).back().at.since_start());
}

TEST_CASE("what meets on an uplink shares it, on both rungs") {
  const HalfUpwards net;
  std::vector<Transfer> transfers;
  std::map<PortId, std::int64_t> on_spine;
  for (std::int64_t node = 0; node < 2; ++node) {
    for (std::int64_t i = 0; i < 4; ++i) {
      const Transfer transfer{net.gpu(node, i), net.gpu(node + 2, i), Bytes(10'000'000)};
      // The key of a flow is its number. Its fifth port is the spine: pcie, nic, leaf, spine.
      const Route route = net.topology.route(transfer.from, transfer.to, transfers.size());
      ++on_spine[net.topology.links()[index_of(route.at(3))].to];
      transfers.push_back(transfer);
    }
  }
  // Eight flows on two spines. The fuller one carries most x 10 MB at 20 GB/s; if it has four, its
  // flows have 5 GB/s each, half of what their NICs could send.
  std::int64_t most = 0;
  for (const auto& [spine, flows] : on_spine) most = std::max(most, flows);
  CHECK(most >= 4);
  const double expected = static_cast<double>(most) * 10e6 / 20e9;
  Fabric flows(net.topology);
  CHECK(last_of(flows, transfers) == doctest::Approx(expected).epsilon(1e-6));
  PacketFabric packets(net.topology, Bytes(4096));
  CHECK(last_of(packets, transfers) == doctest::Approx(expected).epsilon(0.05));
}

TEST_CASE("incast over the spines: all into one NIC, and its leaf holds what waits") {
  const HalfUpwards net;
  std::vector<Transfer> transfers;
  for (std::int64_t node = 0; node < 3; ++node) {
    transfers.push_back({net.gpu(node, 0), net.gpu(3, 2), Bytes(4 << 20)});
  }
  // 3 x 4 MiB at 10 GB/s.
  const double expected = 3.0 * (4 << 20) / 10e9;
  Fabric flows(net.topology);
  CHECK(last_of(flows, transfers) == doctest::Approx(expected).epsilon(1e-6));
  PacketFabric packets(net.topology, Bytes(4096));
  CHECK(last_of(packets, transfers) == doctest::Approx(expected).epsilon(0.05));
  // 1024 packets each. While 3072 come, a third of them leaves, so that 2048 wait at the leaf at
  // most, give or take those on their way.
  const PortId nic = net.topology.find("n3.nic2").value();
  std::int64_t peak = 0;
  for (std::uint32_t link = 0; link < net.topology.links().size(); ++link) {
    if (net.topology.links()[link].to != nic) continue;
    peak = std::max(peak, packets.queue_peak(static_cast<LinkId>(link)));
  }
  CHECK(std::abs(static_cast<double>(peak) - 2048) < 30);
}

TEST_CASE("alone over a spine, the rungs agree within a hundredth above a mebibyte") {
  const HalfUpwards net;
  for (const std::int64_t mebibytes : {2, 16}) {
    const std::vector<Transfer> one = {{net.gpu(0, 0), net.gpu(3, 3), Bytes(mebibytes << 20)}};
    Fabric flows(net.topology);
    PacketFabric packets(net.topology, Bytes(4096));
    CHECK(last_of(packets, one) == doctest::Approx(last_of(flows, one)).epsilon(0.01));
  }
}

}  // namespace
}  // namespace orrery
