// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_

#include <cstdint>

#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/device.h"
#include "sim/hardware/hbm/inline_ecc.h"

namespace orrery::hbm {

/// How accesses come to the channels (memory_system.h).
enum class Feed : std::uint8_t { kPerChannel, kInOrder };

/// A file of configs/hardware/memory/: a device and, beside it, how it is controlled.
struct MemoryConfig {
  Device device;
  ControllerOptions controller;
  Feed feed = Feed::kPerChannel;
  /// Of feed kInOrder: reads handed out whose data is not through are at most so many; 0: as many
  /// as the queues hold.
  std::int64_t in_flight = 0;
  Ecc ecc = Ecc::kNone;
  /// Of inline ECC: spans of which a channel keeps the check bytes.
  std::int64_t ecc_buffer = 16;
  void describe(Describer& d);
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_
