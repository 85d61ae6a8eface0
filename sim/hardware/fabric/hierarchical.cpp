// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "sim/core/check.h"
#include "sim/hardware/fabric/cluster.h"

namespace orrery {
namespace {

/// What a step of NCCL's buffers holds (NCCL_BUFFSIZE of 4 MiB in 8 steps): finer chunks than that
/// are not cut, and no more than eight of them are needed to overlap the levels.
constexpr double kStepBytes = 512 * 1024;
constexpr std::int64_t kMostChunks = 8;

using StepIds = std::vector<std::uint32_t>;

class Builder {
 public:
  Builder(const ClusterWorld& world, const CollectiveJob& job, Protocol protocol)
      : world_(world), costs_(world.local.costs), job_(job), flags_(protocol == Protocol::kLl) {
    nodes_ = job.ranks / world.node_gpus;
    chunks_ = level_chunks(job);
  }

  Schedule take() { return std::move(schedule_); }

  /// Hand-overs around each node before the rails, around each rail, and around each node after.
  void levels(bool scatter, bool gather) {
    for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
      ready_.assign(index(job_.ranks), {});
      stage_ = 0;
      const double part = bytes() / static_cast<double>(chunks_ * world_.node_gpus);
      const double piece = part / static_cast<double>(nodes_);
      const std::int64_t around_node = world_.node_gpus - 1;
      const std::int64_t around_rail = (nodes_ - 1) * (scatter && gather ? 2 : 1);
      if (scatter) hand_over(around_node, part, &Builder::next_in_node);
      hand_over(around_rail, piece, &Builder::next_on_rail);
      if (gather) hand_over(around_node, part, &Builder::next_in_node);
    }
  }

  void all_to_all() {
    const double to_peer = bytes() / static_cast<double>(world_.node_gpus);
    ready_.assign(index(job_.ranks), {});
    std::vector<StepIds> gathered(index(job_.ranks));
    for (std::int64_t from = 0; from < job_.ranks; ++from) {
      const std::int64_t first = from / world_.node_gpus * world_.node_gpus;
      for (std::int64_t to = first; to < first + world_.node_gpus; ++to) {
        if (from != to) gathered[index(to)].push_back(local(from, to, to_peer, start(), {}));
      }
    }
    const double to_node = bytes() / static_cast<double>(nodes_);
    for (std::int64_t from = 0; from < job_.ranks; ++from) {
      for (std::int64_t hop = 1; hop < nodes_; ++hop) {
        const std::int64_t to = (from + hop * world_.node_gpus) % job_.ranks;
        remote(from, to, to_node, net_hop(), gathered[index(from)]);
      }
    }
  }

 private:
  static std::size_t index(std::int64_t rank) { return static_cast<std::size_t>(rank); }
  [[nodiscard]] double bytes() const { return static_cast<double>(job_.bytes.count()); }

  [[nodiscard]] std::int64_t next_in_node(std::int64_t rank) const {
    const std::int64_t gpus = world_.node_gpus;
    return rank / gpus * gpus + (rank % gpus + 1) % gpus;
  }
  [[nodiscard]] std::int64_t next_on_rail(std::int64_t rank) const {
    return (rank + world_.node_gpus) % job_.ranks;
  }

  [[nodiscard]] Duration scaled(Duration time) const {
    const auto reference = static_cast<double>(kReferenceChannel.units_per_second());
    const auto here = static_cast<double>(world_.local.tuner.channel_rate.units_per_second());
    return round_up_to_duration(to_seconds(time) * reference / here);
  }
  [[nodiscard]] Duration start() const {
    return scaled(flags_ ? costs_.launch : costs_.launch + costs_.simple_start);
  }
  [[nodiscard]] Duration local_hop() const {
    return scaled(flags_ ? costs_.ll_hop : costs_.simple_hop);
  }
  [[nodiscard]] Duration net_hop() const {
    return flags_ ? world_.network.ll_hop : world_.network.simple_hop;
  }

