// SPDX-License-Identifier: Apache-2.0
#include "tests/property/block_checker.h"

namespace orrery::property {
namespace {

std::string named(RequestId request) { return "request " + std::to_string(index_of(request)); }
std::string named(BlockId block) { return "block " + std::to_string(index_of(block)); }

}  // namespace

void WatchedEviction::release(std::span<const BlockId> tail_first, Instant now) {
  for (const BlockId block : tail_first) {
    failures_.expect(released_[block] == 0, named(block) + " was released twice");
    released_[block] = 1;
  }
  policy_->release(tail_first, now);
}

void WatchedEviction::retain(std::span<const BlockId> blocks) {
  for (const BlockId block : blocks) {
    failures_.expect(released_[block] != 0,
                     named(block) + " was retained, but not released before");
    released_[block] = 0;
  }
  policy_->retain(blocks);
}

void WatchedEviction::on_hit(std::span<const BlockId> blocks, Instant now) {
  for (const BlockId block : blocks) {
    failures_.expect(released_[block] == 0, named(block) + " was hit while released");
  }
  policy_->on_hit(blocks, now);
}

BlockId WatchedEviction::evict(Instant now) {
  const BlockId block = policy_->evict(now);
  failures_.expect(released_[block] != 0, named(block) + " was evicted while held");
  released_[block] = 0;
  evicted_.push_back(block);
  return block;
}

bool BlockChecker::same_text(const Owner& owner, RequestId request, std::int32_t index) const {
  return owner.index == index && texts_.name(owner.request, index) == texts_.name(request, index);
}

void BlockChecker::forget_evicted() {
  if (evictions_ == nullptr) return;
  for (const BlockId block : evictions_->take_evicted()) owners_[index_of(block)].known = false;
}

void BlockChecker::check_hits(const EngineState& state, const StepBuilder::Admitted& admitted) {
  const LiveRequest& live = state.requests[admitted.slot];
  if (live.state != LiveState::kRunning) return;
  const RequestId request = live.request.id;
  failures_.expect(admitted.cached_tokens % block_size_ == 0,
                   named(request) + " hit part of a block");
  for (std::int32_t i = 0; i * block_size_ < admitted.cached_tokens; ++i) {
    const BlockId block = live.blocks[static_cast<std::size_t>(i)];
    const Owner& owner = owners_[index_of(block)];
    if (!owner.known) continue;
    ++compared_hits_;
    failures_.expect(same_text(owner, request, i),
                     named(request) + " hit " + named(block) + " at place " + std::to_string(i) +
                         ", which holds place " + std::to_string(owner.index) + " of " +
                         named(owner.request));
  }
}

void BlockChecker::note_owners(const EngineState& state, const LiveRequest& live,
                               std::size_t from) {
  static_cast<void>(state);
  for (std::size_t i = from; i < live.blocks.size(); ++i) {
    Owner& owner = owners_[index_of(live.blocks[i])];
    // What it holds was noted when it came into this table; only a new block changes hands.
    if (owner.known && owner.index == static_cast<std::int32_t>(i) &&
        same_text(owner, live.request.id, owner.index)) {
      continue;
    }
    owner = {true, live.request.id, static_cast<std::int32_t>(i)};
  }
}

/// A request that was served and then preempted in one call may have given keys to blocks that no
/// table shows any more: whose they are cannot be seen from outside.
void BlockChecker::note_given_back(const EngineState& state, const StepBuilder& step) {
  if (step.preempted_requests().empty()) return;
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    const BlockId block{static_cast<std::uint32_t>(i)};
    if (state.pool.holders(block) == 0 && state.pool.cached(block) && !was_cached_[i]) {
      owners_[i].known = false;
    }
  }
}

void BlockChecker::check_conservation(const EngineState& state) {
  const auto blocks = static_cast<std::size_t>(state.pool.size());
  counted_.assign(blocks, 0);
  seen_.assign(blocks, Owner());
  for (std::uint32_t s = 0; s < state.requests.size(); ++s) {
    const LiveRequest& live = state.requests[Slot{s}];
    if (live.state == LiveState::kFree) continue;
    const RequestId request = live.request.id;
    failures_.expect(live.state == LiveState::kRunning || live.blocks.empty(),
                     named(request) + " waits and holds blocks");
    const std::int64_t room = static_cast<std::int64_t>(live.blocks.size()) * block_size_;
    if (live.state == LiveState::kRunning && !live.steady) {
      failures_.expect(room >= live.computed,
                       named(request) + " computed more than it has room for");
    }
    for (std::size_t i = 0; i < live.blocks.size(); ++i) {
      const std::size_t block = index_of(live.blocks[i]);
      if (++counted_[block] > 1) {
        failures_.expect(same_text(seen_[block], request, static_cast<std::int32_t>(i)),
                         named(live.blocks[i]) + " is shared by " + named(request) + " and " +
                             named(seen_[block].request) + ", whose texts differ");
      }
      seen_[block] = {true, request, static_cast<std::int32_t>(i)};
    }
  }
  std::int64_t free = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    const BlockId block{static_cast<std::uint32_t>(i)};
    failures_.expect(state.pool.holders(block) == counted_[i],
                     named(block) + " stands in " + std::to_string(counted_[i]) +
                         " tables and has " + std::to_string(state.pool.holders(block)) +
                         " holders");
    free += counted_[i] == 0 ? 1 : 0;
  }
  failures_.expect(free == state.pool.free(), std::to_string(free) + " blocks are in no table, " +
                                                  std::to_string(state.pool.free()) +
                                                  " are said to be free");
}

void BlockChecker::after_schedule(const ScheduleRecorder::Call& call) {
  const EngineState& state = call.state;
  owners_.resize(static_cast<std::size_t>(state.pool.size()));
  was_cached_.resize(owners_.size());
  forget_evicted();
  note_given_back(state, call.step);
  // Whoever was admitted holds hits first and new blocks behind them.
  for (const Slot slot : state.running) {
    std::size_t from = 0;
    for (const StepBuilder::Admitted& admitted : call.step.admitted()) {
      if (admitted.slot == slot)
        from = static_cast<std::size_t>(admitted.cached_tokens / block_size_);
    }
    note_owners(state, state.requests[slot], from);
  }
  for (const StepBuilder::Admitted& admitted : call.step.admitted()) check_hits(state, admitted);
  check_conservation(state);
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    was_cached_[i] = state.pool.cached(BlockId{static_cast<std::uint32_t>(i)});
  }
}

void BlockChecker::after_apply(const EngineState& state) {
  if (owners_.empty()) return;
  check_conservation(state);
  for (std::size_t i = 0; i < owners_.size(); ++i) {
    was_cached_[i] = state.pool.cached(BlockId{static_cast<std::uint32_t>(i)});
  }
}

}  // namespace orrery::property
