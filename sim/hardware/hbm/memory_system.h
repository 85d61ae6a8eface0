// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_

#include <cstdint>
#include <optional>

#include "sim/hardware/hbm/channel.h"
#include "sim/hardware/hbm/memory_config.h"
#include "sim/hardware/hbm/memory_trace.h"

namespace orrery::hbm {

/// Hears the commands of all channels, one channel after the other.
class SystemListener : public CommandListener {
 public:
  virtual void begin_channel(std::uint32_t channel) = 0;
};

/// Serves a trace. Each channel is offered its own accesses in the trace's order, one a tick, and
/// takes them while its queue has room; a full channel holds up no other. With `bytes_per_second`
/// access i arrives when i accesses' bytes have passed at that rate; else when the trace says; else
/// all are there from the beginning. The listener may be null. Throws TraceError for an address
/// beyond the device.
[[nodiscard]] Statistics serve(const MemoryConfig& config, const MemoryTrace& trace,
                               std::optional<double> bytes_per_second, SystemListener* listener);

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_
