// SPDX-License-Identifier: Apache-2.0
//
// A whole device under a trace. There are two feeds:
//
//   per-channel  each channel is offered its own accesses in the trace's order, one a tick, and
//                takes them while its queue has room; a full channel holds up no other
//   in-order     one front end hands out the accesses in the trace's order, as many a tick as
//                there are channels to take them: the access at its head waits while its channel's
//                queue is full or has taken one in that tick, and all behind it wait with it. With
//                `in_flight` a read also waits while so many reads have been handed out whose
//                data is not through; nobody waits for writes.
//
// Channels share nothing but the front end. The tick of a hand-over depends on the channels only
// through the one at the head, and with `in_flight` on when the others' reads end; so a channel
// lives on by itself, and only as far as the front end must know of it.
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/hardware/hbm/channel.h"
#include "sim/hardware/hbm/memory_config.h"
#include "sim/hardware/hbm/memory_trace.h"

namespace orrery::hbm {

/// Hears the commands of all channels; those after begin_channel() are of that channel.
class SystemListener : public CommandListener {
 public:
  virtual void begin_channel(std::uint32_t channel) = 0;
};

/// What a run leaves behind.
struct Served {
  Statistics statistics;
  /// Of each channel.
  std::vector<BankCounts> bank_counts;
  /// Those of the requests that are of check bytes.
  EccCounts ecc;
};

struct ServeOptions {
  /// Access i arrives when i accesses' bytes have passed at this rate; if absent, when the trace
  /// says, or else all are there from the beginning.
  std::optional<double> bytes_per_second;
  /// May be null. Hears one channel after the other with feed per-channel, and with in-order the
  /// channels in turns, each in its own order. Where the controller saves power it then hears of
  /// each what it does until the last is done.
  SystemListener* listener = nullptr;
  /// Threads that share the channels; only with feed per-channel and no listener. The result is the
  /// same.
  int jobs = 1;
};

/// Serves a trace with the feed of `config`. Throws TraceError for an address beyond the device, or
/// among check bytes.
[[nodiscard]] Served serve(const MemoryConfig& config, const MemoryTrace& trace,
                           const ServeOptions& options);

/// The same with what it counts alone.
[[nodiscard]] Statistics serve(const MemoryConfig& config, const MemoryTrace& trace,
                               std::optional<double> bytes_per_second, SystemListener* listener);

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_SYSTEM_H_
