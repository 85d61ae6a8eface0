// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_STEP_BUILDER_H_
#define ORRERY_SIM_SERVING_STEP_BUILDER_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "sim/serving/cost_model.h"
#include "sim/serving/engine_state.h"

namespace orrery {

/// How a preempted request gets its KV back.
enum class Preemption : std::uint8_t {
  /// Its blocks are freed; the prompt and all it generated are computed again (vLLM V1's only way).
  kRecompute,
};

/// What came of asking for a running request's tokens.
enum class Grant : std::uint8_t {
  kGranted,
  /// It has nothing to compute in this step.
  kNothing,
  /// Its KV blocks do not fit; nothing has changed.
  kNoBlocks,
};

/// What came of asking to admit a waiting request. Unless admitted, nothing has changed.
enum class Admission : std::uint8_t {
  kAdmitted,
  kNoBlocks,
  kNoBudget,
  /// It was preempted while a pipeline's step computed its token, which has yet to come: now it
  /// would compute that one twice. Those behind it in the line may be asked for.
  kOutputInFlight,
};

struct AdmitOptions {
  /// At most this many tokens in this step.
  std::int32_t chunk_tokens = std::numeric_limits<std::int32_t>::max();
  /// All its tokens in this step, or not at all.
  bool whole = false;
  /// The token budget does not bind it.
  bool ignore_budget = false;
  /// Blocks for all its known tokens must be free now, not just for its chunk. Nothing is reserved.
  bool sequence_must_fit = false;
  /// Blocks to keep free if anything is running.
  std::int64_t watermark_blocks = 0;
  /// Takes blocks for at least so many tokens at once.
  std::int64_t reserve_tokens = 0;
};

/// Where a scheduler writes its step. Each call is carried out at once and checked: what the
/// mechanism forbids throws PolicyError.
class StepBuilder {
 public:
  StepBuilder(EngineState& state, bool step_by_step);

  static constexpr std::int32_t kNoLimit = std::numeric_limits<std::int32_t>::max();

  // ---- for schedulers

  /// Runs everything that is running, if that needs no decision: every request gets all it can
  /// compute (chunks at most `chunk_tokens`), except that the last of the running list may be cut
  /// by the budget; and every block is there. Otherwise nothing changes and false comes back: then
  /// walk the running list. Costs what changes, not what runs.
  [[nodiscard]] bool run_steady(std::int32_t chunk_tokens = kNoLimit);
  /// Gives a running request as much as it can compute, at most `most` tokens and the budget left.
  [[nodiscard]] Grant run(Slot slot, std::int32_t most = kNoLimit);
  /// Takes a running request out; what it was given in this step returns to the budget.
  void preempt(Slot victim, Preemption how);
  [[nodiscard]] Admission admit(Slot slot, const AdmitOptions& options = {});

  [[nodiscard]] std::int32_t budget_left() const { return budget_; }
  [[nodiscard]] bool preempted() const { return !preempted_.empty(); }
  /// Whether a running request was given tokens in this step.
  [[nodiscard]] bool runs(Slot slot) const;

  // ---- for the replica

  struct Admitted {
    Slot slot;
    std::int32_t cached_tokens;
    bool resumed;
  };

  /// Begins the coming schedule() call. `promise_holds`: the scheduler need not be asked, as far as
  /// the replica knows.
  void begin(Instant now, bool promise_holds);
  /// The scheduler need not be asked: its promise holds, all that runs is steady, and blocks are
  /// there.
  [[nodiscard]] bool quiet() const { return quiet_; }
  /// A quiet step: everything steady runs, nobody is asked.
  void run_quiet();
  /// Ends the call: what was given is computed, who samples becomes steady. `outputs` gets the
  /// outputs to be applied one by one. The shape's spans live until the next begin(). With
  /// step_by_step, throws PolicyError naming `policy` if a skip would have done otherwise.
  [[nodiscard]] const BatchShape& finish(std::vector<PendingOutput>& outputs,
                                         std::string_view policy);
  [[nodiscard]] std::span<const Admitted> admitted() const { return admitted_; }
  [[nodiscard]] std::span<const RequestId> preempted_requests() const { return preempted_; }
  /// Outputs of this step whose request had one in the step before.
  [[nodiscard]] std::int32_t continuing_outputs() const { return continuing_; }
  /// Something in this step was more than steady decodes, or might have been.
  [[nodiscard]] bool eventful() const {
    return began_with_individuals_ || !ran_all_ || !admitted_.empty() || !preempted_.empty();
  }
  /// What this step gave keys to, or took, may let in whom a call of any lane refused.
  [[nodiscard]] bool changes_refusals() const { return changes_refusals_; }

  /// One request's share of the step, for recordings.
  struct Share {
    Slot slot;
    std::int32_t tokens;
    std::int32_t computed_before;
  };
  /// What the step gave one by one, in order. With step_by_step that is all of it.
  [[nodiscard]] std::vector<Share> shares() const;

 private:
  struct Entry {
    Slot slot;
    std::int32_t tokens;
    std::int32_t computed_before;
    bool alive;
  };
  /// What skips would have done, to be held against what was done.
  struct Expectation {
    BatchShape steady;
    std::int32_t new_blocks = 0;
    std::vector<Slot> members;
  };

  /// The request a scheduler named; PolicyError if there never was one there.
  [[nodiscard]] LiveRequest& named(Slot slot);
  [[nodiscard]] std::int32_t tokens_for(const LiveRequest& live, std::int32_t most) const;
  [[nodiscard]] std::int32_t blocks_missing(const LiveRequest& live, std::int64_t tokens) const;
  [[nodiscard]] std::int32_t steady_blocks() const;
  [[nodiscard]] bool all_fit(std::int32_t chunk_tokens) const;
  [[nodiscard]] bool may_change_refusals(std::int32_t new_blocks) const;
  void forget_refusals_of_lane();
  [[nodiscard]] bool publishes_missing(const SteadySet::Due& due, std::int64_t tokens) const;
  void grant_steady();
  void add_entry(Slot slot, std::int32_t tokens);
  void allocate(LiveRequest& live, std::int32_t count);
  void publish(LiveRequest& live, std::int32_t tokens);
  void walk();
  void count_in_shape(const Entry& entry, bool samples);
  void sample(Slot slot, std::vector<PendingOutput>& outputs);
  void compare(std::string_view policy) const;

  EngineState& state_;
  const bool step_by_step_;
  Instant now_;
  std::int64_t step_ = 0;
  std::int32_t budget_ = 0;
  bool steady_granted_ = false;
  bool began_with_individuals_ = false;
  bool quiet_ = false;
  bool ran_all_ = false;  // run_steady() ran everything, or would have with skips on
  bool changes_refusals_ = false;
  std::int32_t continuing_ = 0;
  std::vector<Entry> entries_;
  std::vector<Admitted> admitted_;
  std::vector<RequestId> preempted_;
  std::vector<PrefillChunk> chunks_;
  std::vector<BlockId> hits_;
  /// What the requests that found no blocks missed first in the prefix cache, in the newest call of
  /// each lane that asked: until that is there, or what they hit is forgotten, they need the same
  /// again.
  struct Refusal {
    std::uint64_t group;
    std::uint32_t place;
    std::int32_t lane;
    bool unheld_hits;
  };
  std::vector<Refusal> refusals_;
  BatchShape shape_;
  Expectation expected_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_STEP_BUILDER_H_
