// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/collective.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/ids.h"
#include "sim/hardware/sources.h"

namespace orrery {
namespace {

/// Of NCCL's 128-byte line, what is data.
constexpr double kLl128Share = 120.0 / 128.0;
/// Of eight bytes, four are data.
constexpr double kLlShare = 0.5;
/// How the tuner's hop of LL128 compares to Simple's.
constexpr double kLl128Hop = 1.9 / 3.4;

/// vLLM's kernels: 36 blocks of 512 threads, each of which has 16 bytes of a peer under way
/// (csrc/custom_all_reduce.cuh); such a read is taken to last as long as a step of LL.
constexpr double kShotBytesUnderWay = 36.0 * 512 * 16;

/// What a tree cuts each half of its data into, so that ups and downs overlap.
constexpr std::int64_t kTreeChunks = 8;

using StepIds = std::vector<std::uint32_t>;

class Builder {
 public:
  Builder(const CollectiveWorld& world, const CollectiveJob& job, Protocol protocol)
      : world_(world), costs_(world.costs), job_(job), protocol_(protocol) {}

  Schedule take() { return std::move(schedule_); }

  /// S/n goes around, once for each hand-over; what a rank then holds it copies where it belongs.
  void ring() {
    const std::int64_t hops =
        job_.collective == Collective::kAllReduce ? 2 * (job_.ranks - 1) : job_.ranks - 1;
    const double part = bytes() / ranks();
    StepIds last;
    for (std::int64_t hop = 0; hop < hops; ++hop) {
      StepIds current;
      for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
        StepIds after;
        if (hop > 0) after = {last[index((rank + job_.ranks - 1) % job_.ranks)], last[index(rank)]};
        current.push_back(send(rank, (rank + 1) % job_.ranks, part,
                               hop_time() + (hop == 0 ? start() : Duration()), std::move(after)));
      }
      last = std::move(current);
    }
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
      alone(rank, copy_time(part), {last[index((rank + job_.ranks - 1) % job_.ranks)]});
    }
  }

  /// Two trees, each with half of the data and the other's leaves inside (Sanders et al. 2009).
  void double_tree() {
    tree([](std::int64_t place) { return place; });
    tree([this](std::int64_t place) { return job_.ranks - 1 - place; });
  }

