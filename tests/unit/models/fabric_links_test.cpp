// SPDX-License-Identifier: Apache-2.0
#include "models/links/fabric_links.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "models/transformer/transformer.h"
#include "sim/core/errors.h"
#include "sim/core/random.h"
#include "sim/hardware/fabric/fabric.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

/// Like 8 H200, in round numbers.
NodeSpec node_of_eight() {
  NodeSpec node;
  node.name = "eight";
  node.gpus = 8;
  node.collectives_checked = true;
  node.nvlink.generation = 4;
  node.nvlink.links = 18;
  node.nvlink.link_rate = Bandwidth::per_second(25'000'000'000);
  node.nvlink.packet_payload = Bytes(128);
  node.nvlink.packet_header = Bytes(16);
  node.nvlink.reduces_from_ranks = 5;
  node.tuner.ring_rate = Bandwidth::per_second(360'000'000'000);
  node.tuner.nvls_rate = Bandwidth::per_second(370'800'000'000);
  node.tuner.nvls_efficiency = 0.85;
  node.tuner.ll_max = Bandwidth::per_second(141'000'000'000);
  node.tuner.channel_rate = kReferenceChannel;
  node.tuner.channels = 24;
  node.copy.local = Bandwidth::per_second(2'000'000'000'000);
  node.pcie.generation = 5;
  node.pcie.lanes = 16;
  node.host.sockets = 1;
  node.host.memory_channels = 8;
  node.host.channel_rate = Bandwidth::per_second(40'000'000'000);
  node.host.memory_share = 0.8;
  node.nic.rate = Bandwidth::per_second(50'000'000'000);
  return node;
}

double relative(Duration time, Duration expected) {
  return std::abs(to_seconds(time) / to_seconds(expected) - 1);
}

TEST_CASE("what is remembered is what the schedule takes, to a thousandth") {
  const NodeSpec node = node_of_eight();
  const Topology topology = node.topology();
  const CollectiveWorld world = node.world(topology);
  const auto links = make_fabric_links(node, {});
  RandomStream random(1, "fabric links", "sizes");
  for (int i = 0; i < 200; ++i) {
    const auto collective = static_cast<Collective>(random.below(4));
    const std::int64_t ranks = std::int64_t{2} << random.below(3);
    const std::int64_t bytes =
        16 * random.between(1, std::int64_t{1} << random.between(1, 22)) + (i % 5 == 0 ? 1 : 0);
    const CollectiveJob job{collective, Bytes(bytes), ranks, true};
    Fabric fabric(topology);
    const Duration exact =
        run_schedule(fabric, build_schedule(world, job, choose_vllm(world, job)));
    CHECK(relative(links->time(collective, bytes, ranks).time, exact) < 1e-3);
  }
}

TEST_CASE("from a mebibyte on, packets take what flows take to a hundredth") {
  const auto flows = make_fabric_links(node_of_eight(), {});
  const auto packets = make_fabric_links(node_of_eight(), {Bytes(4096), true});
  for (const std::int64_t bytes : {1LL << 20, 10LL << 20, 64LL << 20}) {
    for (const Collective collective : {Collective::kAllReduce, Collective::kAllGather}) {
      CHECK(relative(packets->time(collective, bytes, 8).time,
                     flows->time(collective, bytes, 8).time) < 0.01);
    }
  }
}

TEST_CASE("times say what bounds them and whether they were ever checked") {
  NodeSpec node = node_of_eight();
  const auto links = make_fabric_links(node, {});
  CHECK(links->time(Collective::kAllReduce, 0, 8).time == Duration());
  CHECK(links->time(Collective::kAllReduce, 16 << 10, 8).bound == "launch");
  CHECK(links->time(Collective::kAllReduce, 256 << 20, 8).bound == "link");
  CHECK(!links->time(Collective::kAllReduce, 256 << 20, 8).guessed);
  CHECK(links->time(Collective::kAllReduce, 1 << 30, 8).guessed);
  node.collectives_checked = false;
  CHECK(make_fabric_links(node, {})->time(Collective::kAllReduce, 16, 8).guessed);
  // Half of an exchange of two, the halves of which share nothing.
  CHECK(links->send(1 << 20).time == links->time(Collective::kAllToAll, 2 << 20, 2).time);
}

TEST_CASE("more ranks than the machine has are refused") {
  const auto links = make_fabric_links(node_of_eight(), {});
  CHECK_THROWS_AS(static_cast<void>(links->time(Collective::kAllReduce, 1024, 16)), ConfigError);
}

TEST_CASE("ranks of several nodes talk in levels, and that was never checked") {
  ClusterSpec cluster;
  cluster.name = "two of eight";
  cluster.nodes = 2;
  cluster.node = node_of_eight();
  cluster.network.packet_payload = Bytes(4096);
  cluster.network.ll_hop = nanoseconds(2700);
  cluster.network.simple_hop = microseconds(14);
  const auto links = make_fabric_links(cluster, {});
  const Topology topology = cluster.topology();
  const ClusterWorld world = world_of(cluster, topology);
  for (const std::int64_t bytes : {1LL << 14, 3LL << 20, 100LL << 20}) {
    const CollectiveJob job{Collective::kAllToAll, Bytes(bytes), 16, true};
    const Duration exact = time_levels(world, job, kLevelProtocols, [&] {
                             return std::make_unique<Fabric>(topology);
                           }).time;
    CHECK(relative(links->time(Collective::kAllToAll, bytes, 16).time, exact) < 1e-3);
    CHECK(links->time(Collective::kAllToAll, bytes, 16).guessed);
  }
  // Within a node as without the other.
  CHECK(links->time(Collective::kAllReduce, 1 << 20, 8).time ==
        make_fabric_links(cluster.node, {})->time(Collective::kAllReduce, 1 << 20, 8).time);
  CHECK_THROWS_AS(static_cast<void>(links->time(Collective::kAllReduce, 1024, 12)), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(links->time(Collective::kAllReduce, 1024, 24)), ConfigError);
}

TEST_CASE("a step's all-reduces take what the links say, and stand so in its explanation") {
  Plan plan;
  plan.tensor_parallel = 8;
  const auto links = make_fabric_links(node_of_eight(), {});
  const auto model =
      make_roofline(test::llama_70b(), test::round_gpu(), plan, ExecutionOptions(), links);
  BatchShape shape;
  shape.decodes = shape.sampled_rows = 64;
  shape.decode_context = 64 * 1000;
  shape.decode_context_max = 1000;
  shape.decode_tiles = 64 * 8;
  Breakdown breakdown;
  model->explain(shape, breakdown);
  Duration sum;
  bool seen = false;
  for (const OperatorCost& op : breakdown.operators) {
    sum += op.time;
    if (op.name != "all_reduce") continue;
    seen = true;
    // 64 rows of 8192 bf16 are 1 MiB; 2 x 80 layers.
    CHECK(op.time == links->time(Collective::kAllReduce, 1 << 20, 8).time * 160);
    CHECK(op.basis == "symm-multimem over max-min flows");
  }
  CHECK(seen);
  CHECK(sum == model->cost(shape).device);
  CHECK(model->basis().find("of eight (calibrated") != std::string::npos);
}

}  // namespace
}  // namespace orrery
