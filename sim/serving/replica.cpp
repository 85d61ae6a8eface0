// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/replica.h"

#include <algorithm>
#include <utility>

namespace orrery {

Replica::Replica(ReplicaSetup setup, Simulation& simulation, Fingerprint& fingerprint,
                 ServingObserver& observer)
    : id_(setup.id),
      state_(setup.engine, setup.scheduler->queue_order(), std::move(setup.eviction)),
      frontend_(setup.frontend),
      scheduler_name_(std::move(setup.scheduler_name)),
      scheduler_(std::move(setup.scheduler)),
      cost_(std::move(setup.cost)),
      view_(state_),
      builder_(state_, setup.step_by_step),
      simulation_(simulation),
      fingerprint_(fingerprint),
      observer_(observer),
      component_(
          simulation.add(*this, Turn::kControl, "replica" + std::to_string(index_of(setup.id)))),
      step_by_step_(setup.step_by_step),
      wants_events_(observer.wants_events()),
      max_idle_turns_(setup.idle_turns),
      max_steps_(setup.max_steps),
      max_fruitless_preemptions_(setup.max_fruitless_preemptions),
      pipeline_(state_.lanes.size() == 1 ? nullptr
                                         : std::make_unique<Pipeline>(state_.lanes.size())),
      promised_until_(state_.lanes.size(), kNoStep) {}

Replica::~Replica() = default;

void Replica::submit(const Request& request, Instant now) {
  ++outstanding_;
  const Instant queued = frontend_.accept(now, request.input_tokens);
  coming_.push_back({queued, request, now});
  const bool asleep = state_.flights.empty() && !has_requests();
  if (asleep && coming_.size() == 1) simulation_.wake(component_, queued);
  if (!dormant_ || gave_up_) return;
  // The engine's turns go on, a pause apart; the first that can see the request reads it.
  const std::int64_t pause = state_.options.idle_sleep.count();
  const std::int64_t late = (queued - next_turn_).count();
  if (late > 0) next_turn_ = next_turn_ + Duration((late + pause - 1) / pause * pause);
  dormant_ = false;
  simulation_.wake(component_, std::max(next_turn_, now));
}

/// Moves on to `when` without an alarm if nobody else is due before; else sets the alarm.
bool Replica::go_on(Instant& now, Instant when) {
  if (simulation_.run_ahead(component_, when)) {
    now = when;
    return true;
  }
  simulation_.wake(component_, when);
  return false;
}

void Replica::on_alarm(Instant now) {
  for (;;) {
    if (awaiting_) {
      awaiting_ = false;
      apply(now);
      if (idle_turn_ && has_requests()) {
        const Instant next = now + state_.options.idle_sleep;
        if (recorder_ != nullptr) {
          recorder_->on_pause(state_.calls - 1, state_.options.idle_sleep);
        }
        if (idle_turns_ >= max_idle_turns_ && coming_.empty()) return fall_dormant(next);
        if (!go_on(now, next)) return;
      }
    }
    read_input(now);
    if (!has_requests() && state_.flights.empty()) {
      if (coming_.empty()) return;
      if (!go_on(now, coming_.front().when)) return;
      continue;
    }
    Instant clock = now;
    bool idle = true;
    if (has_requests()) {
      if (state_.calls >= max_steps_ || gave_up_) return;
      const Flight& flight = schedule(now);
      idle = flight.empty;
      clock = now + flight.record.host_time;
      if (!state_.flights.full() && (!idle || has_requests())) {
        if (idle) {
          if (recorder_ != nullptr) {
            recorder_->on_pause(flight.record.number, state_.options.idle_sleep);
          }
          clock = clock + state_.options.idle_sleep;
        }
        if (!go_on(now, clock)) return;
        continue;
      }
    }
    idle_turn_ = idle;
    awaiting_ = true;
    if (!go_on(now, std::max(clock, state_.flights.oldest().record.device_end))) return;
  }
}

void Replica::fall_dormant(Instant next_turn) {
  dormant_ = true;
  next_turn_ = next_turn;
}

void Replica::read_input(Instant now) {
  while (!coming_.empty() && coming_.front().when <= now) {
    Coming& coming = coming_.front();
    const Request& request = coming.request;
    if (request.input_tokens >= state_.options.max_model_len) {
      refuse(coming,
             "the prompt has " + std::to_string(request.input_tokens) +
                 " tokens and max_model_len is " + std::to_string(state_.options.max_model_len),
             now);
      coming_.pop_front();
      continue;
    }
    const Slot slot = state_.enter(request, coming.sent, coming.when);
    const auto reason = scheduler_->refuse(view_.request(slot), view_);
    if (reason) {
      state_.leave(slot);
      refuse(coming, *reason, now);
      coming_.pop_front();
      continue;
    }
    state_.waiting.push_back(slot);
    if (wants_events_) observer_.on_queued(id_, request.id, coming.when);
    coming_.pop_front();
    forget_promises();
    count_idle_turns_anew();
  }
}

void Replica::refuse(Coming& coming, const std::string& reason, Instant now) {
  RequestRecord record;
  record.id = coming.request.id;
  record.replica = id_;
  record.status = RequestStatus::kRejected;
  record.input_tokens = coming.request.input_tokens;
  record.sent = coming.sent;
  record.queued = coming.when;
  record.first_scheduled = record.first_token = record.last_token = Instant::never();
  record.client_first_token = record.client_last_token = Instant::never();
  fingerprint_.add(Fact::kRejected, index_of(record.id), now);
  --outstanding_;
  observer_.on_leave(record, reason);
  if (listener_ != nullptr) listener_->on_done(coming.request, 0, now);
}

void Replica::forget_promises() {
  std::fill(promised_until_.begin(), promised_until_.end(), kNoStep);
}

void Replica::plan(Instant now) {
  const std::int64_t call = state_.calls;
  std::int64_t& promised_until = promised_until_[static_cast<std::size_t>(state_.lane)];
  builder_.begin(now, call <= promised_until);
  if (builder_.quiet() && !step_by_step_) {
    builder_.run_quiet();
    ++counters_.quiet_steps;
    return;
  }
  const std::int64_t quiet_calls = scheduler_->plan(view_, builder_).quiet_steps();
  if (builder_.quiet()) return;
  // Only a step that ran steady decodes and nothing else is one that can be repeated unasked. A
  // promise is one for the lane: another may have more of the budget left.
  const bool eventful = builder_.eventful();
  if (eventful || builder_.changes_refusals()) forget_promises();
  if (!eventful) promised_until = quiet_calls > INT64_MAX - call ? INT64_MAX : call + quiet_calls;
}

Flight& Replica::schedule(Instant now) {
  unflushed_ = false;
  const std::int32_t lane = state_.lane;
  plan(now);
  Flight& flight = state_.flights.push();
  flight.lane = lane;
  flight.outputs.clear();
  const BatchShape& shape = builder_.finish(flight.outputs, scheduler_name_);
  record_step(flight, now, shape);
  if (flight.record.preempted > 0) watch_progress(flight.record.preempted);
  tell_schedule(now);
  if (recorder_ != nullptr) {
    recorder_->on_schedule({flight.record.number, now, state_, builder_});
    recorder_->on_run(flight.record.number, flight.record.device_start, flight.record.device_end);
  }
  return flight;
}

void Replica::run_on_pipeline(Flight& flight, Instant ready) {
  StepRecord& record = flight.record;
  // Else the tokens come by way of the scheduler, with the step.
  const bool takes_tokens = state_.options.async_scheduling && record.continuing_tokens > 0;
  pipeline_->run(ready, flight.lane, takes_tokens, flight.stages);
  record.device_start = flight.stages.front().start;
  record.device_end = flight.stages.back().end;
  record.stages = flight.stages;
}

void Replica::record_step(Flight& flight, Instant now, const BatchShape& shape) {
  StepRecord& record = flight.record;
  flight.empty = shape.tokens() == 0;
  StepCost cost;
  if (flight.empty) {
    ++counters_.empty_steps;
    ++idle_turns_;
    // A call that only preempts has changed what the next one finds.
    if (builder_.preempted()) count_idle_turns_anew();
    if (pipeline_ != nullptr) std::ranges::fill(pipeline_->costs(), StageCost());
  } else {
    if (pipeline_ == nullptr) {
      cost = cost_->cost(shape);
    } else {
      cost = cost_->cost_of_stages(shape, pipeline_->costs());
    }
    ++counters_.steps;
    count_idle_turns_anew();
  }
  record.replica = id_;
  record.number = state_.calls - 1;
  record.scheduled = now;
  record.device_start = std::max(now + cost.host, device_free_);
  record.device_end = record.device_start + cost.device;
  device_free_ = record.device_end;
  record.prefill_tokens = shape.prefill_tokens;
  record.decodes = shape.decodes;
  record.prefill_chunks = static_cast<std::int32_t>(shape.chunks.size());
  record.new_blocks = shape.new_blocks;
  record.preempted = static_cast<std::int32_t>(builder_.preempted_requests().size());
  record.admitted = static_cast<std::int32_t>(builder_.admitted().size());
  record.running = static_cast<std::int32_t>(state_.running.size());
  record.waiting = static_cast<std::int32_t>(state_.waiting.size());
  record.free_blocks = state_.pool.free();
  record.usable_blocks = state_.pool.size();
  record.device_time = cost.device;
  record.host_time = cost.host;
  record.extrapolated_share = cost.extrapolated_share;
  record.continuing_tokens = builder_.continuing_outputs();
  if (pipeline_ != nullptr) run_on_pipeline(flight, now + cost.host);
  flight.output_count = shape.sampled_rows;
  if (!flight.empty) {
    fingerprint_.add(Fact::kBatch,
                     static_cast<std::uint64_t>(shape.tokens()) << 20 ^
                         static_cast<std::uint64_t>(shape.decodes),
                     record.device_end);
  }
}

void Replica::watch_progress(std::int64_t preempted) {
  fruitless_preemptions_ += preempted;
  gave_up_ = fruitless_preemptions_ / (1 + outstanding_) >= max_fruitless_preemptions_;
}

void Replica::tell_schedule(Instant now) {
  for (const StepBuilder::Admitted& admitted : builder_.admitted()) {
    LiveRequest& live = state_.requests[admitted.slot];
    if (!admitted.resumed) {
      live.first_scheduled = now;
      live.cached_tokens = admitted.cached_tokens;
    }
    fingerprint_.add(Fact::kAdmitted, index_of(live.request.id), now);
    if (wants_events_) observer_.on_admitted(id_, live.request.id, now, admitted.cached_tokens);
  }
  for (const RequestId request : builder_.preempted_requests()) {
    fingerprint_.add(Fact::kPreempted, index_of(request), now);
    if (wants_events_) observer_.on_preempted(id_, request, now);
  }
}

void Replica::apply(Instant now) {
  Flight& flight = state_.flights.pop();
  Lane& lane = state_.lanes[static_cast<std::size_t>(flight.lane)];
  StepRecord& record = flight.record;
  const Instant visible = frontend_.deliver(now, flight.output_count);
  record.applied = now;
  record.visible = visible;
  record.engine_gap = now - lane.last_applied;
  record.client_gap = visible - lane.last_visible;

  if (flight.output_count > 0) fruitless_preemptions_ = 0;
  finished_.clear();
  finished_ids_.clear();
  for (const PendingOutput& output : flight.outputs) apply_output(output, now, visible);
  SteadySet& steady = lane.steady;
  while (steady.next_end().step <= record.number) {
    finished_.push_back(steady.next_end().slot);
    steady.pop_end();
  }
  if (finished_.size() > 1) {
    std::sort(finished_.begin(), finished_.end(), [this](Slot a, Slot b) {
      return state_.requests[a].admission < state_.requests[b].admission;
    });
  }
  for (const Slot slot : finished_) {
    if (recorder_ != nullptr) finished_ids_.push_back(state_.requests[slot].request.id);
    finish(slot, now, visible);
  }
  lane.last_applied = now;
  lane.last_visible = visible;
  if (!flight.empty) observer_.on_step(record);
  if (recorder_ != nullptr) recorder_->on_apply(record.number, now, finished_ids_);
}

void Replica::apply_output(const PendingOutput& output, Instant now, Instant visible) {
  LiveRequest& live = state_.requests[output.slot];
  // Its end was found while this step ran: the token is thrown away.
  if (live.state == LiveState::kFree || live.request.id != output.request) return;
  if (output.kind == PendingOutput::Kind::kFirst) {
    tell_first_token(live, now, visible);
  } else if (output.kind == PendingOutput::Kind::kAfterGap) {
    observer_.on_gap(now - live.last_token, visible - live.client_last_token);
  }
  live.last_token = now;
  live.client_last_token = visible;
  if (live.steady) return;
  ++live.known;
  --live.in_flight;
  if (live.state == LiveState::kPreempted) forget_promises();
  if (live.outputs() >= live.target_output_tokens) {
    finished_.push_back(output.slot);
  } else if (state_.options.async_scheduling && live.state == LiveState::kRunning) {
    state_.publish_through(live, live.computed - live.in_flight);
  }
}

void Replica::tell_first_token(LiveRequest& live, Instant now, Instant visible) {
  live.first_token = now;
  live.client_first_token = visible;
  fingerprint_.add(Fact::kFirstToken, index_of(live.request.id), now);
  if (wants_events_) observer_.on_first_token(id_, live.request.id, now);
}

void Replica::finish(Slot slot, Instant now, Instant visible) {
  LiveRequest& live = state_.requests[slot];
  if (!live.ends_foreseen) throw_away_token_in_flight(live);
  if (live.steady) {
    state_.lane_of(live).steady.leave(slot);
    live.known = live.request.input_tokens + live.target_output_tokens;
  }
  if (live.state == LiveState::kRunning) {
    // The last token is never computed, so a block that only it would fill gets no key.
    state_.publish_through(live, live.known - 1);
    state_.drop_blocks(live, now);
    state_.stop_running(slot);
  } else {
    state_.waiting.remove(slot);
  }
  forget_promises();
  unflushed_ = true;
  live.last_token = now;
  live.client_last_token = visible;
  const bool eos = live.target_output_tokens < live.max_output_tokens;
  if (live.target_output_tokens < live.request.output_tokens &&
      live.request.input_tokens + live.target_output_tokens >= state_.options.max_model_len) {
    ++counters_.cut_requests;
  }
  fingerprint_.add(Fact::kFinished, index_of(live.request.id), now);
  leave(slot, eos ? RequestStatus::kFinishedEos : RequestStatus::kFinishedLength, {});
  if (listener_ != nullptr) listener_->on_done(live.request, live.target_output_tokens, visible);
}

/// A step in flight computes a token after the EOS that was just seen; no client ever sees it.
void Replica::throw_away_token_in_flight(const LiveRequest& live) {
  const std::int64_t newest = state_.last_sampled(live);
  if (!state_.flights.contains(newest)) return;
  Flight& flight = state_.flights.at(newest);
  --flight.output_count;
  --flight.record.continuing_tokens;
}

void Replica::leave(Slot slot, RequestStatus status, const std::string& reason) {
  const LiveRequest& live = state_.requests[slot];
  RequestRecord record;
  record.id = live.request.id;
  record.replica = id_;
  record.status = status;
  record.input_tokens = live.request.input_tokens;
  record.output_tokens = live.outputs();
  record.cached_tokens = live.cached_tokens;
  record.preemptions = live.preemptions;
  record.sent = live.sent;
  record.client_first_token = live.client_first_token;
  record.client_last_token = live.client_last_token;
  record.queued = live.queued;
  record.first_scheduled = live.first_scheduled;
  record.first_token = live.first_token;
  record.last_token = live.last_token;
  --outstanding_;
  observer_.on_leave(record, reason);
  state_.leave(slot);
}

/// How many outputs of a steady request have been applied: it has had one in every step of its lane
/// since the one that made it steady, and steps in flight do not count.
std::int32_t Replica::applied_outputs(const LiveRequest& live) const {
  std::int64_t newest_applied = state_.newest_call(live.lane);
  while (state_.flights.contains(newest_applied)) newest_applied -= state_.options.pipeline_stages;
  const std::int64_t since = (newest_applied - live.last_planned) / state_.options.pipeline_stages;
  if (since < -1) return live.outputs();
  return live.outputs() + live.in_flight + static_cast<std::int32_t>(since);
}

std::string Replica::why_unfinished() const {
  const std::string blocks = std::to_string(state_.pool.free()) + " of " +
                             std::to_string(state_.pool.size()) + " KV blocks are free";
  if (gave_up_) {
    return "the engine goes round in circles: " + std::to_string(fruitless_preemptions_) +
           " preemptions and no token between them; " + blocks;
  }
  if (stalled()) return "the scheduler gives nothing to those who wait: " + blocks;
  return "the run ended first";
}

void Replica::close() {
  const std::string reason = why_unfinished();
  for (std::uint32_t i = 0; i < state_.requests.size(); ++i) {
    LiveRequest& live = state_.requests[Slot{i}];
    if (live.state == LiveState::kFree) continue;
    if (live.steady) {
      const std::int32_t outputs = applied_outputs(live);
      if (outputs > live.outputs()) {
        live.last_token = state_.lane_of(live).last_applied;
        live.client_last_token = state_.lane_of(live).last_visible;
      }
      live.known = live.request.input_tokens + outputs;
    }
    leave(Slot{i}, RequestStatus::kUnfinished, reason);
  }
  for (const Coming& coming : coming_) {
    const Slot slot = state_.enter(coming.request, coming.sent, coming.when);
    leave(slot, RequestStatus::kUnfinished, reason);
  }
  coming_.clear();
}

}  // namespace orrery
