// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_LINKS_FABRIC_LINKS_H_
#define ORRERY_MODELS_LINKS_FABRIC_LINKS_H_

#include <memory>
#include <optional>

#include "models/links/link_cost.h"
#include "sim/hardware/fabric/cluster.h"
#include "sim/hardware/fabric/node.h"

namespace orrery {

/// Collectives of one node's GPUs by the schedules of NCCL and vLLM (sim/hardware/fabric/
/// collective.h) over its links: an all-reduce is what vLLM would take, all else NCCL's. Moved as
/// flows with max-min shares (fidelity.links calibrated), or as packets of `packet` bytes
/// (clocked). A send goes as one side of NCCL's exchange of two ranks. Times count as guessed where
/// the node's collectives were never compared with measured ones, and beyond 512 MiB, which the
/// fit's rows reach. Asked for more ranks than the node has, it throws ConfigError.
struct FabricLinkOptions {
  /// None: flows.
  std::optional<Bytes> packet;
  /// Whether vLLM's own all-reduce kernels are used (its disable_custom_all_reduce).
  bool custom_all_reduce = true;
};
[[nodiscard]] std::shared_ptr<const LinkCost> make_fabric_links(const NodeSpec& node,
                                                                const FabricLinkOptions& options);
/// The same of a cluster, where the ranks of several whole nodes talk in levels
/// (sim/hardware/fabric/cluster.h); those times are always guessed. Ranks count through the nodes.
[[nodiscard]] std::shared_ptr<const LinkCost> make_fabric_links(const ClusterSpec& cluster,
                                                                const FabricLinkOptions& options);

}  // namespace orrery

#endif  // ORRERY_MODELS_LINKS_FABRIC_LINKS_H_
