// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/activation_counts.h"

#include <algorithm>

#include "sim/core/check.h"

namespace orrery::hbm {

ActivationCounts::ActivationCounts(const Device& device, Rfm rfm)
    : enabled_(rfm != Rfm::kOff),
      all_bank_(rfm == Rfm::kAllBank),
      banks_(static_cast<std::uint32_t>(device.geometry.banks_of_pseudo_channel())) {
  if (!enabled_) return;
  ORRERY_CHECK(device.refresh_management.has_value());
  initial_ = device.refresh_management->raaimt;
  most_ = device.refresh_management->most();
  lowered_by_refresh_ = device.refresh_management->lowered_by_refresh();
}

void ActivationCounts::on_activate(std::uint32_t bank) {
  const std::int64_t raa = ++counts_[bank];
  if (raa == initial_) {
    wants_.insert(bank);
    ++wanting_;
  }
  if (raa != most_) return;
  held_.insert(bank);
  if (all_bank_) stop_or_not(bank);
}

void ActivationCounts::stop_or_not(std::uint32_t bank) {
  const std::uint32_t first = bank / banks_ * banks_;
  bool any = false;
  for (std::uint32_t b = first; b < first + banks_; ++b) any = any || held_.contains(b);
  for (std::uint32_t b = first; b < first + banks_; ++b) stopped_.put(b, any);
}

void ActivationCounts::lower(std::uint32_t bank, std::int64_t by) {
  const std::int64_t raa = std::max<std::int64_t>(0, counts_[bank] - by);
  if (counts_[bank] >= initial_ && raa < initial_) {
    wants_.erase(bank);
    --wanting_;
  }
  const bool was_held = counts_[bank] >= most_;
  counts_[bank] = raa;
  if (!was_held || raa >= most_) return;
  held_.erase(bank);
  if (all_bank_) stop_or_not(bank);
}

}  // namespace orrery::hbm
