// SPDX-License-Identifier: Apache-2.0
//
// The port of schedulers. The mechanism owns memory, queues and time; a scheduler decides, by
// writing into a StepBuilder that checks it, and promises when it need not be asked again.
#ifndef ORRERY_SIM_SERVING_SCHEDULER_H_
#define ORRERY_SIM_SERVING_SCHEDULER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/registry.h"
#include "sim/serving/engine_options.h"
#include "sim/serving/live_request.h"
#include "sim/serving/waiting_queue.h"

namespace orrery {

class EngineState;
class StepBuilder;

/// When a scheduler need not be asked. While its promise holds, a step runs every steady decode and
/// nothing else. A policy is correct before it is fast: ask_each_step() is always true.
class Promise {
 public:
  static Promise ask_each_step() { return Promise(0); }
  /// Until a request arrives, finishes, is preempted, ends its prompt or is short of blocks, or
  /// what a request that was refused for its blocks has in the prefix cache may change. Given fewer
  /// free blocks and otherwise the same, the scheduler would again run all steady decodes and admit
  /// nobody.
  static Promise until_something_changes() { return Promise(INT64_MAX); }
  /// The same, but for at most this many steps after this one.
  static Promise steps(std::int64_t n) { return Promise(n); }

  [[nodiscard]] std::int64_t quiet_steps() const { return quiet_steps_; }

 private:
  explicit Promise(std::int64_t quiet_steps) : quiet_steps_(quiet_steps) {}
  std::int64_t quiet_steps_;
};

/// What an engine may know of a request: never how long its output will be.
struct RequestView {
  RequestId id{};
  std::int32_t priority = 0;
  Instant arrival;
  std::int32_t prompt_tokens = 0;
  /// Prompt and the outputs that have arrived.
  std::int32_t known_tokens = 0;
  std::int32_t computed_tokens = 0;
  /// The most it may generate: its max_tokens, or what max_model_len leaves.
  std::int32_t max_output_tokens = 0;
  std::int32_t preemptions = 0;
};

/// A replica as its scheduler sees it.
class ReplicaView {
 public:
  explicit ReplicaView(const EngineState& state) : state_(state) {}

  /// In order of admission. A live view: it changes under StepBuilder's calls.
  [[nodiscard]] const std::vector<Slot>& running() const;
  [[nodiscard]] const WaitingQueue& waiting() const;
  [[nodiscard]] RequestView request(Slot slot) const;
  [[nodiscard]] const EngineOptions& options() const;
  [[nodiscard]] std::int64_t free_blocks() const;
  [[nodiscard]] std::int64_t total_blocks() const;

 private:
  const EngineState& state_;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// Decides one step.
  [[nodiscard]] virtual Promise plan(const ReplicaView& replica, StepBuilder& step) = 0;

  [[nodiscard]] virtual QueueOrder queue_order() const { return QueueOrder::kFcfs; }
  /// Why a request can never be served, told when it comes; empty if it can.
  [[nodiscard]] virtual std::optional<std::string> refuse(const RequestView& request,
                                                          const ReplicaView& replica) const {
    static_cast<void>(request), static_cast<void>(replica);
    return {};
  }
};

using SchedulerRegistry = Registry<Scheduler>;

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_SCHEDULER_H_