  /// Every rank's switch port carries its vector up to be added and an n-th down, then an n-th up
  /// to be copied and the vector down: S (1 + 1/n) each way, once the pipeline is filled.
  void nvls() {
    const double share = costs_.nvls_share;
    const double first = std::min(bytes() / 2, static_cast<double>(costs_.window.count()));
    StepIds filled;
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
      filled.push_back(step(gpu(rank), world_.nvswitch, world_.nvlink.wire(first, share),
                            scaled(costs_.launch + costs_.nvls_start), {}));
    }
    const Bytes all = world_.nvlink.wire(bytes() * (1 + 1 / ranks()), share);
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
      step(gpu(rank), world_.nvswitch, all, Duration(), filled);
      step(world_.nvswitch, gpu(rank), all, Duration(), filled);
    }
  }

  /// Every pair at once; the last of what comes has to be copied out of a buffer.
  void direct() {
    const bool flags = protocol_ == Protocol::kLl;
    const Duration before = scaled(costs_.launch + (flags ? costs_.ll_hop : costs_.direct_start)) +
                            (flags ? on_one_channel(bytes() / ranks()) : Duration());
    const StepIds sent = to_all_others(bytes() / ranks(), before, {});
    if (flags) return;
    const double out = bytes() * (ranks() - 1) / ranks();
    const double last = std::min(out / 2, static_cast<double>(costs_.window.count()));
    const Duration tail = world_.nvlink.port_rate().time_for(wire(last));
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) alone(rank, tail, sent);
  }

  /// Every rank reads the whole vector of every other; of a single other, no faster than what its
  /// threads have under way comes in.
  void one_shot() {
    const double port = static_cast<double>(world_.nvlink.port_rate().units_per_second());
    const double rate = kShotBytesUnderWay / to_seconds(scaled(costs_.ll_hop)) * (ranks() - 1);
    const double slower = std::max(1.0, costs_.simple_share * port / rate);
    to_all_others(bytes() * slower, scaled(costs_.launch), {});
  }

  /// Every rank reads its n-th of all, all meet, and every rank reads the sums of the others.
  void two_shot() {
    const StepIds reduced = to_all_others(bytes() / ranks(), scaled(costs_.launch), {});
    to_all_others(bytes() / ranks(), scaled(costs_.barrier), reduced);
  }

  /// The same over buffers that all ranks have mapped: copied in, all meet, and copied out.
  void symmetric_two_shot() {
    const StepIds reduced = to_all_others(bytes() / ranks(), scaled(costs_.barrier), copied_in());
    copy_out(to_all_others(bytes() / ranks(), Duration(), reduced));
  }

  /// There each rank reads its n-th already added by the switch and writes it to all at once:
  /// S (1 + 1/n) each way, with nothing to wait for.
  void symmetric_multimem() {
    const StepIds ready = copied_in();
    const Bytes all = world_.nvlink.wire(bytes() * (1 + 1 / ranks()), costs_.nvls_share);
    StepIds moved;
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
      moved.push_back(step(gpu(rank), world_.nvswitch, all, scaled(costs_.barrier), ready));
      moved.push_back(step(world_.nvswitch, gpu(rank), all, scaled(costs_.barrier), ready));
    }
    copy_out(moved);
  }

 private:
  [[nodiscard]] double bytes() const { return static_cast<double>(job_.bytes.count()); }
  [[nodiscard]] double ranks() const { return static_cast<double>(job_.ranks); }
  static std::size_t index(std::int64_t rank) { return static_cast<std::size_t>(rank); }
  [[nodiscard]] PortId gpu(std::int64_t rank) const { return world_.gpus.at(index(rank)); }

  /// A time of the reference machine on this one.
  [[nodiscard]] Duration scaled(Duration time) const {
    const auto reference = static_cast<double>(kReferenceChannel.units_per_second());
    const auto here = static_cast<double>(world_.tuner.channel_rate.units_per_second());
    return round_up_to_duration(to_seconds(time) * reference / here);
  }

  [[nodiscard]] Bytes wire(double payload) const {
    switch (protocol_) {
      case Protocol::kLl:
        return world_.nvlink.wire(payload, kLlShare);
      case Protocol::kLl128:
        return world_.nvlink.wire(payload, costs_.simple_share * kLl128Share);
      case Protocol::kSimple:
        break;
    }
    return world_.nvlink.wire(payload, costs_.simple_share);
  }

  [[nodiscard]] Duration start() const {
    if (protocol_ == Protocol::kLl) return scaled(costs_.launch);
    return scaled(costs_.launch + costs_.simple_start);
  }

  [[nodiscard]] Duration hop_time() const {
    if (protocol_ == Protocol::kLl) return scaled(costs_.ll_hop);
    if (protocol_ == Protocol::kSimple) return scaled(costs_.simple_hop);
    return scaled(round_up_to_duration(to_seconds(costs_.simple_hop) * kLl128Hop));
  }

  /// With flags, to or from one peer.
  [[nodiscard]] Duration on_one_channel(double payload) const {
    const auto most = static_cast<double>(world_.tuner.ll_max.units_per_second());
    return round_up_to_duration(payload * static_cast<double>(world_.tuner.channels) / most);
  }

  /// With flags every line goes through the same loop, whether it leaves the GPU or not.
  [[nodiscard]] Duration copy_time(double payload) const {
    if (protocol_ == Protocol::kLl) return world_.nvlink.port_rate().time_for(wire(payload));
    return world_.nvlink.port_rate().time_for(world_.nvlink.wire(payload, costs_.copy_share));
  }

  std::uint32_t step(PortId from, PortId to, Bytes on_wire, Duration before, StepIds after) {
    schedule_.push_back({from, to, on_wire, before, std::move(after)});
    return static_cast<std::uint32_t>(schedule_.size() - 1);
  }
  std::uint32_t send(std::int64_t from, std::int64_t to, double payload, Duration before,
                     StepIds after) {
    return step(gpu(from), gpu(to), wire(payload), before, std::move(after));
  }
  std::uint32_t alone(std::int64_t rank, Duration time, StepIds after) {
    return step(gpu(rank), gpu(rank), Bytes(), time, std::move(after));
  }

  StepIds copied_in() {
    StepIds ready;
    const Duration copy = world_.local_copy.time_for(job_.bytes);
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) {
      ready.push_back(alone(rank, scaled(costs_.launch) + copy, {}));
    }
    return ready;
  }
  void copy_out(const StepIds& after) {
    const Duration copy = world_.local_copy.time_for(job_.bytes);
    for (std::int64_t rank = 0; rank < job_.ranks; ++rank) alone(rank, copy, after);
  }

  StepIds to_all_others(double payload, Duration before, const StepIds& after) {
    StepIds sent;
    for (std::int64_t from = 0; from < job_.ranks; ++from) {
      for (std::int64_t to = 0; to < job_.ranks; ++to) {
        if (from != to) sent.push_back(send(from, to, payload, before, after));
      }
    }
    return sent;
  }

  /// Sums go up, results come down, chunk after chunk. Places 2p + 1 and 2p + 2 are below place p.
  template <class RankOf>
  void tree(RankOf rank_of) {
    const double chunk = bytes() / 2 / static_cast<double>(kTreeChunks);
    StepIds up_before(index(job_.ranks));
    StepIds down_before(index(job_.ranks));
    for (std::int64_t round = 0; round < kTreeChunks; ++round) {
      StepIds up(index(job_.ranks));
      for (std::int64_t place = job_.ranks - 1; place > 0; --place) {
        StepIds after = below(place, up);
        if (round > 0) after.push_back(up_before[index(place)]);
        const Duration before = hop_time() + (round == 0 ? start_of_leaf(place) : Duration());
        up[index(place)] = send(rank_of(place), rank_of((place - 1) / 2), chunk, before, after);
      }
      StepIds down(index(job_.ranks));
      for (std::int64_t place = 1; place < job_.ranks; ++place) {
        const std::int64_t above = (place - 1) / 2;
        StepIds after = above == 0 ? below(0, up) : StepIds{down[index(above)]};
        if (round > 0) after.push_back(down_before[index(place)]);
        down[index(place)] = send(rank_of(above), rank_of(place), chunk, hop_time(), after);
      }
      up_before = std::move(up);
      down_before = std::move(down);
    }
  }

  [[nodiscard]] StepIds below(std::int64_t place, const StepIds& steps) const {
    StepIds result;
    for (const std::int64_t child : {2 * place + 1, 2 * place + 2}) {
      if (child < job_.ranks) result.push_back(steps[index(child)]);
    }
    return result;
  }
  [[nodiscard]] Duration start_of_leaf(std::int64_t place) const {
    return 2 * place + 1 < job_.ranks ? Duration() : start();
  }

  const CollectiveWorld& world_;
  const CollectiveCosts& costs_;
  const CollectiveJob& job_;
  Protocol protocol_;
  Schedule schedule_;
};

}  // namespace

