// SPDX-License-Identifier: Apache-2.0
//
// Schedules over a fabric against closed forms, and the choices of NCCL's tuner by its own sums.
#include "sim/hardware/fabric/collective.h"

#include <doctest/doctest.h>

#include <cmath>

#include "sim/core/check.h"
#include "sim/hardware/fabric/fabric.h"
#include "sim/hardware/fabric/node.h"
#include "sim/hardware/fabric/packet_fabric.h"

namespace orrery {
namespace {

/// 10 links of 10 GB/s, packets without headers, so that 100 GB/s are 100 GB/s of data.
NodeSpec plain_node(std::int64_t gpus) {
  NodeSpec node;
  node.gpus = gpus;
  node.nvlink.links = 10;
  node.nvlink.link_rate = Bandwidth::per_second(10'000'000'000);
  node.nvlink.packet_payload = Bytes(128);
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

/// Round numbers in place of the fitted ones.
CollectiveCosts plain_costs() {
  CollectiveCosts costs;
  costs.launch = microseconds(5);
  costs.ll_hop = microseconds(1);
  costs.simple_start = microseconds(10);
  costs.simple_hop = microseconds(2);
  costs.simple_share = 0.5;
  costs.copy_share = 2;
  costs.nvls_start = microseconds(20);
  costs.nvls_share = 0.5;
  costs.direct_start = microseconds(7);
  costs.window = Bytes(1'000'000);
  costs.barrier = microseconds(3);
  return costs;
}

Duration time_of(const NodeSpec& node, const CollectiveJob& job, const CollectivePlan& plan) {
  const Topology topology = node.topology();
  CollectiveWorld world = node.world(topology);
  world.costs = plain_costs();
  Fabric fabric(topology);
  return run_schedule(fabric, build_schedule(world, job, plan));
}

CollectiveJob job_of(Collective collective, std::int64_t bytes, std::int64_t ranks) {
  return {collective, Bytes(bytes), ranks, true};
}

TEST_CASE("ring all-reduce: 2(n-1) steps of S/n and a copy") {
  // Start 5 + 10 us; 6 steps of 2 us and 2 MB at half of 100 GB/s (40 us); copy of 2 MB at 200
  // GB/s (10 us): 15 + 6 x 42 + 10 = 277 us.
  CHECK(time_of(plain_node(4), job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kRing, Protocol::kSimple}) == microseconds(277));
}

TEST_CASE("all-gather and reduce-scatter are half of it") {
  // 15 + 3 x 42 + 10.
  for (const Collective collective : {Collective::kAllGather, Collective::kReduceScatter}) {
    CHECK(time_of(plain_node(4), job_of(collective, 8'000'000, 4),
                  {Algorithm::kRing, Protocol::kSimple}) == microseconds(151));
  }
}

TEST_CASE("LL moves a flag with every four bytes, also when it copies") {
  // 5 us; 1 step of 1 us and 4 MB as 8 MB at 100 GB/s (80 us); the copy in the same loop (80 us).
  CHECK(time_of(plain_node(2), job_of(Collective::kAllGather, 8'000'000, 2),
                {Algorithm::kRing, Protocol::kLl}) == microseconds(166));
}

TEST_CASE("LL128 loses 8 of 128 bytes") {
  // 6 MB x 128/120 = 6.4 MB at 50 GB/s = 128 us; hop 2 x 1.9/3.4 = 1.117647058824 us (rounded up);
  // start 15 us, copy 6 MB at 200 GB/s = 30 us.
  const Duration time = time_of(plain_node(2), job_of(Collective::kAllGather, 12'000'000, 2),
                                {Algorithm::kRing, Protocol::kLl128});
  CHECK(to_seconds(time) == doctest::Approx(174.117647058824e-6).epsilon(1e-12));
}

TEST_CASE("in the switch: S (1 + 1/n) each way once the first megabyte is there") {
  // 5 + 20 us; 1 MB at 50 GB/s (20 us); 8 MB x 9/8 at 50 GB/s (180 us).
  CHECK(time_of(plain_node(8), job_of(Collective::kAllReduce, 8'000'000, 8),
                {Algorithm::kNvls, Protocol::kSimple}) == microseconds(225));
}

TEST_CASE("all-to-all: each port carries (n-1)/n of S, and the last piece is copied out") {
  // 5 + 7 us; 6 MB at 50 GB/s (120 us); tail min(6/2, 1) MB at 50 GB/s (20 us).
  CHECK(time_of(plain_node(4), job_of(Collective::kAllToAll, 8'000'000, 4),
                {Algorithm::kDirect, Protocol::kSimple}) == microseconds(152));
}

TEST_CASE("one shot reads n-1 vectors, two shots twice (n-1)/n of one") {
  // 5 us; 3 x 8 MB at 50 GB/s (480 us).
  CHECK(time_of(plain_node(4), job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kOneShot, Protocol::kSimple}) == microseconds(485));
  // 5 us; 6 MB (120 us); 3 us; 6 MB (120 us).
  CHECK(time_of(plain_node(4), job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kTwoShot, Protocol::kSimple}) == microseconds(248));
}

TEST_CASE("two trees over two ranks are a reduce and a broadcast each, chunk after chunk") {
  // Half of 8 MB in 8 chunks of 0.5 MB, 10 us each at 50 GB/s, and 2 us a hop. In tree one rank 1
  // sends up and rank 0 down, in the other the reverse: each port carries both trees' chunks. Ups
  // alone until the first is there: 15 + 2 + 10 us. Then ups and downs of a direction belong to
  // different trees and share the port: 20 us a chunk and 2 us a hop for seven more ups beside
  // seven downs, and the last downs alone, 2 + 10 us: 27 + 7 x 22 + 12 = 193 us.
  CHECK(time_of(plain_node(2), job_of(Collective::kAllReduce, 8'000'000, 2),
                {Algorithm::kDoubleTree, Protocol::kSimple}) == microseconds(193));
}

TEST_CASE("times of a channel go with the inverse of what a channel moves") {
  NodeSpec slow = plain_node(4);
  slow.tuner.channel_rate = Bandwidth::per_second(18'350'000'000);
  // As the ring above with 30 us of start and 4 us a step; bytes take what they took.
  CHECK(time_of(slow, job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kRing, Protocol::kSimple}) == microseconds(30 + 6 * 44 + 10));
}

TEST_CASE("two jobs on the same links slow each other, and only while both are there") {
  const NodeSpec node = plain_node(4);
  const Topology topology = node.topology();
  CollectiveWorld world = node.world(topology);
  world.costs = plain_costs();
  const auto shot = [&](std::int64_t bytes) {
    return build_schedule(world, job_of(Collective::kAllReduce, bytes, 4),
                          {Algorithm::kOneShot, Protocol::kSimple});
  };
  // Alone: 5 + 120 us and 5 + 480 us. Together the first has half: 5 + 240 us; by then the second
  // has done 120 of its 480, and needs 360 us more.
  const std::vector<Schedule> jobs = {shot(2'000'000), shot(8'000'000)};
  Fabric fabric(topology);
  CHECK(run_schedules(fabric, jobs) == std::vector<Duration>{microseconds(245), microseconds(605)});
}

TEST_CASE("packets and flows agree on collectives") {
  const NodeSpec node = plain_node(4);
  const Topology topology = node.topology();
  const CollectiveWorld world = node.world(topology);
  for (const CollectivePlan plan : {CollectivePlan{Algorithm::kRing, Protocol::kSimple},
                                    CollectivePlan{Algorithm::kNvls, Protocol::kSimple},
                                    CollectivePlan{Algorithm::kTwoShot, Protocol::kSimple}}) {
    const Schedule schedule =
        build_schedule(world, job_of(Collective::kAllReduce, 32 << 20, 4), plan);
    Fabric flows(topology);
    PacketFabric packets(topology, Bytes(4096));
    CHECK(to_seconds(run_schedule(packets, schedule)) ==
          doctest::Approx(to_seconds(run_schedule(flows, schedule))).epsilon(0.01));
  }
}

TEST_CASE("protocols change where the tuner's own sums cross") {
  const NodeSpec node = plain_node(8);
  const Topology topology = node.topology();
  const CollectiveWorld world = node.world(topology);
  const auto choice = [&](Collective collective, std::int64_t bytes, std::int64_t ranks,
                          bool floating = true) {
    return choose_plan(world, {collective, Bytes(bytes), ranks, floating}).text();
  };
  // All-gather of 4: LL 6.6 + 3 x 0.6 us at min(141, 180) x 4/3 = 188 GB/s; Simple 8.4 + 3 x 3.4 us
  // at 480 GB/s. 8.4 + S/188 = 18.6 + S/480 at S = 10.2 / (1/0.188 - 1/0.480) = 3152 kB.
  CHECK(choice(Collective::kAllGather, 3'150'000, 4) == "ring/LL");
  CHECK(choice(Collective::kAllGather, 3'155'000, 4) == "ring/Simple");
  // All-reduce of 4: LL 10.2 us + S/94, LL128 25.4 us + S/220.8, Simple 28.8 us + S/240: LL128 from
  // 15.2 / (1/94 - 1/220.8) = 2488 kB on, Simple from 3.4 / (1/220.8 - 1/240) = 9384 kB on.
  CHECK(choice(Collective::kAllReduce, 2'485'000, 4) == "ring/LL");
  CHECK(choice(Collective::kAllReduce, 2'490'000, 4) == "ring/LL128");
  CHECK(choice(Collective::kAllReduce, 9'380'000, 4) == "ring/LL128");
  CHECK(choice(Collective::kAllReduce, 9'390'000, 4) == "ring/Simple");
  // All-reduce of 8: LL 15 us + S/80.571; the switch 25 us + S / (370.8 x 0.85 x 5/6 x 7/8 =
  // 229.819): from 10 / (1/80.571 - 1/229.819) = 1240.7 kB on, but not for integers.
  CHECK(choice(Collective::kAllReduce, 1'240'000, 8) == "ring/LL");
  CHECK(choice(Collective::kAllReduce, 1'242'000, 8) == "nvls/Simple");
  CHECK(choice(Collective::kAllReduce, 1'242'000, 8, false) == "ring/LL");
  // Sends of up to 16 KiB to a peer go with flags.
  CHECK(choice(Collective::kAllToAll, 8 * 16384, 8) == "direct/LL");
  CHECK(choice(Collective::kAllToAll, 8 * 16385, 8) == "direct/Simple");
}

TEST_CASE("vLLM's all-reduces change at the sizes of its source") {
  NodeSpec node = plain_node(8);
  const Topology topology = node.topology();
  const auto choice = [&](std::int64_t kib, std::int64_t ranks, bool floating = true) {
    return choose_vllm(node.world(topology),
                       {Collective::kAllReduce, Bytes(kib * 1024), ranks, floating})
        .text();
  };
  node.nvlink.generation = 4;
  CHECK(choice(8191, 2) == "one-shot");
  CHECK(choice(8192, 2) == "symm-two-shot");
  CHECK(choice(65536, 2) == "symm-two-shot");
  CHECK(choice(65537, 2) == "ring/Simple");
  CHECK(choice(511, 4) == "one-shot");
  CHECK(choice(512, 4) == "two-shot");
  CHECK(choice(8192, 4) == "symm-multimem");
  CHECK(choice(32769, 4) == "ring/Simple");
  CHECK(choice(255, 8) == "one-shot");
  CHECK(choice(256, 8) == "symm-multimem");
  CHECK(choice(65537, 8) == "nvls/Simple");
  // Without its own kernels, symmetric memory takes small vectors too.
  const CollectiveJob small{Collective::kAllReduce, Bytes(1024), 8, true};
  CHECK(choose_vllm(node.world(topology), small, false).text() == "symm-multimem");
  // Neither knows three ranks or integers.
  CHECK(choice(16, 3) == "ring/LL");
  CHECK(choice(16, 8, false) == "ring/LL");
  // Before Hopper there is no symmetric memory.
  node.nvlink.generation = 3;
  CHECK(choice(8191, 8) == "two-shot");
  CHECK(choice(8192, 8) == "nvls/Simple");
}

TEST_CASE("symmetric memory: copied in, all meet, moved, copied out") {
  // 8 MB at 2 TB/s are 4 us. 5 + 4 us; 3 us; 8 MB x 5/4 at 50 GB/s (200 us); 4 us.
  CHECK(time_of(plain_node(4), job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kSymmetricMultimem, Protocol::kSimple}) == microseconds(216));
  // As two shots (120 us each) with one meeting.
  CHECK(time_of(plain_node(4), job_of(Collective::kAllReduce, 8'000'000, 4),
                {Algorithm::kSymmetricTwoShot, Protocol::kSimple}) == microseconds(256));
}

