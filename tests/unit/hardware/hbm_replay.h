// SPDX-License-Identifier: Apache-2.0
//
// Hands the commands of a channel to the checker as they issue.
#ifndef ORRERY_TESTS_UNIT_HARDWARE_HBM_REPLAY_H_
#define ORRERY_TESTS_UNIT_HARDWARE_HBM_REPLAY_H_

#include <cstdint>
#include <string>

#include "sim/hardware/hbm/channel.h"
#include "tests/unit/hardware/hbm_checker.h"

namespace orrery::hbm::testing {

class Replay final : public CommandListener {
 public:
  /// The device outlives the replay.
  Replay(const Device& device, checker::Part part, Refresh refresh, Rfm rfm = Rfm::kOff)
      : geometry_(device.geometry),
        half_clocks_(device.standard == Standard::kHbm2 ? 2 : 1),
        checker_(part, due(refresh), activates(device, rfm)) {}

  void on_command(Tick at, Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t) override {
    ++commands_;
    if (!wrong_.empty()) return;
    if (const char* wrong = checker_.check(event(at, command, bank, row))) {
      wrong_ = "command " + std::to_string(commands_) + ": " + wrong;
    }
  }
  /// Of the first violation; empty if all was well.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] std::int64_t commands() const { return commands_; }

 private:
  static checker::Refreshes due(Refresh refresh) {
    if (refresh == Refresh::kNone) return checker::Refreshes::kNotDue;
    return refresh == Refresh::kPerBank ? checker::Refreshes::kPerBank
                                        : checker::Refreshes::kAllBank;
  }
  static checker::Activates activates(const Device& device, Rfm rfm) {
    if (rfm == Rfm::kOff) return {};
    const RefreshManagement& r = *device.refresh_management;
    const bool half = r.refresh_lowers == RefreshManagement::Lowers::kHalf;
    return {r.raaimt * r.raammt, r.raaimt, half ? r.raaimt / 2 : r.raaimt};
  }
  [[nodiscard]] checker::Event event(Tick at, Command command, std::uint32_t bank,
                                     std::uint32_t row) const {
    const auto banks = static_cast<std::uint32_t>(geometry_.banks);
    const auto groups = static_cast<std::uint32_t>(geometry_.bank_groups);
    const auto stacks = static_cast<std::uint32_t>(geometry_.stack_ids);
    const auto number = [](std::uint32_t n) { return static_cast<int>(n); };
    return {at * half_clocks_,
            static_cast<checker::Op>(command),
            number(bank / banks / groups / stacks),
            number(bank / banks / groups % stacks),
            number(bank / banks % groups),
            number(bank % banks),
            row};
  }

  const Geometry& geometry_;
  Tick half_clocks_;
  checker::Checker checker_;
  std::int64_t commands_ = 0;
  std::string wrong_;
};

}  // namespace orrery::hbm::testing

#endif  // ORRERY_TESTS_UNIT_HARDWARE_HBM_REPLAY_H_
