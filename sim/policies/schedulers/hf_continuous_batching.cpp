// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "sim/policies/builtin.h"
#include "sim/serving/step_builder.h"

namespace orrery {
namespace {

enum class MarginCheck : std::uint8_t { kEachRequest, kEachStep };
constexpr std::array<std::string_view, 2> kMarginCheckNames = {"each_request", "each_step"};
enum class Victim : std::uint8_t { kNewest, kOldestThenNewest };
constexpr std::array<std::string_view, 2> kVictimNames = {"newest", "oldest_then_newest"};

/// Hugging Face transformers' continuous batching, its FIFO scheduler
/// (src/transformers/generation/continuous_batching/scheduler.py and offloading_manager.py,
/// versions 5.x of 2026): running decodes first, then running prompts, then waiting ones in their
/// order, cut by the token budget. Who finds no blocks is passed over, not waited for. With few
/// blocks free nobody but decodes joins a step that has somebody. Only a step in which nobody
/// could run takes a request out: it goes to the end of the line to be computed anew ("soft
/// reset"), and until a request finishes nobody waiting is let in.
///
/// Left out: the budget of cache reads, which binds only where blocks are shared; CPU offloading;
/// and blocks that versions before sector pools took one too early for prompts that end a block.
class HfContinuousBatching final : public Scheduler {
 public:
  struct Options {
    double safety_margin = 0.15;
    MarginCheck margin_check = MarginCheck::kEachRequest;
    Victim offload_victim = Victim::kNewest;

    void describe(Describer& d) {
      d.field("safety_margin", safety_margin, Range::between(0, 1),
              "Share of all blocks under which prompts join only a step that is empty.");
      d.choice_of("margin_check", margin_check, kMarginCheckNames,
                  "Free blocks are looked at before each request (to 5.17) or once a step.");
      d.choice_of("offload_victim", offload_victim, kVictimNames,
                  "Who is taken out when nobody can run; the oldest only while nobody was yet.");
    }
  };

  explicit HfContinuousBatching(const Options& options) : options_(options) {}

  [[nodiscard]] QueueOrder queue_order() const override { return QueueOrder::kPreemptedLast; }

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    // Nobody is admitted while blocked, so a shorter running list means that someone finished.
    if (blocked_ && replica.running().size() < running_when_blocked_) blocked_ = false;
    Turn turn{.margin = options_.safety_margin * static_cast<double>(replica.total_blocks())};
    turn.inside_at_start = inside(replica, turn);
    const bool all = margin_cannot_bind(replica, turn) && step.run_steady();
    if (all) {
      turn.scheduled = !replica.running().empty();
    } else {
      run_those(replica, step, turn, /*decoding=*/true);
      run_those(replica, step, turn, /*decoding=*/false);
    }
    if (!blocked_ && !turn.over) admit(replica, step, turn);
    if (!turn.starved) return Promise::until_something_changes();
    if (!turn.scheduled) take_one_out(replica, step);
    return Promise::ask_each_step();
  }

  /// The real engine takes such a request and stops with an error once its cache is full.
  [[nodiscard]] std::optional<std::string> refuse(const RequestView& request,
                                                  const ReplicaView& replica) const override {
    // The last token is sampled but never computed.
    const std::int64_t most =
        static_cast<std::int64_t>(request.prompt_tokens) + request.max_output_tokens - 1;
    const std::int64_t needed = blocks_for(most, replica.options().block_size);
    if (needed <= replica.total_blocks()) return {};
    return "its prompt and max_tokens need " + std::to_string(needed) +
           " KV blocks and there are " + std::to_string(replica.total_blocks());
  }

 private:
  struct Turn {
    double margin = 0;
    bool inside_at_start = true;
    /// Someone runs in this step.
    bool scheduled = false;
    /// Someone running found no blocks, or someone waiting while nobody runs.
    bool starved = false;
    /// No more candidates are looked at.
    bool over = false;
  };

