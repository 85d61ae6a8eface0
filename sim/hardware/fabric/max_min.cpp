// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/max_min.h"

#include <algorithm>
#include <optional>

#include "sim/core/check.h"
#include "sim/core/ids.h"

namespace orrery {
namespace {

struct Load {
  FineRate room = 0;
  /// Flows that have no rate yet; their indices, and how many of them are left.
  std::vector<std::size_t> flows;
  std::int64_t open = 0;

  [[nodiscard]] FineRate share() const { return room / open; }
};

FineRate fine(Bandwidth capacity) {
  ORRERY_CHECK(capacity.units_per_second() <= INT64_MAX / kFinePerByte);
  return capacity.units_per_second() * kFinePerByte;
}

/// The link that is full first; ties go to the lower id, which changes no rate.
Load* fullest(std::vector<Load>& loads) {
  Load* least = nullptr;
  for (Load& load : loads) {
    if (load.open > 0 && (least == nullptr || load.share() < least->share())) least = &load;
  }
  return least;
}

}  // namespace

std::vector<FineRate> max_min_rates(const std::vector<Link>& links,
                                    std::span<const Route* const> flows) {
  std::vector<Load> loads(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) loads[i].room = fine(links[i].capacity);
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    ORRERY_CHECK(!flows[flow]->empty());
    for (const LinkId link : *flows[flow]) {
      loads[index_of(link)].flows.push_back(flow);
      ++loads[index_of(link)].open;
    }
  }
  std::vector<std::optional<FineRate>> rates(flows.size());
  while (Load* full = fullest(loads)) {
    const FineRate share = full->share();
    for (const std::size_t flow : full->flows) {
      if (rates[flow]) continue;
      rates[flow] = share;
      for (const LinkId link : *flows[flow]) {
        loads[index_of(link)].room -= share;
        --loads[index_of(link)].open;
      }
    }
  }
  std::vector<FineRate> result;
  result.reserve(rates.size());
  for (const auto& rate : rates) result.push_back(rate.value());
  return result;
}

}  // namespace orrery
