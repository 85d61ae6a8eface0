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
/// Both serve the oldest request that is ready. With kFrFcfsRowHit a row stays open while the
/// oldest request to its bank hits it.
enum class Scheduler : std::uint8_t { kFrFcfs, kFrFcfsRowHit };
enum class Refresh : std::uint8_t { kAllBank, kPerBank, kNone };

struct ControllerOptions {
  Controller controller = Controller::kDefault;
  Scheduler scheduler = Scheduler::kFrFcfsRowHit;
  Refresh refresh = Refresh::kPerBank;
  std::string address_map = "bgil";
  /// Entries of a channel, shared by its pseudo-channels.
  std::int64_t read_queue = 64;
  std::int64_t write_queue = 64;
  /// Writes are drained from above the high share of their queue (or when no read waits) to below
  /// the low one.
  double write_high_watermark = 0.8;
  double write_low_watermark = 0.2;

  void describe(Describer& d);
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_CONTROLLER_OPTIONS_H_
