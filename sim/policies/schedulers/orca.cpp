// SPDX-License-Identifier: Apache-2.0
#include "sim/policies/builtin.h"
#include "sim/serving/step_builder.h"

namespace orrery {
namespace {

/// Orca (Yu et al., OSDI 2022, Algorithm 1): iteration-level scheduling with whole prompts, and
/// memory for prompt and max_tokens reserved on admission, so that nothing is ever preempted. Its
/// batch is bound by max_num_seqs alone.
class Orca final : public Scheduler {
 public:
  using Options = NoOptions;
  explicit Orca(const Options&) {}

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    if (!step.run_steady()) {
      for (const Slot request : replica.running()) {
        // Reserved blocks cannot be short; only a batch larger than the token budget stops here.
        if (step.budget_left() > 0) static_cast<void>(step.run(request));
      }
    }
    const auto max_num_seqs = static_cast<std::size_t>(replica.options().max_num_seqs);
    while (!replica.waiting().empty() && replica.running().size() < max_num_seqs) {
      const Slot head = replica.waiting().front();
      const AdmitOptions options{.whole = true,
                                 .ignore_budget = true,
                                 .reserve_tokens = most_tokens(replica.request(head))};
      if (step.admit(head, options) != Admission::kAdmitted) break;
    }
    return Promise::until_something_changes();
  }

  [[nodiscard]] std::optional<std::string> refuse(const RequestView& request,
                                                  const ReplicaView& replica) const override {
    const std::int64_t needed = blocks_for(most_tokens(request), replica.options().block_size);
    if (needed <= replica.total_blocks()) return {};
    return "its prompt and max_tokens reserve " + std::to_string(needed) +
           " KV blocks and there are " + std::to_string(replica.total_blocks());
  }

 private:
  [[nodiscard]] static std::int64_t most_tokens(const RequestView& request) {
    return static_cast<std::int64_t>(request.prompt_tokens) + request.max_output_tokens;
  }
};

}  // namespace

void add_orca(SchedulerRegistry& registry) {
  registry.add<Orca>("orca", "Whole prompts, memory for max_tokens reserved, no preemption.");
}

}  // namespace orrery
