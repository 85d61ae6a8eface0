// SPDX-License-Identifier: Apache-2.0
//
// Devices and accesses for the tests of memories.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_HBM_WORLD_H_
#define ORRERY_TESTS_UNIT_HARDWARE_HBM_WORLD_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/hardware/hbm/channel.h"

namespace orrery::hbm::testing {

/// One channel each, with the figures of configs/hardware/memory/ but for the thresholds of RFM.
[[nodiscard]] Device hbm3();
[[nodiscard]] Device hbm2();
/// checker::Part::kMadeUp.
[[nodiscard]] Device hbm2_made_up();

struct Issued {
  Tick at = 0;
  Command command = Command::kAct;
  std::uint32_t bank = 0, row = 0, column = 0;
};

class Recorder final : public CommandListener {
 public:
  void on_command(Tick at, Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t column) override {
    issued.push_back({at, command, bank, row, column});
  }
  std::vector<Issued> issued;
};

/// Shares in percent. `near` percent of the accesses go to the block after the one before.
struct AccessMix {
  std::uint64_t writes = 0;
  std::uint64_t near = 0;
  std::uint32_t rows = 1024;
};
[[nodiscard]] std::vector<Request> accesses(const Device& device, std::string_view map,
                                            std::size_t count, AccessMix mix, std::uint64_t seed);

}  // namespace orrery::hbm::testing

#endif  // ORRERY_TESTS_UNIT_HARDWARE_HBM_WORLD_H_
