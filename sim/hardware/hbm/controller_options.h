// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_CONTROLLER_OPTIONS_H_
#define ORRERY_SIM_HARDWARE_HBM_CONTROLLER_OPTIONS_H_

#include <cstdint>
#include <string>

#include "sim/core/describer.h"

namespace orrery::hbm {

/// `reference` refreshes as Ramulator 2.1 does, so that the two can be compared on one trace;
/// `default` refreshes as GPUs must. All else they share.
enum class Controller : std::uint8_t { kDefault, kReference };
/// The first two serve the oldest request that is ready. With kFrFcfsRowHit a row stays open while
/// the oldest request to its bank hits it. kFcfs serves the oldest request of the queue: only when
/// its activate has issued does the next one's turn come.
enum class Scheduler : std::uint8_t { kFrFcfs, kFrFcfsRowHit, kFcfs };
/// kOpen: a row stays open until another one is wanted. kClosed: every access closes its row (RDA,
/// WRA). kAdaptive: it does where another row of its bank is wanted and no queued request hits
/// this one (gem5's open_adaptive).
enum class RowPolicy : std::uint8_t { kOpen, kClosed, kAdaptive };
enum class Refresh : std::uint8_t { kAllBank, kPerBank, kNone };
/// Whether banks are given RFM commands (activation_counts.h): each its own (RFMpb), or all of a
/// pseudo-channel together (RFMab).
enum class Rfm : std::uint8_t { kOff, kOn, kAllBank };
/// Whether a channel that nobody wants powers down (PDE): with its rows as they are, or closed.
enum class PowerDown : std::uint8_t { kOff, kActive, kPrecharge };
/// Whether it is put into self-refresh (SRE).
enum class SelfRefresh : std::uint8_t { kOff, kOn };

struct ControllerOptions {
  Controller controller = Controller::kDefault;
  Scheduler scheduler = Scheduler::kFrFcfsRowHit;
  RowPolicy row_policy = RowPolicy::kOpen;
  Refresh refresh = Refresh::kPerBank;
  Rfm rfm = Rfm::kOff;
  /// Clocks without a request after which they happen: those of the example in AMD's PG313, of a
  /// controller of HBM2E.
  PowerDown power_down = PowerDown::kOff;
  std::int64_t power_down_after = 4096;
  SelfRefresh self_refresh = SelfRefresh::kOff;
  std::int64_t self_refresh_after = 16384;
  std::string address_map = "bgil";
  /// Entries of a channel, shared by its pseudo-channels.
  std::int64_t read_queue = 64;
  std::int64_t write_queue = 64;
  /// Writes are drained from above the high share of their queue (or when no read waits) to below
  /// the low one.
  double write_high_watermark = 0.8;
  double write_low_watermark = 0.2;

  void describe(Describer& d);
  [[nodiscard]] bool saves_power() const {
    return power_down != PowerDown::kOff || self_refresh != SelfRefresh::kOff;
  }
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_CONTROLLER_OPTIONS_H_
