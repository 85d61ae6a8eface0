// SPDX-License-Identifier: Apache-2.0
#include "models/links/fabric_links.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "models/links/remembered_curve.h"
#include "sim/core/errors.h"
#include "sim/hardware/fabric/fabric.h"
#include "sim/hardware/fabric/packet_fabric.h"

namespace orrery {
namespace {

/// Vectors of whole 16 bytes go other ways than others (choose_vllm): each kind is a curve of its
/// own.
constexpr std::int64_t kWhole = 16;
constexpr std::int64_t kMostFittedBytes = 512LL << 20;

class FabricLinks final : public LinkCost {
 public:
  FabricLinks(const NodeSpec& node, const FabricLinkOptions& options)
      : node_(node),
        topology_(node_.topology()),
        world_(node_.world(topology_)),
        packet_(options.packet),
        custom_(options.custom_all_reduce) {}
  FabricLinks(const ClusterSpec& cluster, const FabricLinkOptions& options)
      : FabricLinks(cluster.node, options) {
    cluster_ = std::make_unique<const Cluster>(cluster);
  }

  [[nodiscard]] BoundTime time(Collective collective, std::int64_t bytes,
                               std::int64_t ranks) const override {
    ORRERY_CHECK(ranks >= 2 && bytes >= 0);
    check_ranks(ranks);
    const bool guessed =
        !node_.collectives_checked || bytes > kMostFittedBytes || ranks > node_.gpus;
    if (bytes == 0) return {Duration(), "link", guessed};
    const std::int64_t unit = bytes % kWhole == 0 ? kWhole : 1;
    const Duration time = curve(collective, ranks, unit).at(bytes / unit);
    return {time, bound_of(collective, bytes, ranks, time), guessed};
  }

  [[nodiscard]] BoundTime send(std::int64_t bytes) const override {
    return time(Collective::kAllToAll, 2 * bytes, 2);
  }

  [[nodiscard]] std::string formula(Collective collective, std::int64_t bytes,
                                    std::int64_t ranks) const override {
    const CollectiveJob job = job_of(collective, bytes, ranks);
    if (ranks > node_.gpus) return fmt::format("levels of nodes and rails over {}", rung());
    return fmt::format("{} over {}", plan(job, bytes % kWhole == 0).text(), rung());
  }
  [[nodiscard]] std::string send_formula() const override {
    return fmt::format("NCCL send over {}", rung());
  }
  [[nodiscard]] std::string basis() const override {
    return fmt::format("NVLink {} of {} ({}, schedules of NCCL and vLLM, {})",
                       node_.nvlink.generation, cluster_ ? cluster_->spec.name : node_.name,
                       packet_ ? "clocked" : "calibrated", rung());
  }

 private:
  struct Cluster {
    explicit Cluster(const ClusterSpec& of)
        : spec(of), topology(spec.topology()), world(world_of(spec, topology)) {}
    ClusterSpec spec;
    Topology topology;
    ClusterWorld world;
  };

  static CollectiveJob job_of(Collective collective, std::int64_t bytes, std::int64_t ranks) {
    return {collective, Bytes(bytes), ranks, true};
  }
  /// On the curve of vectors that are not whole, those that are count as if they were not.
  [[nodiscard]] CollectivePlan plan(const CollectiveJob& job, bool whole) const {
    return whole ? choose_vllm(world_, job, custom_) : choose_plan(world_, job);
  }
  [[nodiscard]] std::string rung() const {
    return packet_ ? fmt::format("packets of {}", human(*packet_)) : "max-min flows";
  }

  void check_ranks(std::int64_t ranks) const {
    if (ranks <= node_.gpus) return;
    if (cluster_) return check_nodes(ranks);
    throw ConfigError({}, "plan",
                      fmt::format("{} ranks talk to each other, but {} has {} GPUs; `fidelity: "
                                  "{{links: roofline}}` knows no machine's limits",
                                  ranks, node_.name, node_.gpus));
  }

  void check_nodes(std::int64_t ranks) const {
    const ClusterSpec& spec = cluster_->spec;
    if (ranks <= spec.gpus() && ranks % node_.gpus == 0) return;
    throw ConfigError({}, "plan",
                      fmt::format("{} ranks talk to each other, but {} has {} nodes, which take "
                                  "part as a whole of {} GPUs",
                                  ranks, spec.name, spec.nodes, node_.gpus));
  }

  /// What of the time the busiest link is used, against the rest.
  [[nodiscard]] std::string_view bound_of(Collective collective, std::int64_t bytes,
                                          std::int64_t ranks, Duration time) const {
    const double carried = static_cast<double>(bytes) * bus_factor(collective, ranks);
    const Duration busy = node_.nvlink.port_rate().time_for(node_.nvlink.wire(carried));
    return busy * 2 > time ? "link" : "launch";
  }

  [[nodiscard]] std::unique_ptr<Machine> fabric_of(const Topology& topology) const {
    if (packet_) return std::make_unique<PacketFabric>(topology, *packet_);
    return std::make_unique<Fabric>(topology);
  }
  [[nodiscard]] Duration simulate(const CollectiveJob& job, bool whole) const {
    if (job.ranks > node_.gpus) {
      return time_levels(cluster_->world, job, kLevelProtocols,
                         [this] { return fabric_of(cluster_->topology); })
          .time;
    }
    return run_schedule(*fabric_of(topology_), build_schedule(world_, job, plan(job, whole)));
  }
  /// Which schedule it is, as a number of its own.
  [[nodiscard]] std::int64_t piece_of(const CollectiveJob& job, bool whole) const {
    if (job.ranks > node_.gpus) return level_chunks(job);
    const CollectivePlan chosen = plan(job, whole);
    return static_cast<std::int64_t>(chosen.algorithm) * 16 +
           static_cast<std::int64_t>(chosen.protocol);
  }

  RememberedCurve& curve(Collective collective, std::int64_t ranks, std::int64_t unit) const {
    const auto found = curves_.find({collective, ranks, unit});
    if (found != curves_.end()) return found->second;
    const auto exact = [=, this](std::int64_t size) {
      return simulate(job_of(collective, size * unit, ranks), unit == kWhole);
    };
    const auto piece = [=, this](std::int64_t size) {
      return piece_of(job_of(collective, size * unit, ranks), unit == kWhole);
    };
    return curves_.emplace(std::tuple(collective, ranks, unit), RememberedCurve(exact, piece))
        .first->second;
  }

  NodeSpec node_;
  Topology topology_;
  CollectiveWorld world_;
  std::optional<Bytes> packet_;
  bool custom_;
  /// None: one node.
  std::unique_ptr<const Cluster> cluster_;
  mutable std::map<std::tuple<Collective, std::int64_t, std::int64_t>, RememberedCurve> curves_;
};

}  // namespace

std::shared_ptr<const LinkCost> make_fabric_links(const NodeSpec& node,
                                                  const FabricLinkOptions& options) {
  return std::make_shared<FabricLinks>(node, options);
}

std::shared_ptr<const LinkCost> make_fabric_links(const ClusterSpec& cluster,
                                                  const FabricLinkOptions& options) {
  return std::make_shared<FabricLinks>(cluster, options);
}

}  // namespace orrery
