// SPDX-License-Identifier: Apache-2.0
//
// What goes over a PIM channel's command bus, and what a mapper asks of a channel.
#ifndef ORRERY_SIM_HARDWARE_PIM_COMMAND_H_
#define ORRERY_SIM_HARDWARE_PIM_COMMAND_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace orrery::pim {

enum class Kind : std::uint8_t {
  kActivate,
  kPrecharge,
  kRead,
  kWrite,
  kRefresh,
  kActivateAll,   ///< Of all banks of the channel.
  kPrechargeAll,  ///< Of all banks of the channel.
  kActivateFour,  ///< Of four banks, into their PIM row buffers.
  kActivateSome,  ///< Of the banks that a kMacBank names, at once.
  kPrechargePim,  ///< Of all PIM row buffers.
  kMac,           ///< All banks multiply a column with an operand and add.
  kMacBank,       ///< Only the named banks do.
  kMultiply,      ///< All banks: element by element, two banks of a group into a third.
  kFunction,      ///< All banks: the activation function, looked up in a row.
  kCopyOut,       ///< A column of a bank to the operand buffer.
  kCopyIn,        ///< A slot of the operand buffer to a column of a bank.
  kWriteAll,      ///< A column of all banks from the host; the rows close after it.
  kBufferWrite,   ///< Host to operand buffer: broadcast.
  kBiasWrite,     ///< Host to the accumulators.
  kBufferMove,    ///< Buffer die to operand buffers.
  kResultMove,    ///< Accumulators to buffer die or host.
  kSoftmax,       ///< By the unit on the buffer die.
  kModeSwitch,    ///< Between memory and register mode.
};
inline constexpr std::size_t kKinds = 23;
inline constexpr std::array<std::string_view, kKinds> kKindNames = {
    "ACT",   "PRE",   "RD",     "WR",    "REF",   "ACTAB", "PREAB", "ACT4",
    "ACTPB", "PREPM", "MAC",    "MACPB", "EWMUL", "AF",    "RDCP",  "WRCP",
    "WRA16", "WRGB",  "WRBIAS", "MVGB",  "RDRES", "SFM",   "MODE"};

[[nodiscard]] constexpr std::size_t index_of(Kind kind) { return static_cast<std::size_t>(kind); }

/// What a command is for, and what a stretch of time was spent on.
enum class Part : std::uint8_t {
  kActPre,
  kMac,
  kBroadcast,
  kMode,
  kReadOut,
  kRefresh,
  kHost,
  kQueue,  ///< Filling the window at the very beginning, and slots of the command bus.
};
inline constexpr std::size_t kParts = 8;
inline constexpr std::array<std::string_view, kParts> kPartNames = {
    "act_pre", "mac", "broadcast", "mode", "read_out", "refresh", "host", "command_bus"};

[[nodiscard]] constexpr std::size_t index_of(Part part) { return static_cast<std::size_t>(part); }

/// A bit a bank of the channel.
using BankSet = std::uint64_t;

/// A column command that is to be issued; the channel adds the row commands it needs.
struct Request {
  Kind kind = Kind::kRead;
  Part purpose = Part::kHost;
  /// Nothing behind goes before this and all before it have gone.
  bool barrier = false;
  /// Of a barrier: nor before their data have come.
  bool drains = false;
  BankSet banks = 1;
  std::int32_t row = 0;
  /// Of the row; of a buffer write, the slot of the buffer.
  std::int32_t column = 0;
  /// For which piece of the vector a MAC reads its column, or which one a buffer write brings;
  /// -1 where there is none. It has no part in timing.
  std::int32_t operand = -1;
  /// Clock before which a host request is not there.
  std::int64_t arrival = 0;

  friend bool operator==(const Request&, const Request&) = default;
};

using Program = std::vector<Request>;

/// Of all banks at once, and their rows are opened so.
[[nodiscard]] constexpr bool reaches_all(Kind kind) {
  return kind == Kind::kMac || kind == Kind::kMultiply || kind == Kind::kFunction ||
         kind == Kind::kWriteAll;
}

[[nodiscard]] constexpr bool uses_rows(Kind kind) {
  return reaches_all(kind) || kind == Kind::kRead || kind == Kind::kWrite ||
         kind == Kind::kMacBank || kind == Kind::kCopyOut || kind == Kind::kCopyIn;
}

/// What a program asks for; the rest the channel adds by itself.
[[nodiscard]] constexpr bool is_column(Kind kind) {
  return uses_rows(kind) || kind == Kind::kBufferWrite || kind == Kind::kBiasWrite ||
         kind == Kind::kBufferMove || kind == Kind::kResultMove || kind == Kind::kSoftmax;
}

/// What some channels do, all alike.
struct ChannelWork {
  Program program;
  /// Which channels of the device.
  std::vector<std::int64_t> members;
  [[nodiscard]] std::int64_t channels() const { return static_cast<std::int64_t>(members.size()); }
};

/// Work of a device; channels without work are not in it.
using Plan = std::vector<ChannelWork>;

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_COMMAND_H_
