// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/step_builder.h"

#include <algorithm>
#include <string>

#include "sim/core/errors.h"

namespace orrery {
namespace {

[[noreturn]] void refuse(const LiveRequest& live, std::int64_t step, const char* what) {
  throw PolicyError("step " + std::to_string(step) + ": request " +
                    std::to_string(index_of(live.request.id)) + ": " + what);
}

}  // namespace

LiveRequest& StepBuilder::named(Slot slot) {
  if (index_of(slot) < state_.requests.size()) return state_.requests[slot];
  throw PolicyError("step " + std::to_string(step_) + ": slot " + std::to_string(index_of(slot)) +
                    " was never one of a request");
}

StepBuilder::StepBuilder(EngineState& state, bool step_by_step)
    : state_(state), step_by_step_(step_by_step) {}

void StepBuilder::begin(Instant now, bool promise_holds) {
  now_ = now;
  step_ = state_.calls;
  budget_ = state_.options.max_num_batched_tokens;
  steady_granted_ = false;
  continuing_ = 0;
  entries_.clear();
  admitted_.clear();
  preempted_.clear();
  chunks_.clear();
  shape_ = BatchShape();
  // Whose last output is being computed and is known to be the last is not scheduled again, but
  // keeps its blocks and its place until that output is applied. (Synchronous runs have applied
  // it.)
  SteadySet& steady = state_.steady();
  while (steady.next_end().step < step_ && !steady.next_end().eos) {
    const Slot slot = steady.next_end().slot;
    steady.pop_end();
    state_.unsteady(slot);
  }
  began_with_individuals_ = !state_.individual.empty();
  ran_all_ = false;
  const std::int32_t new_blocks = steady_blocks();
  // A lane that asks anyway may still change what others were refused for.
  changes_refusals_ = !refusals_.empty() && may_change_refusals(new_blocks);
  quiet_ = promise_holds && !began_with_individuals_ && steady.size() > 0 &&
           steady.size() <= budget_ && new_blocks <= state_.pool.free() && !changes_refusals_;
  if (quiet_ && !step_by_step_) return;
  forget_refusals_of_lane();
  if (!step_by_step_) return;
  expected_ = Expectation();
  steady.add_to(expected_.steady);
  expected_.new_blocks = new_blocks;
  for (const Slot slot : state_.running) {
    const LiveRequest& live = state_.requests[slot];
    if (live.steady && live.lane == state_.lane) expected_.members.push_back(slot);
  }
}

void StepBuilder::forget_refusals_of_lane() {
  std::erase_if(refusals_, [this](const Refusal& one) { return one.lane == state_.lane; });
}

bool StepBuilder::runs(Slot slot) const {
  const LiveRequest& live = state_.requests[slot];
  const bool granted = live.steady && steady_granted_ && live.lane == state_.lane;
  return granted || live.last_planned == step_;
}

std::int32_t StepBuilder::tokens_for(const LiveRequest& live, std::int32_t most) const {
  // Its newest token has not left the pipeline.
  if (live.last_sampled > step_ - state_.options.pipeline_stages && live.last_sampled != kNoStep) {
    return 0;
  }
  // vLLM's guard: no step once the outputs in flight are sure to reach max_tokens.
  if (live.in_flight > 0 &&
      live.computed + 2 - live.in_flight >= live.request.input_tokens + live.max_output_tokens) {
    return 0;
  }
  return std::min({live.demand(), most, state_.options.max_model_len - 1 - live.computed});
}

std::int32_t StepBuilder::blocks_missing(const LiveRequest& live, std::int64_t tokens) const {
  const std::int32_t needed = blocks_for(tokens, state_.options.block_size);
  return std::max(0, needed - static_cast<std::int32_t>(live.blocks.size()));
}

std::int32_t StepBuilder::steady_blocks() const {
  const std::int32_t block_size = state_.options.block_size;
  std::int32_t needed = 0;
  const SteadySet& steady = state_.steady();
  for (const SteadySet::Due& due : steady.due()) {
    const std::int64_t computed = due.offset + steady.coming();
    if (computed % block_size != 0) continue;
    const auto held = static_cast<std::int64_t>(state_.requests[due.slot].blocks.size());
    needed += held * block_size <= computed ? 1 : 0;
  }
  return needed;
}

/// Whether running all that is steady might let in a request that was refused for its blocks.
bool StepBuilder::may_change_refusals(std::int32_t new_blocks) const {
  // Forgetting part of what a refused request hit changes what it needs.
  const bool unheld_hits = std::any_of(refusals_.begin(), refusals_.end(),
                                       [](const Refusal& one) { return one.unheld_hits; });
  if (unheld_hits && state_.pool.would_evict(new_blocks)) return true;
  if (!state_.pool.caching()) return false;
  const SteadySet& steady = state_.steady();
  const std::int32_t ahead = state_.options.async_scheduling ? 0 : 1;
  for (const SteadySet::Due& due : steady.due(ahead)) {
    if (publishes_missing(due, due.offset + steady.coming() + ahead)) return true;
  }
  return false;
}

/// Whether a steady request whose first `tokens` tokens get their keys gives one that was missed.
bool StepBuilder::publishes_missing(const SteadySet::Due& due, std::int64_t tokens) const {
  const std::int32_t block_size = state_.options.block_size;
  if (tokens % block_size != 0) return false;
  const LiveRequest& live = state_.requests[due.slot];
  auto left = static_cast<std::int32_t>(tokens / block_size) - live.published_blocks;
  for (KeyCursor keys = live.keys; left > 0;) {
    const KeyRun run = keys.next(live.request, static_cast<std::uint32_t>(left));
    left -= static_cast<std::int32_t>(run.count);
    for (const Refusal& missed : refusals_) {
      if (missed.group == run.group && missed.place - run.first < run.count) return true;
    }
  }
  return false;
}

bool StepBuilder::all_fit(std::int32_t chunk_tokens) const {
  std::int64_t tokens = state_.steady().size();
  std::int64_t blocks = steady_blocks();
  for (const Slot slot : state_.individual) {
    const LiveRequest& live = state_.requests[slot];
    std::int64_t wanted = tokens_for(live, chunk_tokens);
    if (wanted <= 0) continue;
    if (tokens + wanted > budget_) {
      if (slot != state_.running.back()) return false;
      wanted = budget_ - tokens;
      if (wanted <= 0) break;
    }
    tokens += wanted;
    blocks += blocks_missing(live, live.computed + wanted);
  }
  return tokens <= budget_ && blocks <= state_.pool.free();
}

void StepBuilder::allocate(LiveRequest& live, std::int32_t count) {
  if (count <= 0) return;
  state_.pool.allocate(count, live.blocks, now_);
  shape_.new_blocks += count;
}

void StepBuilder::publish(LiveRequest& live, std::int32_t tokens) {
  const std::int32_t before = live.published_blocks;
  state_.publish_through(live, tokens);
  shape_.hashed_blocks += live.published_blocks - before;
}

void StepBuilder::grant_steady() {
  SteadySet& steady = state_.steady();
  const std::int32_t block_size = state_.options.block_size;
  for (const SteadySet::Due& due : steady.due()) {
    const auto computed = static_cast<std::int32_t>(due.offset + steady.coming());
    if (computed % block_size != 0) continue;
    LiveRequest& live = state_.requests[due.slot];
    if (state_.options.async_scheduling) publish(live, computed);
    allocate(live, blocks_missing(live, computed + 1));
  }
  if (!state_.options.async_scheduling && state_.pool.caching()) {
    // The newest token is known already, so a block gets its key in the step that fills it.
    for (const SteadySet::Due& due : steady.due(1)) {
      const auto after = static_cast<std::int32_t>(due.offset + steady.coming() + 1);
      if (after % block_size == 0) publish(state_.requests[due.slot], after);
    }
  }
  budget_ -= steady.size();
  steady_granted_ = true;
}

void StepBuilder::run_quiet() {
  ORRERY_CHECK(quiet_);
  grant_steady();
}

bool StepBuilder::run_steady(std::int32_t chunk_tokens) {
  if (!entries_.empty() || !preempted_.empty() || steady_granted_) return false;
  ran_all_ = all_fit(chunk_tokens);
  if (step_by_step_ || !ran_all_) return false;
  grant_steady();
  for (const Slot slot : state_.individual) {
    if (budget_ <= 0) break;
    static_cast<void>(run(slot, chunk_tokens));
  }
  return true;
}

void StepBuilder::walk() {
  if (!steady_granted_) state_.dissolve_steady(state_.lane);
}

void StepBuilder::add_entry(Slot slot, std::int32_t tokens) {
  LiveRequest& live = state_.requests[slot];
  live.last_planned = step_;
  live.plan_entry = static_cast<std::int32_t>(entries_.size());
  entries_.push_back({slot, tokens, live.computed, true});
  budget_ -= tokens;
}

Grant StepBuilder::run(Slot slot, std::int32_t most) {
  walk();
  LiveRequest& live = named(slot);
  if (live.state != LiveState::kRunning) refuse(live, step_, "run() of one that is not running");
  if (runs(slot)) refuse(live, step_, "run() twice in one step");
  // Of another lane: its token is on its way.
  if (live.steady) return Grant::kNothing;
  const std::int32_t tokens = std::min(tokens_for(live, most), budget_);
  if (tokens <= 0) return Grant::kNothing;
  const std::int32_t missing = blocks_missing(live, live.computed + tokens);
  if (missing > state_.pool.free()) return Grant::kNoBlocks;
  allocate(live, missing);
  publish(live, std::min(live.computed + tokens, live.known));
  add_entry(slot, tokens);
  return Grant::kGranted;
}

void StepBuilder::preempt(Slot victim, Preemption) {
  LiveRequest& live = named(victim);
  if (live.state != LiveState::kRunning)
    refuse(live, step_, "preempt() of one that is not running");
  if (steady_granted_ && live.steady)
    refuse(live, step_, "preempt() after run_steady() granted it");
  walk();
  if (live.steady) state_.dissolve_steady(live.lane);
  if (live.last_planned == step_) {
    Entry& entry = entries_[static_cast<std::size_t>(live.plan_entry)];
    entry.alive = false;
    budget_ += entry.tokens;
    live.last_planned = kNoStep;
  }
  state_.drop_blocks(live, now_);
  live.state = LiveState::kPreempted;
  ++live.preemptions;
  state_.stop_running(victim);
  state_.waiting.put_back(victim);
  preempted_.push_back(live.request.id);
}

Admission StepBuilder::admit(Slot slot, const AdmitOptions& options) {
  LiveRequest& live = named(slot);
  if (live.state != LiveState::kWaiting && live.state != LiveState::kPreempted) {
    refuse(live, step_, "admit() of one that is not waiting");
  }
  if (static_cast<std::int32_t>(state_.running.size()) >= state_.options.max_num_seqs) {
    refuse(live, step_, "admit() beyond max_num_seqs");
  }
  if (live.in_flight > 0) return Admission::kOutputInFlight;
  BlockPool& pool = state_.pool;
  const std::int32_t block_size = state_.options.block_size;
  BlockPool::Match match;
  // At least one token is computed anew, so a prompt that is cached whole loses its last block.
  if (pool.caching()) {
    match = pool.match(live.request, (live.known - 1) / block_size, block_size, hits_);
  }
  const std::int32_t cached = match.blocks * block_size;

  std::int32_t tokens = std::min(live.known - cached, options.chunk_tokens);
  if (!options.ignore_budget) {
    if (options.whole && tokens > budget_) {
      // It will need fewer tokens once what it misses is there.
      refusals_.push_back({match.missing_group, match.missing_place, state_.lane, false});
      return Admission::kNoBudget;
    }
    tokens = std::min(tokens, budget_);
  }
  if (tokens <= 0) return Admission::kNoBudget;

  const std::int64_t kept = state_.running.empty() ? 0 : options.watermark_blocks;
  const auto fits = [&](std::int64_t wanted) {
    return blocks_for(wanted, block_size) - match.blocks + match.unheld + kept <= pool.free();
  };
  const std::int64_t holds = std::max<std::int64_t>(cached + tokens, options.reserve_tokens);
  if ((options.sequence_must_fit && !fits(std::min(live.known, state_.options.max_model_len))) ||
      !fits(holds)) {
    refusals_.push_back({match.missing_group, match.missing_place, state_.lane, match.unheld > 0});
    return Admission::kNoBlocks;
  }

  state_.waiting.remove(slot);
  const bool resumed = live.state == LiveState::kPreempted;
  live.state = LiveState::kRunning;
  live.admission = ++state_.admissions;
  state_.running.push_back(slot);
  state_.individual.push_back(slot);
  live.keys = KeyCursor(live.request, block_size);
  if (match.blocks > 0) {
    pool.hold(hits_, now_);
    live.blocks.assign(hits_.begin(), hits_.end());
    for (std::int32_t skipped = 0; skipped < match.blocks;) {
      skipped += static_cast<std::int32_t>(
          live.keys.next(live.request, static_cast<std::uint32_t>(match.blocks - skipped)).count);
    }
  }
  live.published_blocks = match.blocks;
  live.computed = cached;
  allocate(live, blocks_missing(live, holds));
  publish(live, std::min(cached + tokens, live.known));
  add_entry(slot, tokens);
  admitted_.push_back({slot, cached, resumed});
  return Admission::kAdmitted;
}

void StepBuilder::count_in_shape(const Entry& entry, bool samples) {
  if (samples) ++shape_.sampled_rows;
  if (entry.tokens == 1 && samples) {
    const std::int64_t context = entry.computed_before + 1;
    ++shape_.decodes;
    shape_.decode_context += context;
    shape_.decode_context_max = std::max(shape_.decode_context_max, context);
    shape_.decode_tiles += (context + kDecodeTileTokens - 1) / kDecodeTileTokens;
  } else {
    chunks_.push_back({entry.tokens, entry.computed_before, samples});
    shape_.prefill_tokens += entry.tokens;
  }
}

void StepBuilder::sample(Slot slot, std::vector<PendingOutput>& outputs) {
  LiveRequest& live = state_.requests[slot];
  PendingOutput::Kind kind = PendingOutput::Kind::kAfterGap;
  if (live.outputs() + live.in_flight == 0) {
    kind = PendingOutput::Kind::kFirst;
  } else if (live.last_sampled == step_ - state_.options.pipeline_stages) {
    kind = PendingOutput::Kind::kContinuing;
    ++continuing_;
  }
  outputs.push_back({slot, live.request.id, kind});
  ++live.in_flight;
  live.last_sampled = step_;
  const std::int32_t left = live.target_output_tokens - live.outputs() - live.in_flight;
  // left < 0: its EOS is in flight, unseen by the engine, and this token will be thrown away.
  if (left < 0) return;
  live.lane = state_.lane;
  state_.steady().join(slot, step_ + left * std::int64_t{state_.options.pipeline_stages});
}

const BatchShape& StepBuilder::finish(std::vector<PendingOutput>& outputs,
                                      std::string_view policy) {
  if (!steady_granted_) state_.dissolve_steady(state_.lane);
  SteadySet& steady = state_.steady();
  steady.add_to(shape_);
  continuing_ = steady.size();
  steady.advance();
  for (const Entry& entry : entries_) {
    if (!entry.alive) continue;
    LiveRequest& live = state_.requests[entry.slot];
    live.computed += entry.tokens;
    const bool samples = live.demand() == 0;
    count_in_shape(entry, samples);
    if (samples) sample(entry.slot, outputs);
  }
  std::erase_if(state_.individual, [this](Slot slot) { return state_.requests[slot].steady; });
  shape_.chunks = chunks_;
  state_.next_call();
  if (step_by_step_) compare(policy);
  return shape_;
}

void StepBuilder::compare(std::string_view policy) const {
  const auto broken = [&](const std::string& what) {
    throw PolicyError("scheduler " + std::string(policy) + ": step " + std::to_string(step_) +
                      ": " + what);
  };
  const auto name = [&](Slot slot) {
    return "request " + std::to_string(index_of(state_.requests[slot].request.id));
  };
  if (quiet_) {
    if (!admitted_.empty()) broken("promised quiet, admitted " + name(admitted_.front().slot));
    if (!preempted_.empty()) {
      broken("promised quiet, preempted request " + std::to_string(index_of(preempted_.front())));
    }
  }
  if (!quiet_ && !ran_all_) return;
  if (!preempted_.empty()) {
    broken("run_steady() would have run all, preempted request " +
           std::to_string(index_of(preempted_.front())));
  }
  BatchShape walked;
  for (const Slot slot : expected_.members) {
    const LiveRequest& live = state_.requests[slot];
    if (live.last_planned != step_) broken("left out " + name(slot) + ", a steady decode");
    const Entry& entry = entries_[static_cast<std::size_t>(live.plan_entry)];
    if (entry.tokens != 1) broken(name(slot) + " is no steady decode");
    const std::int64_t context = entry.computed_before + 1;
    ++walked.decodes;
    walked.decode_context += context;
    walked.decode_context_max = std::max(walked.decode_context_max, context);
    walked.decode_tiles += (context + kDecodeTileTokens - 1) / kDecodeTileTokens;
  }
  const BatchShape& steady = expected_.steady;
  if (walked.decodes != steady.decodes || walked.decode_context != steady.decode_context ||
      walked.decode_context_max != steady.decode_context_max ||
      walked.decode_tiles != steady.decode_tiles) {
    throw InternalError("step " + std::to_string(step_) +
                        ": the steady set's statistics differ from the walk's");
  }
  if (quiet_ && shape_.new_blocks != expected_.new_blocks) {
    throw InternalError("step " + std::to_string(step_) + ": a quiet step would have taken " +
                        std::to_string(expected_.new_blocks) + " blocks, the walk took " +
                        std::to_string(shape_.new_blocks));
  }
}

std::vector<StepBuilder::Share> StepBuilder::shares() const {
  std::vector<Share> result;
  for (const Entry& entry : entries_) {
    if (entry.alive) result.push_back({entry.slot, entry.tokens, entry.computed_before});
  }
  return result;
}

}  // namespace orrery
