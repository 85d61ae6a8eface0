// SPDX-License-Identifier: Apache-2.0
//
// When each command may go next: for each part of a channel, when each kind of command was last
// given there, read against the table of rules.
#ifndef ORRERY_SIM_HARDWARE_PIM_BOARD_H_
#define ORRERY_SIM_HARDWARE_PIM_BOARD_H_

#include <array>
#include <cstdint>
#include <vector>

#include "sim/hardware/pim/rules.h"

namespace orrery::pim {

class Board {
 public:
  Board(const Geometry& geometry, const std::vector<Rule>& rules);

  /// The first clock that every rule allows, and which rule and command make it so late; both -1
  /// where nothing holds it back, and then the clock is 0.
  struct Ready {
    std::int64_t at = 0;
    std::int32_t rule = -1;
    std::int32_t command = -1;
  };
  [[nodiscard]] Ready ready(Kind kind, BankSet banks) const;

  /// Notes the `command`-th command of the channel.
  void issue(Kind kind, BankSet banks, std::int64_t at, std::int32_t command);

 private:
  struct Mark {
    std::int64_t at = -1;
    std::int32_t command = -1;
  };
  static constexpr std::size_t kWindow = 4;
  struct Node {
    BankSet banks = 0;
    std::array<Mark, kKinds> last;
    /// The latest activates, oldest first.
    std::array<Mark, kWindow> activates;
  };
  void note(Node& node, Kind kind, Mark mark);

  const std::vector<Rule>& rules_;
  std::array<std::vector<std::int32_t>, kKinds> by_after_;
  std::array<std::vector<Node>, kScopes> nodes_;
  /// Where some rule looks for the kind.
  std::array<std::array<bool, kScopes>, kKinds> looked_at_{};
};

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_BOARD_H_
