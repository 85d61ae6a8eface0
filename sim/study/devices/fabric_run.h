// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_DEVICES_FABRIC_RUN_H_
#define ORRERY_SIM_STUDY_DEVICES_FABRIC_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/units.h"
#include "sim/study/devices/nodes.h"

namespace orrery {

/// What `orrery fabric` reports of a collective or a copy.
struct FabricResult {
  std::string node;
  Duration time;
  /// Bytes over time, and that times the busiest link's share (nccl-tests).
  double algorithm_gb_per_s = 0;
  double bus_gb_per_s = 0;
  std::string algorithm;
  /// Of what a link reaches by its options, the share that measured copies lack: what hosts and
  /// engines do besides. Only for copies of one way, where one was measured.
  std::optional<double> host_residual;
  /// Packets that waited at once for the link that had most of them.
  std::optional<std::int64_t> queue_peak;
};

/// Bytes as fluid flows, or packet by packet over NVLink and networks (PCIe copies always are).
struct FabricRung {
  /// Of this size, if there is one.
  std::optional<Bytes> packet;
};

[[nodiscard]] std::unique_ptr<Machine> make_fabric(const Topology& topology,
                                                   const FabricRung& rung);

/// A copy between two places, and how.
struct TransferJob {
  /// Several send at once, each `bytes`.
  std::vector<std::string> from;
  std::string to;
  Bytes bytes;
  /// Another one goes back at the same time; bandwidths are then of both together.
  bool both_ways = false;
  /// The host's memory may move: copied over the driver's buffers.
  bool pageable = false;
};

/// `algorithm` is empty (NCCL's choice), `vllm` (what the engine takes) or the name of one, with a
/// protocol or without: `ring/LL`, `nvls`. Throws ConfigError for what the node cannot do.
[[nodiscard]] FabricResult run_collective(const NodeSpec& node, const CollectiveJob& job,
                                          std::string_view algorithm, const FabricRung& rung = {});
/// Of whole nodes it is built in levels, with the protocol that is faster; of one or less, it is
/// that node's.
[[nodiscard]] FabricResult run_collective(const ClusterSpec& cluster, const CollectiveJob& job,
                                          std::string_view algorithm, const FabricRung& rung = {});

/// `host` is the memory of the socket that the other end hangs on. Between it and a GPU a copy
/// engine moves packets over PCIe.
[[nodiscard]] FabricResult run_transfer(const NodeSpec& node, const TransferJob& job,
                                        const FabricRung& rung = {});
[[nodiscard]] FabricResult run_transfer(const ClusterSpec& cluster, const TransferJob& job,
                                        const FabricRung& rung = {});
/// Between `host` and `drive`.
[[nodiscard]] FabricResult run_transfer(const NvmeOptions& drive, const TransferJob& job);
/// Between the link's two ends.
[[nodiscard]] FabricResult run_transfer(const LinkSpec& link, const TransferJob& job,
                                        const FabricRung& rung = {});

[[nodiscard]] Collective parse_collective(std::string_view name);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_FABRIC_RUN_H_
