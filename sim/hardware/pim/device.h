// SPDX-License-Identifier: Apache-2.0
//
// A processing-in-memory device: DRAM whose banks multiply and add. Four styles are known; what
// tells them apart beyond numbers (which command opens all banks, what occupies which bus) is in
// rules.cpp and the mappers.
#ifndef ORRERY_SIM_HARDWARE_PIM_DEVICE_H_
#define ORRERY_SIM_HARDWARE_PIM_DEVICE_H_

#include <cstdint>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery::pim {

enum class Style : std::uint8_t {
  kSamsung,  ///< HBM-PIM: a block of two banks, driven by reads and writes in lock-step modes.
  kAim,      ///< GDDR6-AiM: one command computes in all banks, operands in a global buffer.
  kAttacc,   ///< AttAcc: all banks of both pseudo-channels, data moves beside the MACs.
  kNeupims,  ///< NeuPIMs: banks with two row buffers, so host and PIM rows are open together.
};

struct Geometry {
  std::int64_t channels = 0;  ///< With a controller of their own.
  std::int64_t pseudo_channels = 1;
  std::int64_t ranks = 1;  ///< Stack ids of a pseudo-channel.
  std::int64_t bank_groups = 4;
  std::int64_t banks = 4;  ///< Of a bank group.
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< Accesses of a row.
  Bytes access;              ///< What a bank gives its unit, or the bus, at one column.
  std::string sources;
  void describe(Describer& d);

  [[nodiscard]] std::int64_t banks_of_channel() const {
    return pseudo_channels * ranks * bank_groups * banks;
  }
  [[nodiscard]] Bytes capacity() const {
    return access * (columns * rows) * (banks_of_channel() * channels);
  }
};

/// In clocks of the command clock. A 0 means that the device has no such rule.
struct Timing {
  Duration clock;  ///< One clock.
  std::int64_t burst = 0;
  std::int64_t cl = 0, cwl = 0;
  std::int64_t rcd_read = 0, rcd_write = 0, rcd_mac = 0;
  std::int64_t rcd_multiply = 0;  ///< Activate to element-wise multiplication.
  std::int64_t rcd_function = 0;  ///< Activate to activation function.
  std::int64_t rcd_copy_out = 0;  ///< Activate to the copy of a column to the buffer.
  std::int64_t rcd_copy_in = 0;   ///< Activate to the copy of a buffer's slot to a column.
  std::int64_t rp = 0, ras = 0, rc = 0;
  std::int64_t wr = 0;   ///< End of write data to precharge.
  std::int64_t rtp = 0;  ///< Read or MAC to precharge.
  std::int64_t ccd_s = 0, ccd_l = 0;
  std::int64_t ccd_mac = 0;  ///< MAC to MAC of all banks; where power limits it, that limit.
  std::int64_t rrd_s = 0, rrd_l = 0, faw = 0;
  std::int64_t wtr_s = 0, wtr_l = 0;  ///< End of write data to read.
  std::int64_t rtw = 0;               ///< Read to write command.
  std::int64_t rfc = 0, refi = 0;
  std::int64_t first_refresh = 0;   ///< When the first falls due; 0: after refi.
  std::int64_t activate_slots = 1;  ///< Clocks that an activate occupies the command bus.
  std::int64_t mode_change = 0;     ///< A register-mode switch to any command.
  std::int64_t buffer_cwl = 0;      ///< Write latency of the operand buffer and registers.
  std::int64_t buffer_cl = 0;       ///< Read latency of the result registers.
  std::int64_t bus_turn = 0;        ///< Extra clocks when the bus turns from read to write.
  std::int64_t buffer_fill = 0;     ///< A buffer's worth of operands to the MACs that use them.
  std::int64_t softmax = 0;         ///< Softmax to the use of its result.
  std::string sources;
  void describe(Describer& d);
};

/// Where AttAcc's units sit, and with them how many tokens are worked on at once.
enum class Level : std::uint8_t {
  kBank,       ///< At each bank: all banks of a channel multiply at once.
  kBankGroup,  ///< At each bank group: one bank of each group does, the same in all.
  kBuffer,     ///< On the buffer die, one a pseudo-channel: one bank of each does.
};

/// What computes.
struct Compute {
  Level level = Level::kBank;
  std::int64_t blocks = 0;     ///< Units of a channel; a block may serve two banks.
  std::int64_t registers = 1;  ///< Accumulators of a unit that a pass fills.
  Bytes operand_buffer;        ///< Of a unit or of a channel, as the style has it.
  Bytes element = Bytes(2);
  std::string sources;
  void describe(Describer& d);
};

/// How commands are chosen.
struct Control {
  std::int64_t window = 1;            ///< Requests looked at; 1 is in order.
  std::int64_t enqueue_interval = 0;  ///< Clocks between two that enter the window.
  bool separate_buses = false;        ///< Row and column commands may go in one clock.
  bool close_idle_rows = false;       ///< Rows without a pending hit are closed at once.
  bool rows_ahead = false;            ///< Rows may be opened for what waits behind a barrier.
  bool refresh_gives_way = false;     ///< Requests go on while rows are closed for a refresh.
  std::int64_t host_turn = 16;        ///< Host requests served between two PIM rows.
  /// AttAcc: a head without a partner moves its softmax's results after each piece of scores.
  bool lone_head_repeats_moves = false;
  std::string sources;
  void describe(Describer& d);
};

enum class RefreshKind : std::uint8_t { kNone, kAllBank };

struct Energy {
  double activate_pj = 0;      ///< One row of one bank, with its precharge.
  double mac_pj = 0;           ///< One column of one bank, read and multiplied.
  double group_move_pj = 0;    ///< One access from a bank to its bank group.
  double buffer_write_pj = 0;  ///< One access from the host to an operand buffer.
  double move_pj = 0;          ///< One access between banks' units and the buffer die.
  double read_pj = 0, write_pj = 0;
  double refresh_row_pj = 0;
  double background_mw = 0;  ///< Of a channel.
  std::string sources;
  void describe(Describer& d);
};

struct Device {
  std::string name;
  Style style = Style::kSamsung;
  Geometry geometry;
  Timing timing;
  Compute compute;
  Control control;
  RefreshKind refresh = RefreshKind::kAllBank;
  Energy energy;
  void describe(Describer& d);

  /// Elements of a column.
  [[nodiscard]] std::int64_t lanes() const {
    return geometry.access.count() / compute.element.count();
  }
  /// Rows of a bank that one refresh restores: all of them in 8192 refreshes (JEDEC).
  [[nodiscard]] double rows_of_refresh() const {
    return static_cast<double>(geometry.rows) / 8192.0;
  }
};

}  // namespace orrery::pim

#endif  // ORRERY_SIM_HARDWARE_PIM_DEVICE_H_
