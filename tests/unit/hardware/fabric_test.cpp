// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/fabric.h"

#include <doctest/doctest.h>

#include "sim/core/ids.h"
#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

constexpr std::int64_t kGiga = 1'000'000'000;

/// Ports a, b, c around one switch, 100 GB/s each way, no latency unless given.
Topology star(Duration latency = Duration()) {
  Topology topology;
  const PortId middle = topology.add_port("switch");
  for (const char* name : {"a", "b", "c"}) {
    topology.add_both_ways(topology.add_port(name), middle, Bandwidth::per_second(100 * kGiga),
                           latency);
  }
  return topology;
}

constexpr PortId kA{1};
constexpr PortId kB{2};
constexpr PortId kC{3};

Instant at(Duration since_start) { return Instant::at(since_start); }

TEST_CASE("alone, a transfer takes its latencies and its bytes over the narrowest link") {
  const Topology topology = star(nanoseconds(300));
  Fabric fabric(topology);
  const Ticket ticket = fabric.submit({kA, kB, Bytes(1'000'000)}, at(nanoseconds(50)));
  // 50 ns + 2 x 300 ns + 10^6 B / 100 GB/s = 10 us.
  CHECK(run_to_end(fabric) == std::vector<Completion>{{ticket, at(nanoseconds(10'650))}});
}

TEST_CASE("thirds of a link do not lengthen what they carry") {
  const Topology topology = star();
  Fabric fabric(topology);
  // Three flows into c share its 100 GB/s: 1,000,001 B at 100/3 GB/s = 30.00003 us exactly, which a
  // share rounded down to 1/65536 B/s must not lengthen.
  const Ticket x = fabric.submit({kA, kC, Bytes(1'000'001)}, at(Duration()));
  const Ticket y = fabric.submit({kA, kC, Bytes(1'000'001)}, at(Duration()));
  const Ticket z = fabric.submit({kB, kC, Bytes(1'000'001)}, at(Duration()));
  const Instant end = at(nanoseconds(30'000) + picoseconds(30));
  CHECK(run_to_end(fabric) == std::vector<Completion>{{x, end}, {y, end}, {z, end}});
}

TEST_CASE("a completion between two picoseconds counts as the later one") {
  Topology topology;
  const PortId from = topology.add_port("from");
  const PortId to = topology.add_port("to");
  topology.add_link(from, to, Bandwidth::per_second(300 * kGiga), Duration());
  Fabric fabric(topology);
  // 1 B / (300 GB/s) = 3.33 ps; 3 B are 10 ps.
  const Ticket one = fabric.submit({from, to, Bytes(1)}, at(Duration()));
  CHECK(run_to_end(fabric) == std::vector<Completion>{{one, at(picoseconds(4))}});
  const Ticket three = fabric.submit({from, to, Bytes(3)}, at(picoseconds(10)));
  CHECK(run_to_end(fabric) == std::vector<Completion>{{three, at(picoseconds(20))}});
}

TEST_CASE("a flow that comes slows one that is there, and leaves it the rest") {
  const Topology topology = star();
  Fabric fabric(topology);
  const Ticket first = fabric.submit({kA, kC, Bytes(1'000'000)}, at(Duration()));
  std::vector<Ticket> done;
  fabric.advance(at(microseconds(4)), done);
  CHECK(done.empty());
  const Ticket second = fabric.submit({kB, kC, Bytes(200'000)}, at(microseconds(4)));
  // By 4 us the first has moved 400 kB. Then 50 GB/s each: the second is done after 4 us, at 8 us,
  // when the first has 600 - 200 = 400 kB left, at 100 GB/s again: 4 us more.
  CHECK(run_to_end(fabric) ==
        std::vector<Completion>{{second, at(microseconds(8))}, {first, at(microseconds(12))}});
}

TEST_CASE("the two directions of a link share nothing") {
  const Topology topology = star();
  Fabric fabric(topology);
  const Ticket there = fabric.submit({kA, kB, Bytes(1'000'000)}, at(Duration()));
  const Ticket back = fabric.submit({kB, kA, Bytes(1'000'000)}, at(Duration()));
  const Instant end = at(microseconds(10));
  CHECK(run_to_end(fabric) == std::vector<Completion>{{there, end}, {back, end}});
}

TEST_CASE("n to one: each sender gets an n-th of the receiver's link") {
  Topology topology;
  const PortId sink = topology.add_port("sink");
  const PortId middle = topology.add_port("switch");
  topology.add_link(middle, sink, Bandwidth::per_second(100 * kGiga), Duration());
  Fabric fabric(topology);
  std::vector<PortId> sources;
  for (int i = 0; i < 7; ++i) {
    sources.push_back(topology.add_port("source" + std::to_string(i)));
    topology.add_link(sources.back(), middle, Bandwidth::per_second(100 * kGiga), Duration());
  }
  for (const PortId source : sources) {
    static_cast<void>(fabric.submit({source, sink, Bytes(1'000'000)}, at(Duration())));
  }
  // 7 x 10^6 B over 100 GB/s.
  for (const Completion& completion : run_to_end(fabric)) {
    CHECK(completion.at == at(microseconds(70)));
  }
}

TEST_CASE("a fabric is a machine") {
  const Topology topology = star(nanoseconds(120));
  check_machine_contract([&] { return std::make_unique<Fabric>(topology); },
                         {{kA, kB}, {kB, kA}, {kA, kC}, {kC, kB}});
}

}  // namespace
}  // namespace orrery
