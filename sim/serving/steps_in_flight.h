// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_STEPS_IN_FLIGHT_H_
#define ORRERY_SIM_SERVING_STEPS_IN_FLIGHT_H_

#include <cstdint>
#include <vector>

#include "sim/core/check.h"
#include "sim/serving/live_request.h"
#include "sim/serving/observer.h"

namespace orrery {

/// An output that a step computes for a request that was scheduled one by one. Steady members'
/// outputs are not listed: there is one of each in every step of their lane.
struct PendingOutput {
  enum class Kind : std::uint8_t { kFirst, kContinuing, kAfterGap };
  Slot slot;
  RequestId request;
  Kind kind;
};

/// A step that was scheduled and whose output has not been applied.
struct Flight {
  StepRecord record;
  std::vector<PendingOutput> outputs;
  /// Of a pipeline: when each stage works on it.
  std::vector<StageWork> stages;
  std::int32_t output_count = 0;
  std::int32_t lane = 0;
  bool empty = true;
};

/// The steps in flight, a ring in the order of their numbers, which follow one another.
class StepsInFlight {
 public:
  explicit StepsInFlight(std::int32_t depth)
      : depth_(static_cast<std::size_t>(depth)), ring_(depth_) {}

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == depth_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The number of the oldest; of the coming one if there is none.
  [[nodiscard]] std::int64_t oldest_number() const { return oldest_number_; }
  /// Whether a step that was scheduled is among them.
  [[nodiscard]] bool contains(std::int64_t number) const { return number >= oldest_number_; }

  /// The coming step's, with what its place held before.
  [[nodiscard]] Flight& push() {
    ORRERY_DCHECK(!full());
    return ring_[place(size_++)];
  }
  [[nodiscard]] Flight& oldest() { return ring_[first_]; }
  /// What comes back is whole until the next push().
  Flight& pop() {
    ORRERY_DCHECK(!empty());
    Flight& flight = ring_[first_];
    first_ = place(1);
    --size_;
    ++oldest_number_;
    return flight;
  }
  [[nodiscard]] Flight& at(std::int64_t number) {
    ORRERY_DCHECK(contains(number));
    return ring_[place(static_cast<std::size_t>(number - oldest_number_))];
  }

 private:
  [[nodiscard]] std::size_t place(std::size_t after_first) const {
    const std::size_t index = first_ + after_first;
    return index < depth_ ? index : index - depth_;
  }

  std::size_t depth_;
  std::vector<Flight> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::int64_t oldest_number_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_STEPS_IN_FLIGHT_H_
