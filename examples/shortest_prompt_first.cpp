// SPDX-License-Identifier: Apache-2.0
#include "sim/app/app.h"
#include "sim/serving/step_builder.h"

namespace {

using namespace orrery;

/// Runs what runs; then admits the shortest waiting prompts, except that nobody waits for ever.
class ShortestPromptFirst final : public Scheduler {
 public:
  struct Options {
    std::int64_t patience = 1000;
    void describe(Describer& d) {
      d.field("patience", patience, Range::positive(),
              "Of two prompts, which difference in tokens "
              "outweighs one place in the line.");
    }
  };
  explicit ShortestPromptFirst(const Options& options) : options_(options) {}

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    if (!step.run_steady()) run_in_order(replica, step);
    while (!step.preempted() && step.budget_left() > 0 && !replica.waiting().empty() &&
           static_cast<int>(replica.running().size()) < replica.options().max_num_seqs) {
      if (step.admit(best(replica), {.sequence_must_fit = true}) != Admission::kAdmitted) break;
    }
    return Promise::until_something_changes();
  }

 private:
  static void run_in_order(const ReplicaView& replica, StepBuilder& step) {
    for (std::size_t i = 0; i < replica.running().size() && step.budget_left() > 0; ++i) {
      const Slot request = replica.running()[i];
      while (step.run(request) == Grant::kNoBlocks) {  // its KV blocks do not fit
        const Slot victim = replica.running().back();
        step.preempt(victim, Preemption::kRecompute);
        if (victim == request) return;
      }
    }
  }

  [[nodiscard]] Slot best(const ReplicaView& replica) const {
    Slot chosen{};
    std::int64_t least = INT64_MAX;
    std::int64_t place = 0;
    for (const Slot slot : replica.waiting().all()) {
      const std::int64_t cost = replica.request(slot).prompt_tokens + options_.patience * place++;
      if (cost < least) least = cost, chosen = slot;
    }
    return chosen;
  }

  Options options_;
};

}  // namespace

int main(int argc, char** argv) {
  Policies policies = builtin();
  policies.schedulers.add<ShortestPromptFirst>("shortest-prompt-first", "Shortest prompts first.");
  return orrery::main(argc, argv, policies);
}
