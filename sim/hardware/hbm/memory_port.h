// SPDX-License-Identifier: Apache-2.0
//
// The face of a memory for other simulators, which keep their own clock:
//
//   MemoryPort memory(config);
//   memory.send(address, false, [&](Instant done) { ... });
//   memory.advance(now);
#ifndef ORRERY_SIM_HARDWARE_HBM_MEMORY_PORT_H_
#define ORRERY_SIM_HARDWARE_HBM_MEMORY_PORT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/hbm/address_map.h"
#include "sim/hardware/hbm/channel.h"
#include "sim/hardware/hbm/memory_config.h"

namespace orrery::hbm {

/// Accesses wait before their channel, as many as there are, in the order they were sent; the
/// channel takes one a tick while its queue has room. A tick that has begun at now() is not over:
/// what is sent at now() still comes in time for it.
class MemoryPort {
 public:
  /// Called once, when a read's data is through or a write has issued; may send more, which then
  /// arrives at that instant.
  using Callback = std::function<void(Instant done)>;

  /// The configuration outlives the port. Its feed is not looked at.
  explicit MemoryPort(const MemoryConfig& config);

  /// The access of the device's access size that holds this byte, at now(). Throws
  /// std::invalid_argument for an address beyond the device.
  void send(std::uint64_t address, bool write, Callback callback);

  /// Calls back for everything that is done by `until`, in order (ties: as sent), and moves the
  /// clock there.
  void advance(Instant until);

  [[nodiscard]] Instant now() const { return now_; }
  /// When there is something to do next, which need not be a callback; never() if nothing is under
  /// way. Refreshes go on behind it.
  [[nodiscard]] Instant next();

  /// Of all channels so far.
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Access {
    std::int64_t number = 0;  ///< How many were sent before it.
    Callback callback;
    bool done = false;
  };
  struct Waiting {
    Tick arrive = 0;
    Request request;
    Access access;
  };
  struct Port {
    explicit Port(const MemoryConfig& config)
        : channel(config.device, config.controller, nullptr) {}
    Channel channel;
    std::deque<Waiting> waiting;
    /// Of the channel's requests from `first_request` on; all before are done.
    std::deque<Access> taken;
    std::int64_t first_request = 0;
  };
  struct Done {
    Tick at = 0;
    Access access;
  };
  static bool later(const Done& a, const Done& b) {
    return a.at != b.at ? a.at > b.at : a.access.number > b.access.number;
  }

  /// When a channel does something, and living through that tick.
  [[nodiscard]] static Tick active_at(Port& port);
  void live(Port& port, Tick tick);
  /// The channel that does something first, and when.
  [[nodiscard]] Port& first_active(Tick& at);
  void call_back();
  [[nodiscard]] Instant begin_of(Tick tick) const;
  /// The first tick that does not begin before.
  [[nodiscard]] Tick tick_at(Instant instant) const;

  const AddressMap map_;
  const std::int64_t access_bytes_;
  const std::int64_t ticks_per_second_;
  std::deque<Port> ports_;
  std::vector<Channel::End> ends_;
  std::int64_t sent_ = 0;
  std::int64_t under_way_ = 0;
  Instant now_;
  /// A heap, the earliest first.
  std::vector<Done> done_;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_MEMORY_PORT_H_
