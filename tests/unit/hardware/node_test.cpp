// SPDX-License-Identifier: Apache-2.0
//
// Who shares what within a machine: PCIe switches, sockets and their memory.
#include "sim/hardware/fabric/node.h"

#include <doctest/doctest.h>

#include "sim/core/ids.h"
#include "sim/hardware/fabric/fabric.h"
#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

/// Four GPUs in pairs on two switches, one for each of two sockets.
NodeSpec four_gpus() {
  NodeSpec node;
  node.gpus = 4;
  node.nvlink.links = 1;
  node.nvlink.link_rate = Bandwidth::per_second(100'000'000'000);
  node.nvlink.packet_payload = Bytes(128);
  node.pcie.generation = 5;
  node.pcie.lanes = 16;
  node.host.sockets = 2;
  node.host.memory_channels = 4;
  node.host.channel_rate = Bandwidth::per_second(25'000'000'000);
  node.host.memory_share = 0.75;
  node.host.interconnect = Bandwidth::per_second(20'000'000'000);
  node.host.interconnect_latency = nanoseconds(100);
  node.host.gpus_per_switch = 2;
  node.nic.rate = Bandwidth::per_second(50'000'000'000);
  return node;
}

double gb_per_s(const Topology& topology,
                const std::vector<std::pair<const char*, const char*>>& at) {
  constexpr std::int64_t kBytes = 1'000'000'000;
  Fabric fabric(topology);
  for (const auto& [from, to] : at) {
    static_cast<void>(fabric.submit(
        {topology.find(from).value(), topology.find(to).value(), Bytes(kBytes)}, Instant()));
  }
  return static_cast<double>(kBytes) / to_seconds(run_to_end(fabric).back().at.since_start()) *
         1e-9;
}

TEST_CASE("GPUs under one switch halve its link to the socket, those under two do not") {
  const NodeSpec node = four_gpus();
  const Topology topology = node.topology();
  const double link =
      static_cast<double>(derived_copy_rate(node.pcie, PcieLink::kHost).units_per_second()) * 1e-9;
  CHECK(gb_per_s(topology, {{"dram0", "gpu0"}}) == doctest::Approx(link).epsilon(1e-3));
  CHECK(gb_per_s(topology, {{"dram0", "gpu0"}, {"dram0", "gpu1"}}) ==
        doctest::Approx(link / 2).epsilon(1e-3));
  CHECK(gb_per_s(topology, {{"dram0", "gpu0"}, {"dram1", "gpu2"}}) ==
        doctest::Approx(link).epsilon(1e-3));
  // A NIC and a GPU of one switch do not touch the socket's link.
  CHECK(gb_per_s(topology, {{"gpu0", "nic0"}, {"dram0", "gpu1"}}) ==
        doctest::Approx(50).epsilon(1e-3));
}

TEST_CASE("memory of the other socket comes over what is between sockets") {
  const Topology topology = four_gpus().topology();
  CHECK(gb_per_s(topology, {{"dram1", "gpu0"}}) == doctest::Approx(20).epsilon(1e-3));
  CHECK(gb_per_s(topology, {{"dram1", "gpu0"}, {"dram1", "gpu1"}}) ==
        doctest::Approx(10).epsilon(1e-3));
  CHECK(gb_per_s(topology, {{"dram0", "dram1"}}) == doctest::Approx(20).epsilon(1e-3));
}

TEST_CASE("a socket's memory is four channels of 25 GB/s at 0.75") {
  NodeSpec node = four_gpus();
  node.host.gpus_per_switch = 1;
  const Topology topology = node.topology();
  // 75 GB/s for two GPUs, whose links could carry 55.9 each.
  CHECK(gb_per_s(topology, {{"dram0", "gpu0"}, {"dram0", "gpu1"}}) ==
        doctest::Approx(37.5).epsilon(1e-3));
}

TEST_CASE("GPUs talk over NVLink, and reach another's NIC over the host, not through that GPU") {
  const Topology topology = four_gpus().topology();
  const auto names = [&](const char* from, const char* to) {
    std::string text = from;
    for (const LinkId link :
         topology.route(topology.find(from).value(), topology.find(to).value(), 0)) {
      text += " " + topology.name(topology.links()[index_of(link)].to);
    }
    return text;
  };
  CHECK(names("gpu0", "gpu3") == "gpu0 nvswitch gpu3");
  // Two links over their PCIe switch would be as short, but not as wide.
  CHECK(names("gpu0", "gpu1") == "gpu0 nvswitch gpu1");
  CHECK(names("gpu0", "nic1") == "gpu0 pcie0 nic1");
  CHECK(names("gpu0", "nic2") == "gpu0 pcie0 socket0 socket1 pcie1 nic2");
}

}  // namespace
}  // namespace orrery
