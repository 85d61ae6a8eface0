// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/packet_fabric.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sim/core/random.h"
#include "sim/hardware/fabric/fabric.h"
#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

constexpr Bandwidth kRate = Bandwidth::per_second(50'000'000'000);
constexpr Bytes kPacket{4096};

/// `hosts` ports around one switch, 50 GB/s and 200 ns each way.
struct Star {
  explicit Star(int hosts) {
    const PortId middle = topology.add_port("switch");
    for (int i = 0; i < hosts; ++i) {
      ports.push_back(topology.add_port("host" + std::to_string(i)));
      topology.add_both_ways(ports.back(), middle, kRate, nanoseconds(200));
    }
  }
  Topology topology;
  std::vector<PortId> ports;
};

/// Two leaves of four hosts and four spines; all links equal.
struct LeafSpine {
  LeafSpine() {
    PortId leaves[2] = {topology.add_port("leaf0"), topology.add_port("leaf1")};
    for (int i = 0; i < 4; ++i) {
      const PortId spine = topology.add_port("spine" + std::to_string(i));
      for (const PortId leaf : leaves) topology.add_both_ways(leaf, spine, kRate, nanoseconds(300));
    }
    for (int i = 0; i < 8; ++i) {
      ports.push_back(topology.add_port("host" + std::to_string(i)));
      topology.add_both_ways(ports.back(), leaves[i / 4], kRate, nanoseconds(300));
    }
  }
  Topology topology;
  std::vector<PortId> ports;
};

double last_of(Machine& machine, const std::vector<Transfer>& transfers) {
  for (const Transfer& transfer : transfers) {
    static_cast<void>(machine.submit(transfer, Instant()));
  }
  return to_seconds(run_to_end(machine).back().at.since_start());
}

TEST_CASE("alone, the first packet crosses link after link and the rest follow") {
  const Star star(2);
  PacketFabric fabric(star.topology, Bytes(1000));
  const Ticket ticket = fabric.submit({star.ports[0], star.ports[1], Bytes(10'500)}, Instant());
  // A packet of 1000 B takes 20 ns. The tenth is sent by 200 ns and at the switch, whole, at 400
  // ns, whence it is sent by 420 ns. The last one, 500 B, is sent by 210 ns and there at 410 ns,
  // has to wait for 420 ns, is sent by 430 ns and there at 630 ns.
  const Instant end = Instant::at(nanoseconds(630));
  CHECK(run_to_end(fabric) == std::vector<Completion>{{ticket, end}});
}

TEST_CASE("above a mebibyte, the rungs agree within a hundredth") {
  const Star star(2);
  const LeafSpine spines;
  for (const std::int64_t mebibytes : {2, 4, 64}) {
    const Bytes bytes(mebibytes << 20);
    Fabric flow(star.topology);
    PacketFabric packets(star.topology, kPacket);
    const std::vector<Transfer> near = {{star.ports[0], star.ports[1], bytes}};
    CHECK(last_of(packets, near) == doctest::Approx(last_of(flow, near)).epsilon(0.01));
    Fabric far_flow(spines.topology);
    PacketFabric far_packets(spines.topology, kPacket);
    const std::vector<Transfer> far = {{spines.ports[0], spines.ports[7], bytes}};
    CHECK(last_of(far_packets, far) == doctest::Approx(last_of(far_flow, far)).epsilon(0.01));
  }
}

TEST_CASE("n to one: the rungs agree within a twentieth, and the queue is n-1 vectors deep") {
  for (const int senders : {3, 7, 15}) {
    const Star star(senders + 1);
    std::vector<Transfer> transfers;
    for (int i = 1; i <= senders; ++i) {
      transfers.push_back({star.ports[static_cast<std::size_t>(i)], star.ports[0], Bytes(1 << 20)});
    }
    Fabric flow(star.topology);
    PacketFabric packets(star.topology, kPacket);
    CHECK(last_of(packets, transfers) == doctest::Approx(last_of(flow, transfers)).epsilon(0.05));
    // In the time in which all 256 n packets come to the switch, 256 leave it: 256 (n-1) are left,
    // give or take those on their way at the beginning. Link 1 leads from the switch to host 0.
    const auto depth = static_cast<double>(packets.queue_peak(LinkId{1}));
    CHECK(std::abs(depth - 256.0 * (senders - 1)) <= senders + 2);
  }
}

TEST_CASE("flows take turns: a long one and a short one on each of two links") {
  // Host 0 sends to 1 and 2, host 3 sends to 1: two flows on the way out of 0, two on the way to 1.
  // Max-min: half each; all of 8 MiB end together.
  const Star star(4);
  const std::vector<Transfer> transfers = {{star.ports[0], star.ports[1], Bytes(8 << 20)},
                                           {star.ports[0], star.ports[2], Bytes(8 << 20)},
                                           {star.ports[3], star.ports[1], Bytes(8 << 20)}};
  Fabric flow(star.topology);
  PacketFabric packets(star.topology, kPacket);
  CHECK(last_of(packets, transfers) == doctest::Approx(last_of(flow, transfers)).epsilon(0.02));
}

TEST_CASE("equal-cost paths: what meets on a spine is slow, on both rungs alike") {
  const LeafSpine spines;
  RandomStream random(3, "leaf and spine", "pairs");
  for (int world = 0; world < 20; ++world) {
    std::vector<Transfer> transfers;
    for (std::size_t i = 0; i < 4; ++i) {
      transfers.push_back({spines.ports[i], spines.ports[4 + random.below(4)], Bytes(4 << 20)});
    }
    Fabric flow(spines.topology);
    PacketFabric packets(spines.topology, kPacket);
    CHECK(last_of(packets, transfers) == doctest::Approx(last_of(flow, transfers)).epsilon(0.05));
  }
}

TEST_CASE("a packet fabric is a machine") {
  const Star star(3);
  check_machine_contract([&] { return std::make_unique<PacketFabric>(star.topology, kPacket); },
                         {{star.ports[0], star.ports[1]},
                          {star.ports[1], star.ports[0]},
                          {star.ports[2], star.ports[1]}});
}

}  // namespace
}  // namespace orrery
