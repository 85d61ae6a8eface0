// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/engine_state.h"

#include <algorithm>
#include <utility>

#include "sim/serving/scheduler.h"

namespace orrery {

EngineState::EngineState(const EngineOptions& engine_options, QueueOrder order,
                         std::unique_ptr<EvictionPolicy> eviction)
    : options(engine_options),
      pool({.blocks = engine_options.usable_blocks,
            .prefix_caching = engine_options.enable_prefix_caching,
            .partial_blocks_first = engine_options.partial_blocks_first},
           std::move(eviction)),
      waiting(order, requests),
      flights(engine_options.steps_in_flight()) {
  for (std::int32_t i = 0; i < options.pipeline_stages; ++i) {
    lanes.push_back({SteadySet(requests, options.block_size), Instant(), Instant()});
  }
  steady_ = &lanes.front().steady;
}

Slot EngineState::enter(const Request& request, Instant sent, Instant queued) {
  Slot slot{};
  if (free_slots_.empty()) {
    slot = requests.push_back({});
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  LiveRequest& live = requests[slot];
  // What is reused are the vectors, so that a run in balance allocates nothing.
  std::vector<BlockId> blocks = std::move(live.blocks);
  Request copy = std::move(live.request);
  live = LiveRequest();
  live.blocks = std::move(blocks);
  live.blocks.clear();
  copy = request;
  live.request = std::move(copy);

  live.state = LiveState::kWaiting;
  live.sent = sent;
  live.queued = queued;
  live.known = request.input_tokens;
  const std::int32_t room = options.max_model_len - request.input_tokens;
  live.max_output_tokens = request.max_tokens > 0 ? std::min(request.max_tokens, room) : room;
  live.target_output_tokens = std::min(request.output_tokens, live.max_output_tokens);
  live.ends_foreseen = live.target_output_tokens == live.max_output_tokens;
  const auto most = static_cast<std::int64_t>(request.input_tokens) + live.target_output_tokens;
  live.blocks.reserve(static_cast<std::size_t>(blocks_for(most + 1, options.block_size)));
  return slot;
}

void EngineState::leave(Slot slot) {
  requests[slot].state = LiveState::kFree;
  free_slots_.push_back(slot);
}

void EngineState::publish_through(LiveRequest& live, std::int32_t tokens) {
  if (!pool.caching()) return;
  const std::int32_t full = tokens / options.block_size;
  if (full <= live.published_blocks) return;
  pool.publish(live.request, live.keys, live.blocks.data() + live.published_blocks,
               full - live.published_blocks);
  live.published_blocks = full;
}

void EngineState::drop_blocks(LiveRequest& live, Instant now) {
  pool.release(live.blocks, now);
  live.blocks.clear();
  live.published_blocks = 0;
  live.computed = 0;
}

void EngineState::erase_in_order(std::vector<Slot>& slots, Slot slot) const {
  const auto found = std::lower_bound(
      slots.begin(), slots.end(), requests[slot].admission,
      [this](Slot a, std::int64_t admission) { return requests[a].admission < admission; });
  if (found != slots.end() && *found == slot) slots.erase(found);
}

void EngineState::stop_running(Slot slot) {
  erase_in_order(running, slot);
  erase_in_order(individual, slot);
}

void EngineState::write_back(Slot slot) {
  LiveRequest& live = requests[slot];
  const Lane& own = lane_of(live);
  const std::int64_t newest = newest_call(live.lane);
  const bool in_flight = flights.contains(newest);
  live.in_flight = in_flight ? 1 : 0;
  live.known = own.steady.computed(live) + 1 - live.in_flight;
  live.last_sampled = newest;
  // Whoever became steady in the newest call is listed there already, and told its time one by one.
  if (in_flight && live.last_planned == newest) return;
  live.last_token = own.last_applied;
  live.client_last_token = own.last_visible;
  if (!in_flight) return;
  flights.at(newest).outputs.push_back({slot, live.request.id, PendingOutput::Kind::kContinuing});
}

void EngineState::unsteady(Slot slot) {
  write_back(slot);
  lane_of(requests[slot]).steady.leave(slot);
  const auto place = std::upper_bound(
      individual.begin(), individual.end(), requests[slot].admission,
      [this](std::int64_t admission, Slot a) { return admission < requests[a].admission; });
  individual.insert(place, slot);
}

void EngineState::dissolve_steady(std::int32_t of_lane) {
  SteadySet& members = lanes[static_cast<std::size_t>(of_lane)].steady;
  if (members.size() == 0) return;
  for (const Slot slot : running) {
    const LiveRequest& live = requests[slot];
    if (live.steady && live.lane == of_lane) write_back(slot);
  }
  members.dissolve();
  individual.clear();
  for (const Slot slot : running) {
    if (!requests[slot].steady) individual.push_back(slot);
  }
}

const std::vector<Slot>& ReplicaView::running() const { return state_.running; }
const WaitingQueue& ReplicaView::waiting() const { return state_.waiting; }
const EngineOptions& ReplicaView::options() const { return state_.options; }
std::int64_t ReplicaView::free_blocks() const { return state_.pool.free(); }
std::int64_t ReplicaView::total_blocks() const { return state_.pool.size(); }

RequestView ReplicaView::request(Slot slot) const {
  const LiveRequest& live = state_.requests[slot];
  return {live.request.id,           live.request.priority, live.queued,
          live.request.input_tokens, state_.known(live),    state_.computed(live),
          live.max_output_tokens,    live.preemptions};
}

}  // namespace orrery
