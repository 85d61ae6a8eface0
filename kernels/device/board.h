// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_DEVICE_BOARD_H_
#define ORRERY_KERNELS_DEVICE_BOARD_H_

#include <memory>
#include <string>

#include "kernels/host/table.h"

namespace orrery::kernels {

/// Clocks, power and temperature through NVML, which is opened while the program runs: a machine
/// without it is measured all the same, and its rows say nothing in those columns. Nothing is ever
/// set.
class Board {
 public:
  /// `pci_bus_id` as CUDA prints it, since NVML counts devices in another order.
  explicit Board(const std::string& pci_bus_id);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// Begins to look, every few milliseconds, in a thread of its own.
  void begin();
  /// The means of what was seen since begin(); zeros if NVML is not there.
  [[nodiscard]] BoardState end();
  /// Empty if NVML is not there.
  [[nodiscard]] std::string driver() const;

 private:
  class Nvml;
  class Watch;
  std::unique_ptr<Nvml> nvml_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_BOARD_H_
