// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/link_spec.h"

#include <doctest/doctest.h>

namespace orrery {
namespace {

TEST_CASE("headers take their part, and what measured transfers lack besides is the residual") {
  LinkWay way;
  way.rate = Bandwidth::per_second(100'000'000'000);
  way.packet_payload = Bytes(64);
  way.packet_header = Bytes(16);
  // Four fifths of 100 GB/s are data.
  CHECK(way.wire(Bytes(64'000)) == Bytes(80'000));
  CHECK(way.wire(Bytes(1)) == Bytes(2));
  CHECK(!way.residual().has_value());
  way.measured = Bandwidth::per_second(60'000'000'000);
  CHECK(way.residual().value() == doctest::Approx(0.25));
}

TEST_CASE("the two ways of a link are its own") {
  LinkSpec link;
  link.ends = {"host", "card"};
  link.there = {Bandwidth::per_second(100), Bytes(1), Bytes(0), nanoseconds(3), Duration(), {}};
  link.back = {Bandwidth::per_second(50), Bytes(1), Bytes(0), nanoseconds(4), Duration(), {}};
  const Topology topology = link.topology();
  REQUIRE(topology.links().size() == 2);
  CHECK(topology.links()[0].capacity == Bandwidth::per_second(100));
  CHECK(topology.links()[1].latency == nanoseconds(4));
  CHECK(topology.name(topology.links()[1].to) == "host");
}

}  // namespace
}  // namespace orrery
