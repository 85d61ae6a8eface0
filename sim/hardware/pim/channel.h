// SPDX-License-Identifier: Apache-2.0
//
// One channel of a PIM device: serves a program of column commands, and host requests beside it,
// by the device's rules. Nothing is counted clock by clock: the next command is the one with the
// earliest ready time.
//
// Each command remembers what held it back longest (Link), so the clocks of a run are a sum along
// one path: command counts times timings, and nothing else (critical_path.h).
#ifndef ORRERY_SIM_HARDWARE_PIM_CHANNEL_H_
#define ORRERY_SIM_HARDWARE_PIM_CHANNEL_H_

#include <cstdint>
#include <vector>

#include "sim/hardware/pim/command.h"
#include "sim/hardware/pim/device.h"
#include "sim/hardware/pim/rules.h"

namespace orrery::pim {

/// Why a command went no earlier.
enum class Wait : std::uint8_t {
  kRule,     ///< A rule of the table.
  kBus,      ///< The command bus was taken.
  kBarrier,  ///< The slot after the last command before a barrier.
  kData,     ///< The slot after the data of all before a barrier.
  kQueue,    ///< The request entered the window, or arrived, only then.
  kRefresh,  ///< A refresh fell due only then.
  kStart,    ///< Nothing: the first clock.
};

struct Link {
  Wait wait = Wait::kStart;
  /// The command that it waited for, `clocks` before; -1: the beginning of time.
  std::int32_t from = -1;
  /// Of the rule table, if it was a rule.
  std::int32_t rule = -1;
  std::int64_t clocks = 0;
};

struct Issued {
  std::int64_t at = 0;
  Kind kind = Kind::kRead;
  Part purpose = Part::kHost;
  BankSet banks = 0;
  std::int32_t row = 0;
  std::int32_t column = 0;
  /// What goes after it waited for it and all before.
  bool barrier = false;
  /// And for their data.
  bool drains = false;
  /// From the host's list, not from the program.
  bool host = false;
  Link link;
};

struct ChannelRun {
  std::vector<Issued> commands;
  /// When the last command's effect is over, and by which command.
  std::int64_t end = 0;
  std::int32_t last = -1;
  /// Of the program alone.
  std::int64_t program_end = 0;
  std::int32_t program_last = -1;
  /// Sum over host requests of arrival to end of data, and their number.
  std::int64_t host_latency = 0;
  std::int64_t host_requests = 0;
};

/// Serves `program` in its order (as far as the device's window and barriers say so) and, from
/// their arrivals on, the host's requests, which are sorted by arrival.
[[nodiscard]] ChannelRun run_channel(const Device& device, const std::vector<Rule>& rules,
                                     const Program& program, const Program& host = {});

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_CHANNEL_H_
