// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/cosimulation.h"

#include <doctest/doctest.h>

#include "sim/hardware/fabric/fabric.h"

namespace orrery {
namespace {

/// One link of 1 GB/s: a byte a nanosecond.
struct Wire {
  Wire() {
    from = topology.add_port("from");
    to = topology.add_port("to");
    topology.add_link(from, to, Bandwidth::per_second(1'000'000'000), Duration());
  }
  Topology topology;
  PortId from;
  PortId to;
};

TEST_CASE("each transfer calls back once, when it is done, and not before it is asked to") {
  const Wire wire;
  Fabric fabric(wire.topology);
  CoSimulation link(fabric);
  std::vector<Instant> calls;
  link.send({wire.from, wire.to, Bytes(100)}, [&](Instant done) { calls.push_back(done); });
  link.advance(Instant::at(nanoseconds(99)));
  CHECK(calls.empty());
  CHECK(link.next() == Instant::at(nanoseconds(100)));
  link.advance(Instant::at(nanoseconds(500)));
  CHECK(calls == std::vector<Instant>{Instant::at(nanoseconds(100))});
  CHECK(link.now() == Instant::at(nanoseconds(500)));
  CHECK(link.next() == Instant::never());
}

TEST_CASE("a callback that sends begins there and then, within the same advance") {
  const Wire wire;
  Fabric fabric(wire.topology);
  CoSimulation link(fabric);
  std::vector<Instant> calls;
  const CoSimulation::Callback last = [&](Instant done) { calls.push_back(done); };
  link.send({wire.from, wire.to, Bytes(100)}, [&](Instant done) {
    calls.push_back(done);
    link.send({wire.from, wire.to, Bytes(50)}, last);
  });
  link.advance(Instant::at(nanoseconds(1000)));
  CHECK(calls ==
        std::vector<Instant>{Instant::at(nanoseconds(100)), Instant::at(nanoseconds(150))});
}

}  // namespace
}  // namespace orrery
