// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/waiting_queue.h"

#include <doctest/doctest.h>

#include <vector>

namespace orrery {
namespace {

class Room {
 public:
  Slot add(std::uint32_t id, std::int32_t priority, std::int64_t queued_us) {
    LiveRequest live;
    live.request.id = RequestId{id};
    live.request.priority = priority;
    live.queued = Instant::at(microseconds(queued_us));
    return requests.push_back(live);
  }
  IdVector<Slot, LiveRequest> requests;
};

using Line = std::vector<Slot>;

TEST_CASE("first come, first served; the preempted go back to the head, the last one first") {
  Room room;
  WaitingQueue queue(QueueOrder::kFcfs, room.requests);
  CHECK(queue.empty());
  const Slot a = room.add(0, 9, 0);
  const Slot b = room.add(1, 0, 0);
  const Slot c = room.add(2, 0, 0);
  queue.push_back(a);
  queue.push_back(b);
  queue.push_back(c);
  CHECK(queue.all() == Line{a, b, c});  // priority says nothing here
  queue.remove(a);
  queue.remove(b);
  CHECK(queue.front() == c);
  // Both run; b is preempted, then a.
  queue.put_back(b);
  queue.put_back(a);
  CHECK(queue.all() == Line{a, b, c});
  CHECK(queue.size() == 3);
  // One that ends while it waits leaves from the middle.
  queue.remove(b);
  CHECK(queue.all() == Line{a, c});
}

TEST_CASE("first come, first served; the preempted go to the end of the line") {
  Room room;
  WaitingQueue queue(QueueOrder::kPreemptedLast, room.requests);
  const Slot a = room.add(0, 9, 0);
  const Slot b = room.add(1, 0, 0);
  const Slot c = room.add(2, 0, 0);
  for (const Slot slot : {a, b, c}) queue.push_back(slot);
  CHECK(queue.all() == Line{a, b, c});  // priority says nothing here
  queue.remove(a);
  queue.put_back(a);
  CHECK(queue.all() == Line{b, c, a});
  CHECK(queue.front() == b);
  CHECK(queue.size() == 3);
}

TEST_CASE("by priority, then arrival, then id; the preempted take their old places") {
  Room room;
  WaitingQueue queue(QueueOrder::kPriority, room.requests);
  const Slot late = room.add(0, 1, 500);
  const Slot early = room.add(3, 1, 100);
  const Slot twin = room.add(1, 1, 100);
  const Slot urgent = room.add(4, 0, 900);
  const Slot never_mind = room.add(2, 7, 0);
  for (const Slot slot : {late, early, twin, urgent, never_mind}) queue.push_back(slot);
  CHECK(queue.all() == Line{urgent, twin, early, late, never_mind});
  CHECK(queue.front() == urgent);
  queue.remove(urgent);
  queue.remove(early);
  CHECK(queue.all() == Line{twin, late, never_mind});
  queue.put_back(early);
  CHECK(queue.all() == Line{twin, early, late, never_mind});
}

}  // namespace
}  // namespace orrery
