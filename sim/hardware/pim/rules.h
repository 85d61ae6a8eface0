// SPDX-License-Identifier: Apache-2.0
//
// Which commands must keep how many clocks apart, as a table. It is the only place where a style's
// timing is known; the channel only reads the table.
#ifndef ORRERY_SIM_HARDWARE_PIM_RULES_H_
#define ORRERY_SIM_HARDWARE_PIM_RULES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/hardware/pim/command.h"
#include "sim/hardware/pim/device.h"

namespace orrery::pim {

/// Commands that meet in such a part of a channel keep the rule.
enum class Scope : std::uint8_t { kChannel, kPseudo, kRank, kGroup, kBank };
inline constexpr std::size_t kScopes = 5;

struct Rule {
  Kind before = Kind::kActivate;
  Kind after = Kind::kActivate;
  Scope scope = Scope::kBank;
  std::int64_t clocks = 0;
  /// From the n-th last of `before`.
  int window = 1;
  /// The timings that make up `clocks`, as the device's file names them.
  std::string_view name;
};

[[nodiscard]] std::vector<Rule> rules_of(const Device& device);

/// Clocks from a command's slot to the end of what it does.
[[nodiscard]] std::int64_t completion_clocks(const Device& device, Kind kind);

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_RULES_H_
