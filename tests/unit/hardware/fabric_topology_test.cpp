// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/topology.h"

#include <doctest/doctest.h>

#include <set>

#include "sim/core/check.h"
#include "sim/core/ids.h"

namespace orrery {
namespace {

constexpr Bandwidth kRate = Bandwidth::per_second(1'000'000'000);

TEST_CASE("a route is the shortest one and goes with the links' direction") {
  Topology topology;
  const PortId a = topology.add_port("a");
  const PortId b = topology.add_port("b");
  const PortId c = topology.add_port("c");
  const LinkId ab = topology.add_link(a, b, kRate, Duration());
  const LinkId bc = topology.add_link(b, c, kRate, Duration());
  CHECK(topology.routes(a, c) == std::vector<Route>{{ab, bc}});
  CHECK(topology.routes(c, a).empty());
  CHECK(topology.routes(b, b) == std::vector<Route>{{}});
  const LinkId ac = topology.add_link(a, c, kRate, Duration());
  CHECK(topology.route(a, c, 7) == Route{ac});
}

TEST_CASE("flows spread over equally short routes by their keys, always the same way") {
  // Two leaves, four spines: four routes of two links from leaf to leaf.
  Topology topology;
  const PortId left = topology.add_port("left");
  const PortId right = topology.add_port("right");
  for (const char* name : {"s0", "s1", "s2", "s3"}) {
    const PortId spine = topology.add_port(name);
    topology.add_both_ways(left, spine, kRate, Duration());
    topology.add_both_ways(spine, right, kRate, Duration());
  }
  CHECK(topology.routes(left, right).size() == 4);
  CHECK(topology.routes(left, right, 3).size() == 3);
  std::set<LinkId> taken;
  for (std::uint64_t key = 0; key < 64; ++key) {
    const Route route = topology.route(left, right, key);
    CHECK(route == topology.route(left, right, key));
    taken.insert(route.front());
  }
  CHECK(taken.size() == 4);
}

TEST_CASE("routes begin and end at ports that do not forward, and never lead through them") {
  // a - gpu - b is short, a - s - t - b is long.
  Topology topology;
  const PortId a = topology.add_port("a");
  const PortId b = topology.add_port("b");
  const PortId gpu = topology.add_port("gpu", Forwarding::kNo);
  const PortId s = topology.add_port("s");
  const PortId t = topology.add_port("t");
  topology.add_both_ways(a, gpu, kRate, Duration());
  topology.add_both_ways(gpu, b, kRate, Duration());
  topology.add_both_ways(a, s, kRate, Duration());
  topology.add_both_ways(s, t, kRate, Duration());
  topology.add_both_ways(t, b, kRate, Duration());
  CHECK(topology.route(a, b, 0).size() == 3);
  CHECK(topology.route(a, gpu, 0).size() == 1);
  CHECK(topology.route(gpu, t, 0).size() == 2);
  // A new link is seen, although the pair was asked for before.
  topology.add_both_ways(a, b, kRate, Duration());
  CHECK(topology.route(a, b, 0).size() == 1);
}

TEST_CASE("of equally short routes, flows take the widest") {
  Topology topology;
  const PortId a = topology.add_port("a");
  const PortId b = topology.add_port("b");
  for (const char* name : {"narrow", "wide", "also wide", "wide, then narrow"}) {
    const PortId middle = topology.add_port(name);
    const Bandwidth twice = Bandwidth::per_second(2'000'000'000);
    topology.add_link(a, middle, name[0] == 'n' ? kRate : twice, Duration());
    topology.add_link(middle, b, name[0] == 'n' || name[4] == ',' ? kRate : twice, Duration());
  }
  CHECK(topology.routes(a, b).size() == 4);
  std::set<std::string> taken;
  for (std::uint64_t key = 0; key < 64; ++key) {
    const Route route = topology.route(a, b, key);
    taken.insert(topology.name(topology.links()[index_of(route.front())].to));
  }
  CHECK(taken == std::set<std::string>{"wide", "also wide"});
}

TEST_CASE("ports are found by name, and a name is given once") {
  Topology topology;
  const PortId a = topology.add_port("a");
  CHECK(topology.find("a") == a);
  CHECK(!topology.find("b").has_value());
  CHECK_THROWS_AS(topology.add_port("a"), InternalError);
}

}  // namespace
}  // namespace orrery
