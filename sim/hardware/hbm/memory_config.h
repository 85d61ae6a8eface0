// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_

#include "sim/hardware/hbm/controller_options.h"
#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

/// A file of configs/hardware/memory/: a device and, beside it, how it is controlled.
struct MemoryConfig {
  Device device;
  ControllerOptions controller;
  void describe(Describer& d);
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_CONFIG_H_
