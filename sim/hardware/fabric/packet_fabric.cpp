// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/packet_fabric.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/ids.h"

namespace orrery {

PacketFabric::PacketFabric(const Topology& topology, Bytes packet)
    : topology_(topology), packet_(packet), queues_(topology.links().size()) {
  ORRERY_CHECK(packet.count() > 0);
}

Ticket PacketFabric::submit(const Transfer& transfer, Instant now) {
  ORRERY_CHECK(transfer.bytes.count() >= 0);
  const auto ticket = static_cast<Ticket>(tickets_);
  Flow flow;
  flow.route = topology_.route(transfer.from, transfer.to, tickets_);
  ++tickets_;
  flow.bytes = transfer.bytes;
  flow.packets =
      std::max<std::int64_t>(1, (transfer.bytes.count() + packet_.count() - 1) / packet_.count());
  flow.came.resize(flow.route.size() + 1);
  flow.left.resize(flow.route.size());
  if (flow.route.empty()) {
    flow.packets = 1;
    schedule(now, Kind::kArrives, {ticket, 0}, LinkId{});
  } else {
    flow.came[0] = flow.packets;
    // The link is served by an event, so that what is submitted at one instant takes turns.
    queues_[index_of(flow.route[0])].turns.push_back({ticket, 0});
    schedule(now, Kind::kLinkIdle, {}, flow.route[0]);
  }
  flows_.emplace(ticket, std::move(flow));
  return ticket;
}

Instant PacketFabric::next() const { return events_.empty() ? Instant::never() : events_.top().at; }

void PacketFabric::advance(Instant now, std::vector<Ticket>& done) {
  while (next() <= now) {
    const Event event = events_.top();
    events_.pop();
    if (event.kind == Kind::kArrives) {
      arrive(event.waiter, event.at, done);
    } else {
      serve(event.link, event.at);
    }
  }
}

std::int64_t PacketFabric::queue_peak(LinkId link) const { return queues_.at(index_of(link)).peak; }

void PacketFabric::arrive(Waiter waiter, Instant now, std::vector<Ticket>& done) {
  Flow& flow = flows_.at(waiter.ticket);
  ++flow.came[waiter.hop];
  if (waiter.hop == flow.route.size()) {
    if (flow.came[waiter.hop] < flow.packets) return;
    done.push_back(waiter.ticket);
    flows_.erase(waiter.ticket);
    return;
  }
  const LinkId link = flow.route[waiter.hop];
  Queue& queue = queues_[index_of(link)];
  queue.peak = std::max(queue.peak, ++queue.waiting);
  if (flow.came[waiter.hop] - flow.left[waiter.hop] == 1) queue.turns.push_back(waiter);
  if (!queue.busy) serve(link, now);
}

/// Called when the link is idle, or may be: a submit does not know.
void PacketFabric::serve(LinkId link, Instant now) {
  Queue& queue = queues_[index_of(link)];
  if (queue.busy && queue.idle_at > now) return;
  queue.busy = false;
  if (queue.turns.empty()) return;
  const Waiter waiter = queue.turns.front();
  queue.turns.pop_front();
  Flow& flow = flows_.at(waiter.ticket);
  const Bytes bytes = size_of(flow, flow.left[waiter.hop]);
  ++flow.left[waiter.hop];
  if (waiter.hop > 0) --queue.waiting;
  if (flow.left[waiter.hop] < flow.came[waiter.hop]) queue.turns.push_back(waiter);
  const Link& properties = topology_.links()[index_of(link)];
  queue.busy = true;
  queue.idle_at = now + properties.capacity.time_for(bytes);
  schedule(queue.idle_at, Kind::kLinkIdle, {}, link);
  schedule(queue.idle_at + properties.latency, Kind::kArrives, {waiter.ticket, waiter.hop + 1},
           link);
}

Bytes PacketFabric::size_of(const Flow& flow, std::int64_t packet) const {
  return std::min(packet_, flow.bytes - packet_ * packet);
}

void PacketFabric::schedule(Instant at, Kind kind, Waiter waiter, LinkId link) {
  events_.push({at, order_++, kind, waiter, link});
}

}  // namespace orrery
