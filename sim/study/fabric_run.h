// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_FABRIC_RUN_H_
#define ORRERY_SIM_STUDY_FABRIC_RUN_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/units.h"
#include "sim/study/nodes.h"

namespace orrery {

/// What `orrery fabric` reports of a collective or a copy.
struct FabricResult {
  std::string node;
  Duration time;
  /// Bytes over time, and that times the busiest link's share (nccl-tests).
  double algorithm_gb_per_s = 0;
  double bus_gb_per_s = 0;
  std::string algorithm;
  /// Of what a link of a PCIe copy reaches by its options, the share that measured copies lack:
  /// what the host does besides. Only for copies from and to the host, where one was measured.
  std::optional<double> host_residual;
};

/// Bytes as fluid flows, or packet by packet over the node's links (PCIe copies always are).
struct FabricRung {
  /// Of this size, if there is one.
  std::optional<Bytes> packet;
};

/// `algorithm` is empty (NCCL's choice), `vllm` (what the engine takes) or the name of one, with a
/// protocol or without: `ring/LL`, `nvls`. Throws ConfigError for what the node cannot do.
[[nodiscard]] FabricResult run_collective(const NodeSpec& node, const CollectiveJob& job,
                                          std::string_view algorithm, const FabricRung& rung = {});

/// A copy between two ports of the node; with `both_ways`, another one goes back at the same time.
/// The bandwidths are then of both together.
[[nodiscard]] FabricResult run_transfer(const NodeSpec& node, std::string_view from,
                                        std::string_view to, Bytes bytes, bool both_ways,
                                        const FabricRung& rung = {});

[[nodiscard]] Collective parse_collective(std::string_view name);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_FABRIC_RUN_H_
