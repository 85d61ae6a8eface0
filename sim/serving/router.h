// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_ROUTER_H_
#define ORRERY_SIM_SERVING_ROUTER_H_

#include <cstdint>
#include <span>

#include "sim/core/registry.h"
#include "sim/workload/request.h"

namespace orrery {

/// What a router sees of a replica.
struct ReplicaSnapshot {
  /// Requests sent to it and not yet done.
  std::int64_t outstanding = 0;
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  std::int64_t free_blocks = 0;
  std::int64_t total_blocks = 0;
};

/// Chooses a replica for each request as it arrives. Its view is of this very instant; an arrival
/// at the instant of a step's end comes before that step's outputs are applied.
class Router {
 public:
  virtual ~Router() = default;
  /// An index into `replicas`, which is never empty.
  [[nodiscard]] virtual std::size_t route(const Request& request,
                                          std::span<const ReplicaSnapshot> replicas) = 0;
};

using RouterRegistry = Registry<Router>;

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_ROUTER_H_
