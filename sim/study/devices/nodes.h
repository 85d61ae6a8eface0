// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_DEVICES_NODES_H_
#define ORRERY_SIM_STUDY_DEVICES_NODES_H_

#include <optional>
#include <string>
#include <variant>

#include "sim/core/errors.h"
#include "sim/hardware/fabric/cluster.h"
#include "sim/hardware/fabric/link_spec.h"
#include "sim/hardware/fabric/node.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/storage/nvme.h"

namespace orrery {

/// The node that `name` means: a file or a name of configs/hardware/nodes, or a GPU's card or name,
/// which stands for the shipped node that is full of it. Throws ConfigError.
[[nodiscard]] NodeSpec load_node(const std::string& name, const Position& at = {},
                                 std::string_view key = "fabric");

/// What `orrery fabric` takes: a node (or the card of a GPU that comes in one), a cluster of
/// configs/hardware/clusters, a drive of configs/hardware/storage, or a link by itself of
/// configs/hardware/links; a name that is shipped or a file. Throws ConfigError.
using FabricHardware = std::variant<NodeSpec, ClusterSpec, NvmeOptions, LinkSpec>;
[[nodiscard]] FabricHardware load_fabric_hardware(const std::string& name);

/// What a scenario's `hardware` means: a GPU's card, or a node or cluster and with it its GPU.
struct Hardware {
  GpuSpec gpu;
  std::optional<ClusterSpec> cluster;
  /// Only where it was named; load_node() finds that of a GPU.
  std::optional<NodeSpec> node;
};
[[nodiscard]] Hardware load_hardware(const std::string& name, const Position& at);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_NODES_H_
