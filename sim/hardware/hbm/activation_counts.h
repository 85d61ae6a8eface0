// SPDX-License-Identifier: Apache-2.0
//
// The rolling counts of activates (RAA) by which banks are given RFM commands (device.h,
// RefreshManagement). An activate adds one to its bank's count. From RAAIMT on the bank wants an
// RFM command, which it is given as soon as nobody wants it for anything else; at RAAMMT it is
// held: it is given no activate before its RFM, which then has the right of way. An RFM takes
// RAAIMT off the count, a refresh RAAIMT or half of it; counts do not go below 0.
//
// An RFMpb is of its bank alone. An RFMab is of all banks of a pseudo-channel and has to wait until
// nobody wants any of them; when one of them is held, all are stopped: no request is begun.
#ifndef ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_
#define ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_

#include <array>
#include <cstdint>

#include "sim/hardware/hbm/bank_set.h"
#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

class ActivationCounts {
 public:
  /// Off: nothing is counted, and no bank ever wants anything. Else the device needs refresh
  /// management.
  ActivationCounts(const Device& device, Rfm rfm);

  /// Some bank wants an RFM.
  [[nodiscard]] bool any() const { return wanting_ > 0; }
  [[nodiscard]] const BankSet& wants() const { return wants_; }
  /// Those of wants() that may not be activated.
  [[nodiscard]] const BankSet& held() const { return held_; }
  /// Of RFMab: the banks of a pseudo-channel of which one is held.
  [[nodiscard]] const BankSet& stopped() const { return stopped_; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] bool all_bank() const { return all_bank_; }

  /// Where it is enabled.
  void on_activate(std::uint32_t bank);
  /// Of an RFMab: for each of its banks.
  void on_managed(std::uint32_t bank) { lower(bank, initial_); }
  void on_refreshed(std::uint32_t bank) {
    if (enabled_) lower(bank, lowered_by_refresh_);
  }

 private:
  void lower(std::uint32_t bank, std::int64_t by);
  /// The pseudo-channel of the bank is stopped if any of its banks is held.
  void stop_or_not(std::uint32_t bank);

  bool enabled_;
  bool all_bank_;
  std::uint32_t banks_;  ///< Of a pseudo-channel.
  std::int64_t initial_ = 0;
  std::int64_t most_ = 0;
  std::int64_t lowered_by_refresh_ = 0;
  std::int32_t wanting_ = 0;
  BankSet wants_;
  BankSet held_;
  BankSet stopped_;
  std::array<std::int64_t, kMaxBanks> counts_{};
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_ACTIVATION_COUNTS_H_
