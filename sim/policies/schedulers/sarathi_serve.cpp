// SPDX-License-Identifier: Apache-2.0
#include "sim/policies/builtin.h"
#include "sim/serving/step_builder.h"

namespace orrery {
namespace {

/// Sarathi-Serve (Agrawal et al., OSDI 2024, Algorithm 3): decodes first, so that they never stall;
/// then chunks of prompts already begun; then new prompts; all within one token budget
/// (max_num_batched_tokens). A request is admitted when blocks for its whole prompt are there.
class SarathiServe final : public Scheduler {
 public:
  struct Options {
    double watermark = 0.01;

    void describe(Describer& d) {
      d.field("watermark", watermark, Range::between(0, 1),
              "Share of all blocks kept free when a request joins others.");
    }
  };

  explicit SarathiServe(const Options& options) : options_(options) {}

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    if (!step.run_steady()) {
      if (!run_those(replica, step, /*decoding=*/true)) return Promise::until_something_changes();
      run_those(replica, step, /*decoding=*/false);
    }
    if (!step.preempted()) admit_in_order(replica, step);
    return Promise::until_something_changes();
  }

 private:
  [[nodiscard]] static bool decodes(const RequestView& request) {
    return request.computed_tokens >= request.prompt_tokens &&
           request.computed_tokens + 1 >= request.known_tokens;
  }

  /// False if one had to preempt itself: nothing more is run then.
  static bool run_those(const ReplicaView& replica, StepBuilder& step, bool decoding) {
    const std::vector<Slot>& running = replica.running();
    for (std::size_t i = 0; i < running.size() && step.budget_left() > 0; ++i) {
      const Slot request = running[i];
      if (step.runs(request) || decodes(replica.request(request)) != decoding) continue;
      while (step.run(request) == Grant::kNoBlocks) {
        const Slot victim = running.back();
        step.preempt(victim, Preemption::kRecompute);
        if (victim == request) return false;
      }
    }
    return true;
  }

  void admit_in_order(const ReplicaView& replica, StepBuilder& step) const {
    const auto max_num_seqs = static_cast<std::size_t>(replica.options().max_num_seqs);
    const auto watermark =
        static_cast<std::int64_t>(options_.watermark * static_cast<double>(replica.total_blocks()));
    while (!replica.waiting().empty() && step.budget_left() > 0 &&
           replica.running().size() < max_num_seqs) {
      const Slot head = replica.waiting().front();
      const AdmitOptions options{.watermark_blocks = watermark,
                                 .reserve_tokens = replica.request(head).known_tokens};
      if (step.admit(head, options) != Admission::kAdmitted) return;
    }
  }

  Options options_;
};

}  // namespace

void add_sarathi_serve(SchedulerRegistry& registry) {
  registry.add<SarathiServe>("sarathi-serve",
                             "Decodes first, then prompt chunks up to a token budget.");
}

}  // namespace orrery
