// SPDX-License-Identifier: Apache-2.0
//
// Which rows of a channel are open, in the banks' row buffers and, where banks have two, in those
// of PIM; and what it takes to have a request's row open.
#ifndef ORRERY_SIM_HARDWARE_PIM_ROWS_H_
#define ORRERY_SIM_HARDWARE_PIM_ROWS_H_

#include <array>
#include <cstdint>

#include "sim/hardware/pim/command.h"
#include "sim/hardware/pim/device.h"

namespace orrery::pim {

class Rows {
 public:
  explicit Rows(const Device& device);

  /// What has to go before the request can: a row command, or nothing more (ready is true).
  struct Need {
    bool ready = true;
    Kind kind = Kind::kActivate;
    BankSet banks = 0;
  };
  [[nodiscard]] Need need(const Request& request) const;

  /// Whether the request's row is open, wholly, in any of `banks` in the same buffers.
  [[nodiscard]] bool hits(const Request& request, BankSet banks, bool pim_buffers) const;
  void apply(Kind kind, BankSet banks, std::int32_t row);

  /// Banks with an open row in their ordinary buffers, and the banks opened with `bank`.
  [[nodiscard]] BankSet open() const { return open_[0]; }
  [[nodiscard]] BankSet open_pim() const { return open_[1]; }
  [[nodiscard]] BankSet opened_with(int bank) const {
    return unit_[static_cast<std::size_t>(bank)];
  }
  [[nodiscard]] BankSet all() const { return all_; }
  /// Whether one command opens and closes the rows of all banks.
  [[nodiscard]] bool all_at_once() const { return all_at_once_; }
  /// Whether the request's row lies in the PIM buffers.
  [[nodiscard]] bool in_pim_buffers(const Request& request) const {
    return dual_ && request.kind == Kind::kMac;
  }

 private:
  [[nodiscard]] Need need_all(const Request& request) const;
  [[nodiscard]] Need need_four(const Request& request) const;
  [[nodiscard]] BankSet at_row(int buffer, std::int32_t row, BankSet banks) const;

  bool dual_;
  bool all_at_once_;
  Kind activate_for_mac_;
  BankSet all_;
  std::array<BankSet, 2> open_{};
  std::array<std::array<std::int32_t, 64>, 2> row_{};
  std::array<BankSet, 64> unit_{};
};

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_ROWS_H_
