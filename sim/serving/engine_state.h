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
#include "sim/serving/waiting_queue.h"

namespace orrery {

/// An output that a step computes for a request that was scheduled one by one. Steady members'
/// outputs are not listed: there is one of each in every step.
struct PendingOutput {
  enum class Kind : std::uint8_t { kFirst, kContinuing, kAfterGap };
  Slot slot;
  RequestId request;
  Kind kind;
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
  /// A member of the steady set (or all of them) is handled one by one from now on. Called between
  /// schedule() calls or at the beginning of one; an output in flight is listed.
  void unsteady(Slot slot);
  void dissolve_steady();
  /// Values of a running request in the coming schedule() call, steady or not.
  [[nodiscard]] std::int32_t computed(const LiveRequest& live) const {
    return live.steady ? steady.computed(live) : live.computed;
  }
  [[nodiscard]] std::int32_t known(const LiveRequest& live) const {
    return live.steady ? steady.computed(live) + (options.async_scheduling ? 0 : 1) : live.known;
  }

  const EngineOptions options;
  IdVector<Slot, LiveRequest> requests;
  BlockPool pool;
  SteadySet steady;
  WaitingQueue waiting;
  std::vector<Slot> running;     // in order of admission
  std::vector<Slot> individual;  // running and not steady, in order of admission
  std::int64_t admissions = 0;
  /// When the newest applied step's outputs came, in the engine and at the clients.
  Instant last_applied;
  Instant last_visible;
  /// The outputs of the step scheduled last, while it has not been applied.
  std::vector<PendingOutput>* newest_outputs = nullptr;

 private:
  void write_back(Slot slot);
  void erase_in_order(std::vector<Slot>& slots, Slot slot) const;

  std::vector<Slot> free_slots_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_ENGINE_STATE_H_
