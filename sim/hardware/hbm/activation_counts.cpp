// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/activation_counts.h"

#include <algorithm>

#include "sim/core/check.h"

namespace orrery::hbm {

ActivationCounts::ActivationCounts(const Device& device, bool enabled) : enabled_(enabled) {
  if (!enabled) return;
  ORRERY_CHECK(device.refresh_management.has_value());
  initial_ = device.refresh_management->raaimt;
  most_ = device.refresh_management->most();
  lowered_by_refresh_ = device.refresh_management->lowered_by_refresh();
}

void ActivationCounts::count(std::uint32_t bank) {
  const std::int64_t raa = ++counts_[bank];
  if (raa == initial_) {
    wants_.insert(bank);
    ++wanting_;
  }
  if (raa == most_) held_.insert(bank);
}

void ActivationCounts::lower(std::uint32_t bank, std::int64_t by) {
  const std::int64_t raa = std::max<std::int64_t>(0, counts_[bank] - by);
  if (counts_[bank] >= initial_ && raa < initial_) {
    wants_.erase(bank);
    --wanting_;
  }
  if (raa < most_) held_.erase(bank);
  counts_[bank] = raa;
}

}  // namespace orrery::hbm
