// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_PACKET_FABRIC_H_
#define ORRERY_SIM_HARDWARE_FABRIC_PACKET_FABRIC_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/fabric/topology.h"
#include "sim/hardware/machine.h"

namespace orrery {

/// The clocked rung of Fabric: each transfer is packets that follow each other over its route. A
/// packet is forwarded once it is whole; where several flows wait for a link, they take turns
/// packet by packet. Switches have room for all that waits (links with credits lose nothing), and
/// queue_peak() says how much that was.
class PacketFabric final : public Machine {
 public:
  PacketFabric(const Topology& topology, Bytes packet);

  [[nodiscard]] Ticket submit(const Transfer& transfer, Instant now) override;
  [[nodiscard]] Instant next() const override;
  void advance(Instant now, std::vector<Ticket>& done) override;

  /// The most packets that ever waited for this link, those that senders still hold left out.
  [[nodiscard]] std::int64_t queue_peak(LinkId link) const;

 private:
  struct Flow {
    Route route;
    Bytes bytes;
    std::int64_t packets = 0;
    /// By hop: packets that have come to its link's queue, and that have left it.
    std::vector<std::int64_t> came;
    std::vector<std::int64_t> left;
  };
  struct Waiter {
    Ticket ticket{};
    std::size_t hop = 0;
  };
  struct Queue {
    /// Flows with something to send, in the order of their turns; each at most once.
    std::deque<Waiter> turns;
    bool busy = false;
    Instant idle_at;
    std::int64_t waiting = 0;
    std::int64_t peak = 0;
  };
  enum class Kind : std::uint8_t { kArrives, kLinkIdle };
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    Kind kind{};
    Waiter waiter;
    LinkId link{};
    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  void arrive(Waiter waiter, Instant now, std::vector<Ticket>& done);
  void serve(LinkId link, Instant now);
  [[nodiscard]] Bytes size_of(const Flow& flow, std::int64_t packet) const;
  void schedule(Instant at, Kind kind, Waiter waiter, LinkId link);

  const Topology& topology_;
  Bytes packet_;
  std::map<Ticket, Flow> flows_;
  std::vector<Queue> queues_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0;
  std::uint64_t tickets_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_PACKET_FABRIC_H_
