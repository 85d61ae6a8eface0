// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_STEADY_SET_H_
#define ORRERY_SIM_SERVING_STEADY_SET_H_

#include <cstdint>
#include <span>
#include <vector>

#include "sim/serving/cost_model.h"
#include "sim/serving/live_request.h"

namespace orrery {

/// The requests that decode one token in every step of a lane: in every step, unless a pipeline has
/// more lanes than one. Nothing of theirs is written in a step: what they have computed is the
/// lane's round, the number of its schedule() calls, plus a constant. They stand in a ring by that
/// constant, so that the few that come to a block's or a tile's edge are found without looking at
/// the rest, and in a heap by the step that gives them their last token.
///
/// Between two calls everything here speaks of the lane's coming call, whose round is coming().
class SteadySet {
 public:
  SteadySet(IdVector<Slot, LiveRequest>& requests, std::int32_t block_tokens);

  /// `computed` of the request is what the coming call will find. `last_step` gives its last token.
  void join(Slot slot, std::int64_t last_step);
  /// Writes `computed` back. Its end stays in the heap unless it was popped: only requests whose
  /// end was popped leave one by one.
  void leave(Slot slot);
  /// Writes every member's `computed` back and empties the set.
  void dissolve();

  [[nodiscard]] std::int32_t size() const { return size_; }
  [[nodiscard]] std::int64_t coming() const { return coming_; }
  [[nodiscard]] std::int32_t computed(const LiveRequest& live) const {
    return static_cast<std::int32_t>(live.steady_offset + coming_);
  }

  /// A member that may be at an edge: its `computed` in the call is a multiple of the period.
  struct Due {
    Slot slot;
    std::int64_t offset;
  };
  /// Those due in the coming call (ahead = 0) or in the one after it (ahead = 1).
  [[nodiscard]] std::span<const Due> due(std::int64_t ahead = 0) const {
    return ring_[static_cast<std::size_t>((coming_ + ahead) % period_)];
  }

  /// The members' share of the coming call's batch.
  void add_to(BatchShape& shape) const;
  /// The coming call has scheduled all members and is over.
  void advance();

  struct End {
    std::int64_t step = INT64_MAX;
    bool eos = false;
    std::int64_t admission = 0;
    Slot slot = kNoSlot;
  };
  /// Whose last token comes first; within a step foreseen ends come before EOS, then the running
  /// order. Its slot is kNoSlot if the set is empty.
  [[nodiscard]] const End& next_end() const { return ends_.front(); }
  void pop_end();

 private:
  IdVector<Slot, LiveRequest>& requests_;
  std::int64_t period_;
  std::vector<std::vector<Due>> ring_;
  std::vector<End> ends_;  // a heap; the last to leave is a sentinel
  std::int64_t coming_ = 0;
  std::int32_t size_ = 0;
  std::int64_t context_ = 0;          // sum of computed + 1
  std::int64_t tiles_ = 0;            // sum of ceil((computed + 1) / kDecodeTileTokens)
  std::int64_t longest_ = INT64_MIN;  // largest offset
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_STEADY_SET_H_