std::string CollectivePlan::text() const {
  const std::string name(kAlgorithmNames.at(static_cast<std::size_t>(algorithm)));
  if (algorithm >= Algorithm::kOneShot) return name;
  return name + "/" + std::string(kProtocolNames.at(static_cast<std::size_t>(protocol)));
}

void TunerConstants::describe(Describer& d) {
  d.required().field("ring_rate", ring_rate, Range::positive(),
                     "Channels times the speed the graph search gives each.");
  d.field("nvls_rate", nvls_rate, Range::not_negative(), "Links times the published rate of one.");
  d.field("nvls_efficiency", nvls_efficiency, Range::between(0, 1),
          "Share of nvls_rate that an all-reduce in the switch is taken to get.");
  d.required().field("ll_max", ll_max, Range::positive(), "Most of LL in one node.");
  d.required().field("channel_rate", channel_rate, Range::positive(), "Most of one channel.");
  d.required().field("channels", channels, Range::between(1, 64), "Channels of a communicator.");
  describe_sources(d, sources);
}

bool can_carry(Algorithm algorithm, Collective collective) {
  switch (algorithm) {
    case Algorithm::kRing:
      return collective != Collective::kAllToAll;
    case Algorithm::kDirect:
      return collective == Collective::kAllToAll;
    case Algorithm::kDoubleTree:
    case Algorithm::kNvls:
    case Algorithm::kOneShot:
    case Algorithm::kTwoShot:
    case Algorithm::kSymmetricTwoShot:
    case Algorithm::kSymmetricMultimem:
      break;
  }
  return collective == Collective::kAllReduce;
}

Schedule build_schedule(const CollectiveWorld& world, const CollectiveJob& job,
                        const CollectivePlan& plan) {
  ORRERY_CHECK(job.ranks >= 2 && can_carry(plan.algorithm, job.collective));
  Builder builder(world, job, plan.protocol);
  switch (plan.algorithm) {
    case Algorithm::kRing:
      builder.ring();
      break;
    case Algorithm::kDoubleTree:
      builder.double_tree();
      break;
    case Algorithm::kNvls:
      builder.nvls();
      break;
    case Algorithm::kDirect:
      builder.direct();
      break;
    case Algorithm::kOneShot:
      builder.one_shot();
      break;
    case Algorithm::kTwoShot:
      builder.two_shot();
      break;
    case Algorithm::kSymmetricTwoShot:
      builder.symmetric_two_shot();
      break;
    case Algorithm::kSymmetricMultimem:
      builder.symmetric_multimem();
      break;
  }
  return builder.take();
}

double bus_factor(Collective collective, std::int64_t ranks) {
  const auto n = static_cast<double>(ranks);
  return (collective == Collective::kAllReduce ? 2 : 1) * (n - 1) / n;
}

}  // namespace orrery
