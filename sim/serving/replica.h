// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_REPLICA_H_
#define ORRERY_SIM_SERVING_REPLICA_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/engine/fingerprint.h"
#include "sim/engine/simulation.h"
#include "sim/serving/cost_model.h"
#include "sim/serving/engine_state.h"
#include "sim/serving/frontend.h"
#include "sim/serving/observer.h"
#include "sim/serving/pipeline.h"
#include "sim/serving/scheduler.h"
#include "sim/serving/step_builder.h"

namespace orrery {

/// Told when a client has its last token, or the word that its request was refused.
class ClientListener {
 public:
  virtual ~ClientListener() = default;
  virtual void on_done(const Request& request, std::int32_t generated, Instant client_time) = 0;
};

/// Told of every schedule() call and every applied step in full, as the golden recordings have
/// them. Costs time; only tests use it.
class ScheduleRecorder {
 public:
  struct Call {
    std::int64_t number;
    Instant scheduled;
    const EngineState& state;
    const StepBuilder& step;
  };
  virtual ~ScheduleRecorder() = default;
  virtual void on_schedule(const Call& call) = 0;
  virtual void on_run(std::int64_t number, Instant start, Instant end) = 0;
  /// `finished` in the order in which their ends were found.
  virtual void on_apply(std::int64_t number, Instant now, std::span<const RequestId> finished) = 0;
  virtual void on_pause(std::int64_t number, Duration pause) = 0;
};

struct ReplicaSetup {
  ReplicaId id{};
  EngineOptions engine;
  FrontendOptions frontend;
  std::string scheduler_name;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<EvictionPolicy> eviction;
  std::shared_ptr<const CostModel> cost;
  /// Turns every skip off and checks at each step that the skip would have given the same.
  bool step_by_step = false;
  /// Turns in a row that schedule nothing while nothing can change, before the replica stops
  /// asking.
  std::int32_t idle_turns = 2;
  /// schedule() calls after which the replica stops; for recordings of engines that never end.
  std::int64_t max_steps = INT64_MAX;
  /// Preemptions without a token in between, for each request it has (and a hundred at least),
  /// after which the replica gives up: an engine whose KV cache is too small can go round for ever.
  std::int64_t max_fruitless_preemptions = 100;
};

/// One engine and its API process. Its loop is vLLM's (v1/engine/core.py, step and
/// step_with_batch_queue): read the input, schedule, wait for the oldest step in flight, apply its
/// output. With async scheduling two steps are in flight, so what arrives while step N runs is
/// first scheduled in step N+2. A pipeline has as many steps in flight as stages, and one more with
/// async scheduling: each stage works on them in their order, and on one at a time.
class Replica final : public Component {
 public:
  Replica(ReplicaSetup setup, Simulation& simulation, Fingerprint& fingerprint,
          ServingObserver& observer);
  ~Replica() override;

  /// The listener must outlive the run.
  void set_listener(ClientListener* listener) { listener_ = listener; }
  void set_recorder(ScheduleRecorder* recorder) { recorder_ = recorder; }

  /// A client's request reaches the API process.
  void submit(const Request& request, Instant now);
  void on_alarm(Instant now) override;
  /// The run is over: who is still here is told to the observer as unfinished.
  void close();

  /// Requests sent and not yet done, for routers.
  [[nodiscard]] std::int64_t outstanding() const { return outstanding_; }
  /// For routers and for checkers from outside.
  [[nodiscard]] const EngineState& state() const { return state_; }
  /// Nothing is in flight and the scheduler gives nothing to those who wait: it would spin for
  /// ever.
  [[nodiscard]] bool stalled() const { return (dormant_ || gave_up_) && has_requests(); }

  struct Counters {
    std::int64_t steps = 0;        // schedule() calls that scheduled something
    std::int64_t quiet_steps = 0;  // of those, the ones that asked nobody
    std::int64_t empty_steps = 0;
    std::int64_t cut_requests = 0;  // ended by max_model_len before their trace's end
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const Frontend& frontend() const { return frontend_; }

 private:
  struct Coming {
    Instant when;
    Request request;
    Instant sent;
  };

  [[nodiscard]] bool has_requests() const {
    return unflushed_ || !state_.running.empty() || !state_.waiting.empty();
  }
  [[nodiscard]] bool go_on(Instant& now, Instant when);
  /// Something has changed: until a step scheduled now is through the pipeline, turns may be idle.
  void count_idle_turns_anew() { idle_turns_ = 1 - state_.options.pipeline_stages; }
  void read_input(Instant now);
  void refuse(Coming& coming, const std::string& reason, Instant now);
  [[nodiscard]] Flight& schedule(Instant now);
  void plan(Instant now);
  void forget_promises();
  void record_step(Flight& flight, Instant now, const BatchShape& shape);
  void run_on_pipeline(Flight& flight, Instant ready);
  void tell_schedule(Instant now);
  void apply(Instant now);
  void apply_output(const PendingOutput& output, Instant now, Instant visible);
  void tell_first_token(LiveRequest& live, Instant now, Instant visible);
  void finish(Slot slot, Instant now, Instant visible);
  void throw_away_token_in_flight(const LiveRequest& live);
  void leave(Slot slot, RequestStatus status, const std::string& reason);
  void fall_dormant(Instant next_turn);
  void watch_progress(std::int64_t preempted);
  [[nodiscard]] std::int32_t applied_outputs(const LiveRequest& live) const;
  [[nodiscard]] std::string why_unfinished() const;

  ReplicaId id_;
  EngineState state_;
  Frontend frontend_;
  std::string scheduler_name_;
  std::unique_ptr<Scheduler> scheduler_;
  std::shared_ptr<const CostModel> cost_;
  ReplicaView view_;
  StepBuilder builder_;
  Simulation& simulation_;
  Fingerprint& fingerprint_;
  ServingObserver& observer_;
  ClientListener* listener_ = nullptr;
  ScheduleRecorder* recorder_ = nullptr;
  ComponentId component_;
  bool step_by_step_;
  bool wants_events_;
  std::int32_t max_idle_turns_;
  std::int64_t max_steps_;
  std::int64_t max_fruitless_preemptions_;

  std::deque<Coming> coming_;  // accepted by the frontend, not yet read by the engine
  Instant device_free_;
  std::unique_ptr<Pipeline> pipeline_;  // none: one stage
  std::vector<Slot> finished_;
  std::vector<RequestId> finished_ids_;

  bool awaiting_ = false;   // the next alarm brings the oldest flight's output
  bool idle_turn_ = false;  // this turn's schedule() gave nothing
  bool unflushed_ = false;  // an end was found and no schedule() call has followed
  bool dormant_ = false;
  bool gave_up_ = false;
  std::int64_t fruitless_preemptions_ = 0;
  Instant next_turn_;  // while dormant: the turns would fall on this and every pause after
  std::int32_t idle_turns_ = 0;  // in a row; below 0 while a step in flight may still bring work
  std::vector<std::int64_t> promised_until_;  // by lane: the last call for which a promise holds
  std::int64_t outstanding_ = 0;
  Counters counters_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_REPLICA_H_
