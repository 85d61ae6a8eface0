// SPDX-License-Identifier: Apache-2.0
//
// Policies that break their contracts, each in one way: the suites must find it.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string>

#include "sim/serving/step_builder.h"
#include "tests/contract/suites.h"

namespace orrery::contract {
namespace {

bool names(const Findings& findings, const std::string& what) {
  return std::any_of(findings.begin(), findings.end(), [&](const std::string& finding) {
    return finding.find(what) != std::string::npos;
  });
}

/// First released, first evicted; each flaw is one line.
enum class Flaw { kNone, kKeepsRetained, kByNumber, kForgetsNothing };

template <Flaw flaw>
class Queue final : public EvictionPolicy {
 public:
  using Options = NoOptions;
  Queue(const Options&, std::size_t) {}
  void release(std::span<const BlockId> tail_first, Instant) override {
    queue_.insert(queue_.end(), tail_first.begin(), tail_first.end());
    if (flaw == Flaw::kByNumber) std::sort(queue_.begin(), queue_.end());
  }
  void retain(std::span<const BlockId> blocks) override {
    if (flaw == Flaw::kKeepsRetained) return;
    for (const BlockId block : blocks) std::erase(queue_, block);
  }
  BlockId evict(Instant) override {
    const BlockId block = queue_.front();
    if (flaw != Flaw::kForgetsNothing) queue_.pop_front();
    return block;
  }

 private:
  std::deque<BlockId> queue_;
};

TEST_CASE("an eviction policy that breaks its contract is found") {
  Policies policies;
  policies.eviction.add<Queue<Flaw::kNone>>("good", "None.");
  policies.eviction.add<Queue<Flaw::kKeepsRetained>>("retained", "Evicts what is held again.");
  policies.eviction.add<Queue<Flaw::kByNumber>>("numbers", "Goes by block numbers.");
  policies.eviction.add<Queue<Flaw::kForgetsNothing>>("twice", "Evicts a block twice.");
  CHECK(check_eviction(policies, "good").empty());
  CHECK(names(check_eviction(policies, "retained"), "evicts a block that is not released"));
  CHECK(names(check_eviction(policies, "numbers"), "depends on the blocks' numbers"));
  CHECK(names(check_eviction(policies, "twice"), "evicts a block that is not released"));
}

enum class Vice { kNone, kIdle, kLast, kOverfull, kForgetful, kUnsteady };

template <Vice vice>
class Simple final : public Scheduler {
 public:
  using Options = NoOptions;
  explicit Simple(const Options&) {}

  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    ++calls_;
    if (vice != Vice::kForgetful || calls_ % 50 != 0) run_all(replica, step);
    while (!replica.waiting().empty() && step.budget_left() > 0) {
      const auto limit = static_cast<std::size_t>(replica.options().max_num_seqs);
      if (vice == Vice::kIdle || (vice != Vice::kOverfull && replica.running().size() >= limit)) {
        break;
      }
      const auto waiting = replica.waiting().all();
      const Slot next = vice == Vice::kLast ? waiting.back() : waiting.front();
      if (step.admit(next, {.sequence_must_fit = true}) != Admission::kAdmitted) break;
    }
    return Promise::until_something_changes();
  }

 private:
  void run_all(const ReplicaView& replica, StepBuilder& step) const {
    if (step.run_steady()) return;
    for (std::size_t i = 0; i < replica.running().size() && step.budget_left() > 0; ++i) {
      if (vice == Vice::kUnsteady && i % 2 == 1 && calls_ % 3 == 0) continue;
      while (step.run(replica.running()[i]) == Grant::kNoBlocks) {
        const Slot victim = replica.running().back();
        const bool self = victim == replica.running()[i];
        step.preempt(victim, Preemption::kRecompute);
        if (self) return;
      }
    }
  }
  std::int64_t calls_ = 0;
};

TEST_CASE("a scheduler that breaks its contract is found") {
  Policies policies;
  policies.schedulers.add<Simple<Vice::kNone>>("good", "None.");
  policies.schedulers.add<Simple<Vice::kIdle>>("idle", "Admits nobody.");
  policies.schedulers.add<Simple<Vice::kLast>>("last", "Admits the last who came.");
  policies.schedulers.add<Simple<Vice::kOverfull>>("overfull", "Knows no max_num_seqs.");
  policies.schedulers.add<Simple<Vice::kForgetful>>("forgetful", "Runs nothing at times.");
  policies.schedulers.add<Simple<Vice::kUnsteady>>("unsteady", "Leaves some out at times.");
  const Findings good = check_scheduler(policies, "good");
  CHECK_MESSAGE(good.empty(), (good.empty() ? std::string() : good.front()));
  CHECK(check_first_come_first_served(policies, "good").empty());
  CHECK(names(check_scheduler(policies, "idle"), "a request that fits is unfinished"));
  CHECK(check_scheduler(policies, "last").empty());
  CHECK(names(check_first_come_first_served(policies, "last"), "before one that came earlier"));
  CHECK(names(check_scheduler(policies, "overfull"), "admit() beyond max_num_seqs"));
  CHECK(names(check_scheduler(policies, "forgetful"), "scheduler forgetful: step "));
  CHECK(names(check_scheduler(policies, "unsteady"), "a steady decode"));
}

class Beyond final : public Router {
 public:
  using Options = NoOptions;
  explicit Beyond(const Options&) {}
  std::size_t route(const Request& request, std::span<const ReplicaSnapshot> replicas) override {
    return index_of(request.id) % (replicas.size() + 1);
  }
};

TEST_CASE("a router that breaks its contract is found") {
  Policies policies;
  policies.routers.add<Beyond>("beyond", "Counts one too many.");
  CHECK(names(check_router(policies, "beyond"), "chooses a replica that is not there"));
}

}  // namespace
}  // namespace orrery::contract
