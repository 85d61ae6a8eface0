// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/fabric_run.h"

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

void check_job(std::int64_t gpus, std::string_view of, const CollectiveJob& job) {
  if (job.ranks < 2 || job.ranks > gpus) {
    throw ConfigError(
        fmt::format("--ranks {}: is not within [2, {}], the GPUs of {}", job.ranks, gpus, of));
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

constexpr std::string_view kHierarchical = "hierarchical";

/// What may be asked for on several nodes: levels, with a protocol or the faster of two.
std::vector<Protocol> level_protocols(std::string_view algorithm) {
  if (algorithm.empty() || algorithm == kHierarchical) return {Protocol::kLl, Protocol::kSimple};
  if (algorithm == "hierarchical/LL") return {Protocol::kLl};
  if (algorithm == "hierarchical/Simple") return {Protocol::kSimple};
  throw ConfigError(fmt::format("--algorithm {}: over several nodes, known: {}, {}/LL, {}/Simple",
                                algorithm, kHierarchical, kHierarchical, kHierarchical));
}

void set_bandwidths(const CollectiveJob& job, FabricResult& result) {
  result.algorithm_gb_per_s =
      static_cast<double>(job.bytes.count()) / to_seconds(result.time) * 1e-9;
  result.bus_gb_per_s = result.algorithm_gb_per_s * bus_factor(job.collective, job.ranks);
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
  check_job(node.gpus, node.name, job);
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
  set_bandwidths(job, result);
  return result;
}

FabricResult run_collective(const ClusterSpec& cluster, const CollectiveJob& job,
                            std::string_view algorithm, const FabricRung& rung) {
  if (job.ranks <= cluster.node.gpus) return run_collective(cluster.node, job, algorithm, rung);
  check_job(cluster.gpus(), cluster.name, job);
  if (job.ranks % cluster.node.gpus != 0) {
    throw ConfigError(fmt::format("--ranks {}: nodes of {} GPUs take part as a whole", job.ranks,
                                  cluster.node.gpus));
  }
  const std::vector<Protocol> protocols = level_protocols(algorithm);
  const Topology topology = cluster.topology();
  const ClusterWorld world = world_of(cluster, topology);
  FabricResult result;
  result.node = cluster.name;
  const LevelsTime levels =
      time_levels(world, job, protocols, [&] { return make_fabric(topology, rung); });
  result.time = levels.time;
  result.algorithm = fmt::format("{}/{}", kHierarchical,
                                 kProtocolNames.at(static_cast<std::size_t>(levels.protocol)));
  set_bandwidths(job, result);
  return result;
}

std::unique_ptr<Machine> make_fabric(const Topology& topology, const FabricRung& rung) {
  if (rung.packet) return std::make_unique<PacketFabric>(topology, *rung.packet);
  return std::make_unique<Fabric>(topology);
}

}  // namespace orrery