  /// `hops` times each rank sends `payload` on, each once the one before it has arrived and its own
  /// last chunk has left this stage.
  void hand_over(std::int64_t hops, double payload,
                 std::int64_t (Builder::*next)(std::int64_t) const) {
    const bool inside = next == &Builder::next_in_node;
    for (std::int64_t hop = 0; hop < hops; ++hop, ++stage_) {
      if (left_.size() <= stage_) left_.emplace_back(index(job_.ranks));
      std::vector<StepIds> arrived(index(job_.ranks));
      for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
        StepIds after = ready_[index(rank)];
        const StepIds& before = left_[stage_][index(rank)];
        after.insert(after.end(), before.begin(), before.end());
        const bool first = after.empty();
        const std::int64_t to = (this->*next)(rank);
        const Duration wait = (inside ? local_hop() : net_hop()) + (first ? start() : Duration());
        const std::uint32_t sent = inside ? local(rank, to, payload, wait, std::move(after))
                                          : remote(rank, to, payload, wait, std::move(after));
        left_[stage_][index(rank)] = {sent};
        arrived[index(to)].push_back(sent);
        // The rank's own piece has to have left before the next one takes its place.
        arrived[index(rank)].push_back(sent);
      }
      ready_ = std::move(arrived);
    }
  }

  std::uint32_t local(std::int64_t from, std::int64_t to, double payload, Duration before,
                      StepIds after) {
    const double share = flags_ ? 0.5 : costs_.simple_share;
    return step(from, to, world_.local.nvlink.wire(payload, share), before, std::move(after));
  }
  std::uint32_t remote(std::int64_t from, std::int64_t to, double payload, Duration before,
                       StepIds after) {
    const auto room = static_cast<double>(world_.network.packet_payload.count());
    const auto whole = room + static_cast<double>(world_.network.packet_header.count());
    const double wire = payload * (flags_ ? 2 : 1) * whole / room;
    return step(from, to, Bytes(static_cast<std::int64_t>(std::ceil(wire))), before,
                std::move(after));
  }
  std::uint32_t step(std::int64_t from, std::int64_t to, Bytes wire, Duration before,
                     StepIds after) {
    const auto& gpus = world_.local.gpus;
    schedule_.push_back({gpus.at(index(from)), gpus.at(index(to)), wire, before, std::move(after)});
    return static_cast<std::uint32_t>(schedule_.size() - 1);
  }

  const ClusterWorld& world_;
  const CollectiveCosts& costs_;
  const CollectiveJob& job_;
  bool flags_;
  std::int64_t nodes_ = 0;
  std::int64_t chunks_ = 1;
  /// Of the chunk under way: the hand-over that comes next, and what each rank waits for.
  std::size_t stage_ = 0;
  std::vector<StepIds> ready_;
  /// By hand-over and rank: the chunk before this one.
  std::vector<std::vector<StepIds>> left_;
  Schedule schedule_;
};

}  // namespace

std::int64_t level_chunks(const CollectiveJob& job) {
  const double each = static_cast<double>(job.bytes.count()) / static_cast<double>(job.ranks);
  return std::clamp(static_cast<std::int64_t>(each / kStepBytes), std::int64_t{1}, kMostChunks);
}

LevelsTime time_levels(const ClusterWorld& world, const CollectiveJob& job,
                       std::span<const Protocol> protocols,
                       const std::function<std::unique_ptr<Machine>()>& make_fabric) {
  ORRERY_CHECK(!protocols.empty());
  LevelsTime best;
  for (const Protocol protocol : protocols) {
    const Duration time = run_schedule(*make_fabric(), build_hierarchical(world, job, protocol));
    if (protocol == protocols.front() || time < best.time) best = {time, protocol};
  }
  return best;
}

Schedule build_hierarchical(const ClusterWorld& world, const CollectiveJob& job,
                            Protocol protocol) {
  ORRERY_CHECK(protocol != Protocol::kLl128 && job.ranks % world.node_gpus == 0);
  ORRERY_CHECK(job.ranks > world.node_gpus && job.ranks <= world.node_gpus * world.nodes);
  Builder builder(world, job, protocol);
  switch (job.collective) {
    case Collective::kAllReduce:
      builder.levels(true, true);
      break;
    case Collective::kReduceScatter:
      builder.levels(true, false);
      break;
    case Collective::kAllGather:
      builder.levels(false, true);
      break;
    case Collective::kAllToAll:
      builder.all_to_all();
      break;
  }
  return builder.take();
}

}  // namespace orrery
