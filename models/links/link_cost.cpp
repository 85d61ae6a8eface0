// SPDX-License-Identifier: Apache-2.0
#include "models/links/link_cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/operators/slope.h"

namespace orrery {
namespace {

class RooflineLinks final : public LinkCost {
 public:
  explicit RooflineLinks(const GpuSpec& gpu)
      : link_(gpu.links.peer().units_per_second(), gpu.roofline.link),
        one_shot_(gpu.roofline.one_shot_all_reduce),
        two_shot_(gpu.roofline.two_shot_all_reduce),
        basis_(fmt::format("{} (link {})", gpu.links.peer_name(), gpu.roofline.link)) {}

  [[nodiscard]] BoundTime time(Collective collective, std::int64_t bytes,
                               std::int64_t ranks) const override {
    ORRERY_CHECK(ranks >= 2 && bytes >= 0);
    if (bytes == 0) return {Duration(), "link"};
    if (collective == Collective::kAllReduce) return all_reduce(bytes, ranks);
    return moved(((ranks - 1) * bytes + ranks - 1) / ranks);
  }

  [[nodiscard]] BoundTime send(std::int64_t bytes) const override {
    return bytes == 0 ? BoundTime{Duration(), "link"} : moved(bytes);
  }

  [[nodiscard]] std::string formula(Collective collective, std::int64_t,
                                    std::int64_t) const override {
    if (collective != Collective::kAllReduce) return "(n-1)/n S / B + latency";
    return "min(one shot (n-1) S / B, two shot 2 (n-1)/n S / B), each with its latency";
  }
  [[nodiscard]] std::string send_formula() const override { return "S / B + latency"; }
  [[nodiscard]] std::string basis() const override { return basis_; }

 private:
  [[nodiscard]] BoundTime all_reduce(std::int64_t bytes, std::int64_t ranks) const {
    const Duration read_all = link_.time_for((ranks - 1) * bytes);
    const Duration share = link_.time_for((2 * (ranks - 1) * bytes + ranks - 1) / ranks);
    const Duration time = std::min(one_shot_ + read_all, two_shot_ + share);
    return {time, share > one_shot_ ? "link" : "launch"};
  }
  [[nodiscard]] BoundTime moved(std::int64_t bytes) const {
    const Duration time = link_.time_for(bytes);
    return {one_shot_ + time, time > one_shot_ ? "link" : "launch"};
  }

  Slope link_;
  Duration one_shot_;
  Duration two_shot_;
  std::string basis_;
};

}  // namespace

std::shared_ptr<const LinkCost> make_roofline_links(const GpuSpec& gpu) {
  return std::make_shared<RooflineLinks>(gpu);
}

}  // namespace orrery