TEST_CASE("one shot of two is bound by what its threads have under way") {
  NodeSpec node = plain_node(2);
  node.nvlink.link_rate = Bandwidth::per_second(100'000'000'000);
  // 36 x 512 x 16 = 294,912 B each microsecond: 8 MB take 27.126736 us, and not 16 us at half of
  // 1000 GB/s.
  const Duration time = time_of(node, job_of(Collective::kAllReduce, 8'000'000, 2),
                                {Algorithm::kOneShot, Protocol::kSimple});
  CHECK(to_seconds(time) == doctest::Approx(32.126736e-6).epsilon(1e-6));
}

TEST_CASE("small sends to all peers go over one channel each, with flags") {
  // 5 + 1 us; 10 kB at 141 GB/s / 24 = 5.875 GB/s (1.702128 us); 3 x 20 kB at 100 GB/s (0.6 us).
  const Duration time = time_of(plain_node(4), job_of(Collective::kAllToAll, 40'000, 4),
                                {Algorithm::kDirect, Protocol::kLl});
  CHECK(to_seconds(time) == doctest::Approx(8.302128e-6).epsilon(1e-6));
}

TEST_CASE("an algorithm carries its own collectives") {
  CHECK(can_carry(Algorithm::kRing, Collective::kAllGather));
  CHECK(!can_carry(Algorithm::kRing, Collective::kAllToAll));
  CHECK(!can_carry(Algorithm::kNvls, Collective::kAllGather));
  CHECK_THROWS_AS(time_of(plain_node(4), job_of(Collective::kAllToAll, 8'000'000, 4),
                          {Algorithm::kRing, Protocol::kSimple}),
                  InternalError);
}

TEST_CASE("bus bandwidth is as nccl-tests has it") {
  CHECK(bus_factor(Collective::kAllReduce, 8) == doctest::Approx(1.75));
  CHECK(bus_factor(Collective::kAllGather, 8) == doctest::Approx(0.875));
}

}  // namespace
}  // namespace orrery
