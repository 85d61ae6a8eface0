// SPDX-License-Identifier: Apache-2.0
//
// Collectives of one node's GPUs as schedules of transfers over its fabric. `bytes` is what
// nccl-tests calls size: the whole vector of an all-reduce, the gathered vector of an all-gather,
// the vector before scattering, all that a rank sends (its own part included) in an all-to-all.
#ifndef ORRERY_SIM_HARDWARE_FABRIC_COLLECTIVE_H_
#define ORRERY_SIM_HARDWARE_FABRIC_COLLECTIVE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/fabric/schedule.h"
#include "sim/hardware/fabric/topology.h"
#include "sim/hardware/nvlink/nvlink.h"

namespace orrery {

enum class Collective : std::uint8_t { kAllReduce, kAllGather, kReduceScatter, kAllToAll };
inline constexpr std::array<std::string_view, 4> kCollectiveNames = {"all_reduce", "all_gather",
                                                                     "reduce_scatter", "alltoall"};

/// How the data goes. The first four are NCCL's, the shots are vLLM's custom all-reduce, the last
/// two PyTorch's symmetric memory, into and out of which vLLM copies.
enum class Algorithm : std::uint8_t {
  kRing,
  kDoubleTree,
  kNvls,
  kDirect,
  kOneShot,
  kTwoShot,
  kSymmetricTwoShot,
  kSymmetricMultimem,
};
inline constexpr std::array<std::string_view, 8> kAlgorithmNames = {
    "ring",     "double-tree", "nvls",          "direct",
    "one-shot", "two-shot",    "symm-two-shot", "symm-multimem"};

/// NCCL's: LL sends a flag with every four bytes, LL128 eight bytes of flags in every 128, Simple
/// no flags but a synchronisation.
enum class Protocol : std::uint8_t { kLl, kLl128, kSimple };
inline constexpr std::array<std::string_view, 3> kProtocolNames = {"LL", "LL128", "Simple"};

struct CollectiveJob {
  Collective collective{};
  Bytes bytes;
  std::int64_t ranks = 0;
  /// Switches add floating-point numbers, not integers.
  bool floating = true;
};

struct CollectivePlan {
  Algorithm algorithm{};
  Protocol protocol{};
  [[nodiscard]] std::string text() const;
};

/// What NCCL's own tuner (src/graph/tuning.cc) knows of a machine: it chooses by these, whatever
/// the times then are.
struct TunerConstants {
  /// Rings times the speed the graph search gives each: bandwidth of a ring on all channels.
  Bandwidth ring_rate;
  /// What the switch reduces at best, by the search: links times the published rate of a link.
  Bandwidth nvls_rate;
  double nvls_efficiency = 0;
  /// llMaxBws, one node.
  Bandwidth ll_max;
  /// perChMaxRingLL128Bws: what one channel can move.
  Bandwidth channel_rate;
  /// Channels of a communicator. One of them, as a send to a peer has it, moves ll_max / channels
  /// with flags.
  std::int64_t channels = 0;
  std::string sources;
  void describe(Describer& d);
};

/// The eleven fitted numbers of all collectives, sizes and ranks. Fitted by least squares of the
/// logarithm (soft L1) on NCCL 2.26 and 2.29 and vLLM custom all-reduce timings of 2 and 8 H200
/// (ai-dynamo/aiconfigurator (Apache-2.0)), 64 KiB to 512 MiB; 4 ranks, H100 and A100 were kept
/// out. The times are those of a channel that moves kReferenceChannel and go with its inverse.
struct CollectiveCosts {
  /// A kernel that is there and has met its peers.
  Duration launch = nanoseconds(4'884);
  /// A step of a ring, from flags seen to flags sent.
  Duration ll_hop = nanoseconds(1'044);
  /// Simple protocols: first synchronisation, and one a step.
  Duration simple_start = nanoseconds(10'610);
  Duration simple_hop = nanoseconds(1'457);
  /// Of the room in packets, what Simple fills.
  double simple_share = 0.9076;
  /// A rank's copy between its own buffers, in multiples of that room.
  double copy_share = 1.68;
  /// In-switch reduction: set-up, and the share of the room that is filled.
  Duration nvls_start = nanoseconds(24'305);
  double nvls_share = 0.7729;
  /// Sends and receives of all pairs.
  Duration direct_start = nanoseconds(7'235);
  /// A pipeline is filled by half of what is sent, and at most by this much.
  Bytes window = Bytes(20'870'000);
  /// All ranks meet in the middle of a two-shot all-reduce.
  Duration barrier = nanoseconds(3'672);
};
inline constexpr Bandwidth kReferenceChannel = Bandwidth::per_second(36'700'000'000);

/// The GPUs of a node as a collective sees them: rank r is port gpus[r].
struct CollectiveWorld {
  const NvlinkOptions& nvlink;
  const TunerConstants& tuner;
  std::vector<PortId> gpus;
  PortId nvswitch{};
  /// A kernel's copy within a GPU's own memory.
  Bandwidth local_copy;
  CollectiveCosts costs;
};

/// What NCCL would choose by its tuner's estimates. Trees and shots are never chosen: within a node
/// rings and the switch are what it weighs, shots belong to another library.
[[nodiscard]] CollectivePlan choose_plan(const CollectiveWorld& world, const CollectiveJob& job);

/// What vLLM would take: one of its own all-reduces where it has one for such a vector, else what
/// NCCL would choose. Without `custom` (disable_custom_all_reduce) its own kernels are left out.
[[nodiscard]] CollectivePlan choose_vllm(const CollectiveWorld& world, const CollectiveJob& job,
                                         bool custom = true);

/// True if the algorithm is one of the collective's.
[[nodiscard]] bool can_carry(Algorithm algorithm, Collective collective);

[[nodiscard]] Schedule build_schedule(const CollectiveWorld& world, const CollectiveJob& job,
                                      const CollectivePlan& plan);

/// Bytes on the busiest link over `bytes`, by which nccl-tests' bus bandwidth is the algorithm
/// bandwidth's multiple.
[[nodiscard]] double bus_factor(Collective collective, std::int64_t ranks);

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_COLLECTIVE_H_
