// SPDX-License-Identifier: Apache-2.0
//
// How long the GPUs of a replica talk to each other: what a cost model asks for each collective of
// a plan, whatever rung of `fidelity.links` answers.
#ifndef ORRERY_MODELS_LINKS_LINK_COST_H_
#define ORRERY_MODELS_LINKS_LINK_COST_H_

#include <cstdint>
#include <memory>
#include <string>

#include "models/operators/bound_time.h"
#include "sim/hardware/fabric/collective.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// Pure in its arguments; may memoise. Asked while tables are filled at load, not in steps.
class LinkCost {
 public:
  virtual ~LinkCost() = default;

  /// `bytes` is what nccl-tests calls size (sim/hardware/fabric/collective.h): the whole vector of
  /// an all-reduce, the gathered vector of an all-gather, the vector before scattering, all that a
  /// rank sends, its own part included, in an all-to-all. At least 2 ranks; 0 bytes take no time.
  [[nodiscard]] virtual BoundTime time(Collective collective, std::int64_t bytes,
                                       std::int64_t ranks) const = 0;
  /// From one GPU to another, as between the stages of a pipeline.
  [[nodiscard]] virtual BoundTime send(std::int64_t bytes) const = 0;

  /// How `time` is found, for a line of `orrery explain`.
  [[nodiscard]] virtual std::string formula(Collective collective, std::int64_t bytes,
                                            std::int64_t ranks) const = 0;
  [[nodiscard]] virtual std::string send_formula() const = 0;
  /// For the trust line: `NVLink 4 (link 0.82)`.
  [[nodiscard]] virtual std::string basis() const = 0;
};

/// A GPU's peer bandwidth times `roofline.link` and the two latencies of its card: works for GPUs
/// that no node is described of.
/// - all-reduce of S bytes: the faster of one shot (each rank reads all of the others: (n-1) S / B)
///   and two (reduce-scatter and all-gather: 2 (n-1)/n S / B), each with its own latency.
/// - all-gather, reduce-scatter, all-to-all: (n-1)/n S / B and the latency of one shot.
/// - send: S / B and the latency of one shot.
[[nodiscard]] std::shared_ptr<const LinkCost> make_roofline_links(const GpuSpec& gpu);

}  // namespace orrery

#endif  // ORRERY_MODELS_LINKS_LINK_COST_H_
