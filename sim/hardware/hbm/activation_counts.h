// SPDX-License-Identifier: Apache-2.0
//
// The rolling counts of activates (RAA) by which banks are given RFM commands (device.h,
// RefreshManagement). An activate adds one to its bank's count. From RAAIMT on the bank wants an
// RFMpb, which it is given as soon as nobody wants it for anything else; at RAAMMT it is held: it
// is given no activate before its RFMpb, which then has the right of way. An RFMpb takes RAAIMT off
// the count, a refresh RAAIMT or half of it; counts do not go below 0.
#ifndef ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_
#define ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_

#include <array>
#include <cstdint>

#include "sim/hardware/hbm/bank_set.h"
#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

class ActivationCounts {
 public:
  /// Not `enabled`: nothing is counted, and no bank ever wants anything. Enabled needs a device
  /// with refresh management.
  ActivationCounts(const Device& device, bool enabled);

  /// Some bank wants an RFMpb.
  [[nodiscard]] bool any() const { return wanting_ > 0; }
  [[nodiscard]] const BankSet& wants() const { return wants_; }
  /// Those of wants() that may not be activated.
  [[nodiscard]] const BankSet& held() const { return held_; }

  void on_activate(std::uint32_t bank) {
    if (enabled_) count(bank);
  }
  void on_managed(std::uint32_t bank) { lower(bank, initial_); }
  void on_refreshed(std::uint32_t bank) {
    if (enabled_) lower(bank, lowered_by_refresh_);
  }

 private:
  void count(std::uint32_t bank);
  void lower(std::uint32_t bank, std::int64_t by);

  bool enabled_;
  std::int64_t initial_ = 0;
  std::int64_t most_ = 0;
  std::int64_t lowered_by_refresh_ = 0;
  std::int32_t wanting_ = 0;
  BankSet wants_;
  BankSet held_;
  std::array<std::int64_t, kMaxBanks> counts_{};
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_
