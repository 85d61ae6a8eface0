// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "sim/policies/builtin.h"
#include "sim/serving/step_builder.h"

namespace orrery {
namespace {

enum class Policy : std::uint8_t { kFcfs, kPriority };
constexpr std::array<std::string_view, 2> kPolicyNames = {"fcfs", "priority"};

/// vLLM's V1 scheduler (vllm/v1/core/sched/scheduler.py, schedule()): running requests first, in
/// their order; then waiting ones, unless a request was preempted in this step; the head of the
/// line blocks.
class VllmV1 final : public Scheduler {
 public:
  struct Options {
    Policy policy = Policy::kFcfs;
    std::int64_t long_prefill_token_threshold = 0;
    bool enable_chunked_prefill = true;
    bool scheduler_reserve_full_isl = true;
    double watermark = 0;

    void describe(Describer& d) {
      d.choice_of("scheduling_policy", policy, kPolicyNames,
                  "Who is admitted first and preempted last: by arrival, or by priority.");
      d.field("long_prefill_token_threshold", long_prefill_token_threshold, Range::not_negative(),
              "At most this many prompt tokens of one request in a step; 0: no limit.");
      d.field("enable_chunked_prefill", enable_chunked_prefill,
              "Whether a prompt may be computed in pieces.");
      d.field("scheduler_reserve_full_isl", scheduler_reserve_full_isl,
              "Admit a request only if blocks for its whole prompt are free.");
      d.field("watermark", watermark, Range::between(0, 1),
              "Share of all blocks kept free when a request joins others.");
    }
  };

  explicit VllmV1(const Options& options) : options_(options) {}

  [[nodiscard]] QueueOrder queue_order() const override {
    return options_.policy == Policy::kPriority ? QueueOrder::kPriority : QueueOrder::kFcfs;
  }

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    if (!step.run_steady(chunk_limit())) run_in_order(replica, step);
    if (!step.preempted()) admit_in_order(replica, step);
    return Promise::until_something_changes();
  }

 private:
  [[nodiscard]] std::int32_t chunk_limit() const {
    const std::int64_t threshold = options_.long_prefill_token_threshold;
    return threshold == 0 ? StepBuilder::kNoLimit : static_cast<std::int32_t>(threshold);
  }

  void run_in_order(const ReplicaView& replica, StepBuilder& step) const {
    for (std::size_t i = 0; i < replica.running().size() && step.budget_left() > 0; ++i) {
      const Slot request = replica.running()[i];
      // Fixed before anyone is preempted: what a victim gives back is for those who come later.
      const std::int32_t most = std::min(chunk_limit(), step.budget_left());
      while (step.run(request, most) == Grant::kNoBlocks) {
        const Slot victim = choose_victim(replica);
        // Whoever stands before us and was already served makes room in the list as well.
        if (victim != request && step.runs(victim)) --i;
        step.preempt(victim, Preemption::kRecompute);
        if (victim == request) return;
      }
    }
  }

  [[nodiscard]] Slot choose_victim(const ReplicaView& replica) const {
    const std::vector<Slot>& running = replica.running();
    if (options_.policy == Policy::kFcfs) return running.back();
    Slot worst = running.front();
    for (const Slot slot : running) {
      const RequestView a = replica.request(slot);
      const RequestView b = replica.request(worst);
      if (std::pair(a.priority, a.arrival) > std::pair(b.priority, b.arrival)) worst = slot;
    }
    return worst;
  }

  void admit_in_order(const ReplicaView& replica, StepBuilder& step) const {
    const auto max_num_seqs = static_cast<std::size_t>(replica.options().max_num_seqs);
    // vLLM counts the null block too.
    const auto watermark = static_cast<std::int64_t>(
        options_.watermark * static_cast<double>(replica.total_blocks() + 1));
    const AdmitOptions options{.chunk_tokens = chunk_limit(),
                               .whole = !options_.enable_chunked_prefill,
                               .sequence_must_fit = options_.scheduler_reserve_full_isl,
                               .watermark_blocks = watermark};
    const auto may_admit = [&] {
      return !replica.waiting().empty() && step.budget_left() > 0 &&
             replica.running().size() < max_num_seqs;
    };
    while (may_admit()) {
      const Admission result = step.admit(replica.waiting().front(), options);
      if (result == Admission::kOutputInFlight) break;
      if (result != Admission::kAdmitted) return;
    }
    if (!may_admit()) return;
    // Only a pipeline gets here: whose output is in flight keeps its place and blocks nobody.
    for (const Slot slot : replica.waiting().all()) {
      if (!may_admit()) return;
      const Admission result = step.admit(slot, options);
      if (result != Admission::kAdmitted && result != Admission::kOutputInFlight) return;
    }
  }

  Options options_;
};

}  // namespace

void add_vllm_v1(SchedulerRegistry& registry) {
  registry.add<VllmV1>("vllm-v1",
                       "vLLM V1: running requests first, chunked prefill, recompute preemption.");
}

}  // namespace orrery
