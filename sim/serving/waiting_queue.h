// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_WAITING_QUEUE_H_
#define ORRERY_SIM_SERVING_WAITING_QUEUE_H_

#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include "sim/serving/live_request.h"

namespace orrery {

/// In what order requests wait: as they came, where preempted ones go back to the head; as they
/// came, where preempted ones go to the end of the line; or by (priority, arrival, id), where a
/// preempted request takes its old place.
enum class QueueOrder : std::uint8_t { kFcfs, kPriority, kPreemptedLast };

class WaitingQueue {
 public:
  WaitingQueue(QueueOrder order, const IdVector<Slot, LiveRequest>& requests)
      : order_(order), requests_(requests) {}

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const {
    return order_ != QueueOrder::kPriority ? line_.size() : ranked_.size();
  }
  [[nodiscard]] Slot front() const {
    return order_ != QueueOrder::kPriority ? line_.front() : std::get<3>(*ranked_.begin());
  }
  void push_back(Slot slot) {
    if (order_ != QueueOrder::kPriority) {
      line_.push_back(slot);
    } else {
      ranked_.insert(rank(slot));
    }
  }
  /// Puts a preempted request back.
  void put_back(Slot slot) {
    if (order_ == QueueOrder::kFcfs) {
      line_.push_front(slot);
    } else if (order_ == QueueOrder::kPreemptedLast) {
      line_.push_back(slot);
    } else {
      ranked_.insert(rank(slot));
    }
  }
  void remove(Slot slot) {
    if (order_ == QueueOrder::kPriority) {
      ranked_.erase(rank(slot));
    } else if (line_.front() == slot) {
      line_.pop_front();
    } else {
      std::erase(line_, slot);
    }
  }
  /// All that wait, in their order: for policies that look past the head.
  [[nodiscard]] std::vector<Slot> all() const {
    if (order_ != QueueOrder::kPriority) return {line_.begin(), line_.end()};
    std::vector<Slot> slots;
    for (const Rank& waiting : ranked_) slots.push_back(std::get<3>(waiting));
    return slots;
  }

 private:
  using Rank = std::tuple<std::int32_t, Instant, RequestId, Slot>;
  [[nodiscard]] Rank rank(Slot slot) const {
    const LiveRequest& live = requests_[slot];
    return {live.request.priority, live.queued, live.request.id, slot};
  }

  QueueOrder order_;
  const IdVector<Slot, LiveRequest>& requests_;
  std::deque<Slot> line_;
  std::set<Rank> ranked_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_WAITING_QUEUE_H_