  [[nodiscard]] static bool inside(const ReplicaView& replica, const Turn& turn) {
    return static_cast<double>(replica.free_blocks()) >= turn.margin;
  }

  [[nodiscard]] bool joins(const ReplicaView& replica, const Turn& turn) const {
    if (!turn.scheduled) return true;
    return options_.margin_check == MarginCheck::kEachStep ? turn.inside_at_start
                                                           : inside(replica, turn);
  }

  /// Whether the margin is kept whatever the running requests take in this step: a block for each,
  /// and those that the token budget fills.
  [[nodiscard]] static bool margin_cannot_bind(const ReplicaView& replica, const Turn& turn) {
    const EngineOptions& engine = replica.options();
    const std::int64_t most = static_cast<std::int64_t>(replica.running().size()) +
                              blocks_for(engine.max_num_batched_tokens, engine.block_size);
    return static_cast<double>(replica.free_blocks() - most) >= turn.margin;
  }

  [[nodiscard]] static bool decodes(const RequestView& request) {
    return request.computed_tokens >= request.prompt_tokens &&
           request.computed_tokens + 1 >= request.known_tokens;
  }

  void run_those(const ReplicaView& replica, StepBuilder& step, Turn& turn, bool decoding) const {
    for (const Slot request : replica.running()) {
      turn.over = turn.over || step.budget_left() <= 0;
      if (turn.over) return;
      if (decodes(replica.request(request)) != decoding) continue;
      if (!decoding && !joins(replica, turn)) {
        turn.over = true;
        return;
      }
      const Grant grant = step.run(request);
      turn.scheduled = turn.scheduled || grant == Grant::kGranted;
      turn.starved = turn.starved || grant == Grant::kNoBlocks;
    }
  }

  void admit(const ReplicaView& replica, StepBuilder& step, Turn& turn) const {
    // The head usually gets in; only who is passed over makes us look at the others.
    while (!replica.waiting().empty() && may_admit(replica, step, turn)) {
      if (!admit_one(replica.waiting().front(), step, turn)) break;
    }
    if (replica.waiting().size() < 2) return;
    const std::vector<Slot> waiting = replica.waiting().all();
    for (std::size_t i = 1; i < waiting.size() && may_admit(replica, step, turn); ++i) {
      static_cast<void>(admit_one(waiting[i], step, turn));
    }
  }

  [[nodiscard]] bool may_admit(const ReplicaView& replica, const StepBuilder& step,
                               const Turn& turn) const {
    return step.budget_left() > 0 && joins(replica, turn) &&
           replica.running().size() < static_cast<std::size_t>(replica.options().max_num_seqs);
  }

  [[nodiscard]] static bool admit_one(Slot request, StepBuilder& step, Turn& turn) {
    const Admission admission = step.admit(request);
    const bool admitted = admission == Admission::kAdmitted;
    // Whoever waits for blocks while others run is asked again when theirs change.
    if (admission == Admission::kNoBlocks && !turn.scheduled) turn.starved = true;
    turn.scheduled = turn.scheduled || admitted;
    return admitted;
  }

  void take_one_out(const ReplicaView& replica, StepBuilder& step) {
    if (replica.running().size() < 2) return;
    const bool oldest = options_.offload_victim == Victim::kOldestThenNewest && !blocked_;
    step.preempt(oldest ? replica.running().front() : replica.running().back(),
                 Preemption::kRecompute);
    blocked_ = true;
    running_when_blocked_ = replica.running().size();
  }

  Options options_;
  bool blocked_ = false;
  std::size_t running_when_blocked_ = 0;
};

}  // namespace

void add_hf_continuous_batching(SchedulerRegistry& registry) {
  registry.add<HfContinuousBatching>(
      "hf-continuous-batching",
      "transformers' FIFO batching: decodes first, a margin of free blocks, soft resets.");
}

}  // namespace orrery
