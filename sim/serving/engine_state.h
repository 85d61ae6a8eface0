// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_ENGINE_STATE_H_
#define ORRERY_SIM_SERVING_ENGINE_STATE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/kv/block_pool.h"
#include "sim/serving/engine_options.h"
#include "sim/serving/live_request.h"
#include "sim/serving/steady_set.h"
#include "sim/serving/steps_in_flight.h"
#include "sim/serving/waiting_queue.h"

namespace orrery {

/// The schedule() calls that are a pipeline's number of stages apart: a request that decodes in one
/// of them does in the others. Without a pipeline there is one lane, of all calls.
struct Lane {
  SteadySet steady;
  /// When the newest applied step's outputs came, in the engine and at the clients.
  Instant last_applied;
  Instant last_visible;
};

/// The state of one replica's engine, and the moves on it that keep it whole. The step builder and
/// the replica's loop are the only ones that move it.
class EngineState {
 public:
  EngineState(const EngineOptions& options, QueueOrder order,
              std::unique_ptr<EvictionPolicy> eviction);

  /// A free slot holding `request`, not yet waiting.
  Slot enter(const Request& request, Instant sent, Instant queued);
  /// The slot is free again.
  void leave(Slot slot);

  /// Gives keys to the blocks that lie wholly within the first `tokens` tokens.
  void publish_through(LiveRequest& live, std::int32_t tokens);
  /// Frees the request's blocks and forgets what it had computed.
  void drop_blocks(LiveRequest& live, Instant now);
  /// Takes the request out of running (and individual).
  void stop_running(Slot slot);
  /// A member of a lane's steady set (or all of them) is handled one by one from now on. Called
  /// between schedule() calls or in one that has not granted them; an output in flight is listed.
  void unsteady(Slot slot);
  void dissolve_steady(std::int32_t lane);
  /// The coming schedule() call has ended.
  void next_call() {
    ++calls;
    if (options.pipeline_stages == 1) return;
    if (++lane == options.pipeline_stages) lane = 0;
    steady_ = &lanes[static_cast<std::size_t>(lane)].steady;
  }

  /// That of the coming call.
  [[nodiscard]] SteadySet& steady() { return *steady_; }
  [[nodiscard]] Lane& lane_of(const LiveRequest& live) {
    return lanes[static_cast<std::size_t>(live.lane)];
  }
  [[nodiscard]] const Lane& lane_of(const LiveRequest& live) const {
    return lanes[static_cast<std::size_t>(live.lane)];
  }
  /// A lane's last call before the coming one.
  [[nodiscard]] std::int64_t newest_call(std::int32_t of_lane) const {
    const std::int32_t since = lane - of_lane;
    return calls - (since > 0 ? since : since + options.pipeline_stages);
  }
  /// The call that computed the newest output of a request.
  [[nodiscard]] std::int64_t last_sampled(const LiveRequest& live) const {
    return live.steady ? newest_call(live.lane) : live.last_sampled;
  }
  /// Values of a running request in its coming schedule() call, steady or not.
  [[nodiscard]] std::int32_t computed(const LiveRequest& live) const {
    return live.steady ? lane_of(live).steady.computed(live) : live.computed;
  }
  [[nodiscard]] std::int32_t known(const LiveRequest& live) const {
    if (!live.steady) return live.known;
    return computed(live) + (flights.contains(newest_call(live.lane)) ? 0 : 1);
  }

  const EngineOptions options;
  IdVector<Slot, LiveRequest> requests;
  BlockPool pool;
  std::vector<Lane> lanes;
  WaitingQueue waiting;
  StepsInFlight flights;
  std::vector<Slot> running;     // in order of admission
  std::vector<Slot> individual;  // running and not steady, in order of admission
  std::int64_t admissions = 0;
  /// The number of the coming schedule() call, and its lane.
  std::int64_t calls = 0;
  std::int32_t lane = 0;

 private:
  void write_back(Slot slot);
  void erase_in_order(std::vector<Slot>& slots, Slot slot) const;

  SteadySet* steady_ = nullptr;
  std::vector<Slot> free_slots_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_ENGINE_STATE_H_
