// SPDX-License-Identifier: Apache-2.0
#include "sim/study/fabric_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "sim/core/errors.h"
#include "sim/hardware/fabric/fabric.h"
#include "sim/hardware/fabric/packet_fabric.h"

namespace orrery {
namespace {

template <std::size_t N>
std::optional<std::size_t> place_of(const std::array<std::string_view, N>& names,
                                    std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

CollectivePlan parse_plan(std::string_view text, CollectivePlan plan) {
  const std::size_t slash = text.find('/');
  const auto algorithm = place_of(kAlgorithmNames, text.substr(0, slash));
  if (!algorithm) {
    throw ConfigError(
        fmt::format("--algorithm {}: known: vllm, {}", text, fmt::join(kAlgorithmNames, ", ")));
  }
  plan.algorithm = static_cast<Algorithm>(*algorithm);
  if (slash == std::string_view::npos) return plan;
  const auto protocol = place_of(kProtocolNames, text.substr(slash + 1));
  if (!protocol) {
    throw ConfigError(fmt::format("--algorithm {}: no such protocol; known: {}", text,
                                  fmt::join(kProtocolNames, ", ")));
  }
  plan.protocol = static_cast<Protocol>(*protocol);
  return plan;
}

void check_job(const NodeSpec& node, const CollectiveJob& job) {
  if (job.ranks < 2 || job.ranks > node.gpus) {
    throw ConfigError(fmt::format("--ranks {}: is not within [2, {}], the GPUs of {}", job.ranks,
                                  node.gpus, node.name));
  }
  if (job.bytes.count() < job.ranks) {
    throw ConfigError(fmt::format("--bytes {}: is less than a byte a rank", job.bytes.count()));
  }
}

bool is_in_switch(Algorithm algorithm) {
  return algorithm == Algorithm::kNvls || algorithm == Algorithm::kSymmetricMultimem;
}

void check_plan(const NodeSpec& node, const CollectiveJob& job, const CollectivePlan& plan) {
  const auto name = kAlgorithmNames.at(static_cast<std::size_t>(plan.algorithm));
  if (!can_carry(plan.algorithm, job.collective)) {
    throw ConfigError(fmt::format("--algorithm {}: carries no {}", name,
                                  kCollectiveNames.at(static_cast<std::size_t>(job.collective))));
  }
  if (!is_in_switch(plan.algorithm)) return;
  if (node.nvlink.reduces_from_ranks == 0) {
    throw ConfigError(
        fmt::format("--algorithm {}: the switches of {} do not reduce", name, node.name));
  }
  if (!job.floating) {
    throw ConfigError(fmt::format("--algorithm {}: switches do not add integers", name));
  }
}

double gb_per_s(double bytes, Duration time) { return bytes / to_seconds(time) * 1e-9; }

PortId port_of(const Topology& topology, std::string_view name) {
  if (const auto port = topology.find(name)) return *port;
  throw ConfigError(
      fmt::format("--transfer: there is no '{}'; {}", name, known_names(name, topology.names())));
}

bool is_gpu(std::string_view name) { return name.starts_with("gpu"); }

/// Until all are done; there are at most two.
Duration end_of(Machine& machine, std::size_t count) {
  std::vector<Ticket> done;
  Instant now;
  while (done.size() < count) {
    now = machine.next();
    machine.advance(now, done);
  }
  return now.since_start();
}

std::unique_ptr<Machine> make_fabric(const Topology& topology, const FabricRung& rung) {
  if (rung.packet) return std::make_unique<PacketFabric>(topology, *rung.packet);
  return std::make_unique<Fabric>(topology);
}

void run_pcie(const NodeSpec& node, bool to_device, Bytes bytes, bool both_ways,
              FabricResult& result) {
  PcieLink link(node.pcie);
  const PortId source = to_device ? PcieLink::kHost : PcieLink::kDevice;
  const PortId sink = to_device ? PcieLink::kDevice : PcieLink::kHost;
  static_cast<void>(link.submit({source, sink, bytes}, Instant()));
  if (both_ways) static_cast<void>(link.submit({sink, source, bytes}, Instant()));
  result.time = end_of(link, both_ways ? 2 : 1);
  result.algorithm = fmt::format("PCIe {} x{}, copy engine", node.pcie.generation, node.pcie.lanes);
  const auto& measured = to_device ? node.pcie.measured_to_device : node.pcie.measured_to_host;
  if (both_ways || !measured) return;
  result.host_residual =
      1 - static_cast<double>(measured->units_per_second()) /
              static_cast<double>(derived_copy_rate(node.pcie, source).units_per_second());
}

void run_over_fabric(const NodeSpec& node, const Topology& topology, PortId source, PortId sink,
                     Bytes bytes, bool both_ways, const FabricRung& rung, FabricResult& result) {
  const bool peers = is_gpu(topology.name(source)) && is_gpu(topology.name(sink));
  const Bytes wire = peers ? node.nvlink.wire(static_cast<double>(bytes.count())) : bytes;
  const auto fabric = make_fabric(topology, rung);
  static_cast<void>(fabric->submit({source, sink, wire}, Instant()));
  if (both_ways) static_cast<void>(fabric->submit({sink, source, wire}, Instant()));
  result.time = end_of(*fabric, both_ways ? 2 : 1) + (peers ? node.copy.start : Duration());
  result.algorithm = peers ? fmt::format("NVLink {}, copy engine", node.nvlink.generation)
                           : std::string("shortest route");
}

}  // namespace

Collective parse_collective(std::string_view name) {
  if (const auto at = place_of(kCollectiveNames, name)) return static_cast<Collective>(*at);
  if (name == "all_to_all") return Collective::kAllToAll;
  throw ConfigError(
      fmt::format("--collective {}: {}", name, known_names(name, std::span(kCollectiveNames))));
}

FabricResult run_collective(const NodeSpec& node, const CollectiveJob& job,
                            std::string_view algorithm, const FabricRung& rung) {
  check_job(node, job);
  const Topology topology = node.topology();
  const CollectiveWorld world = node.world(topology);
  CollectivePlan plan = choose_plan(world, job);
  if (algorithm == "vllm") {
    plan = choose_vllm(world, job);
  } else if (!algorithm.empty()) {
    plan = parse_plan(algorithm, plan);
  }
  check_plan(node, job, plan);
  FabricResult result;
  result.node = node.name;
  result.time = run_schedule(*make_fabric(topology, rung), build_schedule(world, job, plan));
  result.algorithm = plan.text();
  result.algorithm_gb_per_s = gb_per_s(static_cast<double>(job.bytes.count()), result.time);
  result.bus_gb_per_s = result.algorithm_gb_per_s * bus_factor(job.collective, job.ranks);
  return result;
}

FabricResult run_transfer(const NodeSpec& node, std::string_view from, std::string_view to,
                          Bytes bytes, bool both_ways, const FabricRung& rung) {
  const Topology topology = node.topology();
  const PortId source = port_of(topology, from);
  const PortId sink = port_of(topology, to);
  if (source == sink)
    throw ConfigError(fmt::format("--transfer {} {}: is nowhere to go", from, to));
  FabricResult result;
  result.node = node.name;
  if ((from == "host" && is_gpu(to)) || (to == "host" && is_gpu(from))) {
    run_pcie(node, from == "host", bytes, both_ways, result);
  } else {
    run_over_fabric(node, topology, source, sink, bytes, both_ways, rung, result);
  }
  const double moved = static_cast<double>(bytes.count()) * (both_ways ? 2 : 1);
  result.algorithm_gb_per_s = result.bus_gb_per_s = gb_per_s(moved, result.time);
  return result;
}

}  // namespace orrery
