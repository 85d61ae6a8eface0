// SPDX-License-Identifier: Apache-2.0
//
// Schedulers that promise what they do not keep, or do what the mechanism forbids. A broken promise
// is found step by step, an illegal call at once; both are told as policy, step and request.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sim/core/errors.h"
#include "sim/serving/step_builder.h"
#include "tests/world/one_replica.h"

namespace orrery::property {
namespace {

using world::planned;

/// A scheduler made of one function.
class Scripted final : public Scheduler {
 public:
  using Plan = std::function<Promise(const ReplicaView&, StepBuilder&)>;
  explicit Scripted(Plan plan) : plan_(std::move(plan)) {}
  Promise plan(const ReplicaView& replica, StepBuilder& step) override {
    return plan_(replica, step);
  }

 private:
  Plan plan_;
};

void run_everything(const ReplicaView& replica, StepBuilder& step) {
  if (step.run_steady()) return;
  for (const Slot slot : replica.running()) static_cast<void>(step.run(slot));
}

void admit_everything(const ReplicaView& replica, StepBuilder& step) {
  while (!replica.waiting().empty() && step.budget_left() > 0 &&
         static_cast<std::int32_t>(replica.running().size()) < replica.options().max_num_seqs) {
    if (step.admit(replica.waiting().front()) != Admission::kAdmitted) return;
  }
}

struct Outcome {
  std::string error;  // of a PolicyError
  std::int64_t calls = 0;
  std::int64_t quiet_steps = 0;
};

/// Four requests at once with room for three, async or not.
Outcome run_with(const Scripted::Plan& plan, bool step_by_step, bool async = false) {
  world::OneReplicaOptions options;
  options.scheduler = "of-the-test";
  options.step_by_step = step_by_step;
  options.engine.max_num_seqs = 3;
  options.engine.async_scheduling = async;
  Outcome outcome;
  ServingObserver nobody;
  auto counted = [&](const ReplicaView& replica, StepBuilder& step) {
    ++outcome.calls;
    return plan(replica, step);
  };
  world::OneReplica world(
      options, {planned(0, 20, 60), planned(0, 30, 80), planned(0, 10, 70), planned(0, 40, 50)},
      nobody, std::make_unique<Scripted>(counted));
  try {
    world.run();
  } catch (const PolicyError& error) {
    outcome.error = error.what();
  }
  outcome.quiet_steps = world.replica().counters().quiet_steps;
  return outcome;
}

/// Step by step it must be told, in both loops; with skips it is neither asked nor caught.
void check_broken(const std::function<Scripted::Plan()>& make_plan, const std::string& what) {
  for (const bool async : {false, true}) {
    const Outcome walked = run_with(make_plan(), /*step_by_step=*/true, async);
    INFO(walked.error);
    CHECK(walked.error.find("scheduler of-the-test: step ") != std::string::npos);
    CHECK(walked.error.find(what) != std::string::npos);
    CHECK(run_with(make_plan(), /*step_by_step=*/false, async).error.empty());
  }
}

TEST_CASE("a scheduler that skips a steady decode that it promised is named") {
  check_broken(
      [] {
        return [calls = 0](const ReplicaView& replica, StepBuilder& step) mutable {
          if (++calls % 10 == 0) {
            for (const Slot slot : replica.running()) {
              if (slot != replica.running()[1]) static_cast<void>(step.run(slot));
            }
          } else {
            run_everything(replica, step);
            admit_everything(replica, step);
          }
          return Promise::until_something_changes();
        };
      },
      // In order of admission the second is request 1.
      "left out request 1, a steady decode");
}

TEST_CASE("a scheduler that admits though it promised quiet is named") {
  check_broken(
      [] {
        return [calls = 0](const ReplicaView& replica, StepBuilder& step) mutable {
          run_everything(replica, step);
          // Every tenth call it lets in whom it could have let in before.
          if (++calls == 1 || calls % 10 == 0) {
            while (!replica.waiting().empty() &&
                   replica.running().size() < (calls == 1 ? 2U : 3U)) {
              if (step.admit(replica.waiting().front()) != Admission::kAdmitted) break;
            }
          }
          return Promise::until_something_changes();
        };
      },
      "promised quiet, admitted request 2");
}

TEST_CASE("a scheduler that preempts though it promised quiet is named") {
  check_broken(
      [] {
        return [calls = 0](const ReplicaView& replica, StepBuilder& step) mutable {
          if (++calls == 20) step.preempt(replica.running().back(), Preemption::kRecompute);
          run_everything(replica, step);
          if (!step.preempted()) admit_everything(replica, step);
          return Promise::until_something_changes();
        };
      },
      "preempted request 2");
}

TEST_CASE("a promise of so many steps holds for so many and no more") {
  // It admits one more at every sixth call, and says after each how many steps are left until then.
  const auto sixth = [](std::int64_t too_many) {
    return [too_many, call = 0](const ReplicaView& replica, StepBuilder& step) mutable {
      run_everything(replica, step);
      const std::int64_t phase = call++ % 6;
      if (phase == 0 && !replica.waiting().empty() && replica.running().size() < 3) {
        static_cast<void>(step.admit(replica.waiting().front()));
      }
      return Promise::steps(5 - phase + too_many);
    };
  };
  CHECK(run_with(sixth(0), /*step_by_step=*/true).error.empty());
  // Call 0 admits, calls 1 to 5 run one steady decode; call 1 promised one step more than those.
  const Outcome broken = run_with(sixth(1), /*step_by_step=*/true);
  INFO(broken.error);
  CHECK(broken.error.find("step 6: promised quiet, admitted request 1") != std::string::npos);
}

TEST_CASE("who asks to be asked each step may do as it likes, and is never skipped") {
  const auto moody = [](const ReplicaView& replica, StepBuilder& step) {
    const std::size_t left_out = static_cast<std::size_t>(step.budget_left()) % 3;
    for (std::size_t i = 0; i < replica.running().size(); ++i) {
      if (i != left_out || replica.running().size() == 1) {
        static_cast<void>(step.run(replica.running()[i]));
      }
    }
    admit_everything(replica, step);
    return Promise::ask_each_step();
  };
  const Outcome walked = run_with(moody, true);
  const Outcome skipped = run_with(moody, false);
  CHECK(walked.error.empty());
  CHECK(skipped.error.empty());
  CHECK(skipped.quiet_steps == 0);
  CHECK(walked.calls == skipped.calls);
}

TEST_CASE("an honest scheduler is asked seldom, and walked it is asked at every step") {
  const auto honest = [](const ReplicaView& replica, StepBuilder& step) {
    run_everything(replica, step);
    admit_everything(replica, step);
    return Promise::until_something_changes();
  };
  const Outcome walked = run_with(honest, true);
  const Outcome skipped = run_with(honest, false);
  CHECK(walked.error.empty());
  CHECK(skipped.error.empty());
  CHECK(walked.calls == skipped.calls + skipped.quiet_steps);
  // 60, 80 and 70 outputs together, then 50 more after the 60th: 110 steps and a few; all but those
  // around the three admissions and the four ends are quiet.
  CHECK(skipped.quiet_steps > 90);
  CHECK(skipped.calls < 20);
}

/// What the mechanism says to one illegal call, made in the call of that number.
std::string error_of(int call, const std::function<void(const ReplicaView&, StepBuilder&)>& crime,
                     bool steady_first = false) {
  const auto plan = [&, calls = 0](const ReplicaView& replica, StepBuilder& step) mutable {
    if (calls++ == call && !steady_first) crime(replica, step);
    run_everything(replica, step);
    if (calls - 1 == call && steady_first) crime(replica, step);
    admit_everything(replica, step);
    return Promise::ask_each_step();
  };
  return run_with(plan, /*step_by_step=*/false).error;
}

TEST_CASE("every illegal call throws where it is made") {
  const auto running = [](const ReplicaView& replica) { return replica.running().front(); };
  const auto waiting = [](const ReplicaView& replica) { return replica.waiting().front(); };

  // In call 5 requests 0, 1 and 2 decode and request 3 waits.
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          static_cast<void>(step.run(running(replica)));
          static_cast<void>(step.run(running(replica)));
        }) == "step 5: request 0: run() twice in one step");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          static_cast<void>(step.run(waiting(replica)));
        }) == "step 5: request 3: run() of one that is not running");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          const Slot victim = running(replica);
          step.preempt(victim, Preemption::kRecompute);
          static_cast<void>(step.run(victim));
        }) == "step 5: request 0: run() of one that is not running");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          step.preempt(waiting(replica), Preemption::kRecompute);
        }) == "step 5: request 3: preempt() of one that is not running");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          const Slot victim = running(replica);
          step.preempt(victim, Preemption::kRecompute);
          step.preempt(victim, Preemption::kRecompute);
        }) == "step 5: request 0: preempt() of one that is not running");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          static_cast<void>(step.admit(waiting(replica)));
        }) == "step 5: request 3: admit() beyond max_num_seqs");
  CHECK(error_of(5, [&](const ReplicaView& replica, StepBuilder& step) {
          static_cast<void>(step.admit(running(replica)));
        }) == "step 5: request 0: admit() of one that is not waiting");
  CHECK(error_of(5, [&](const ReplicaView&, StepBuilder& step) {
          static_cast<void>(step.run(Slot{99}));
        }) == "step 5: slot 99 was never one of a request");

  // What run_steady() granted is granted.
  CHECK(error_of(
            5,
            [&](const ReplicaView& replica, StepBuilder& step) {
              static_cast<void>(step.run(running(replica)));
            },
            /*steady_first=*/true) == "step 5: request 0: run() twice in one step");
  CHECK(error_of(
            5,
            [&](const ReplicaView& replica, StepBuilder& step) {
              step.preempt(running(replica), Preemption::kRecompute);
            },
            /*steady_first=*/true) == "step 5: request 0: preempt() after run_steady() granted it");
}

TEST_CASE("a slot kept beyond its request's end is no longer anything") {
  // Request 0 ends with its 60th output, computed in call 59; its slot is kept from call 1.
  Slot kept{};
  const auto plan = [&kept, calls = 0](const ReplicaView& replica, StepBuilder& step) mutable {
    if (calls == 1) kept = replica.running().front();
    run_everything(replica, step);
    if (calls++ == 60) static_cast<void>(step.run(kept));
    // Only then, so that request 3 does not take over the slot.
    if (replica.running().empty()) admit_everything(replica, step);
    return Promise::ask_each_step();
  };
  CHECK(run_with(plan, false).error == "step 60: request 0: run() of one that is not running");
}

TEST_CASE("a router that names no replica is told so") {
  class Lost final : public Router {
   public:
    std::size_t route(const Request&, std::span<const ReplicaSnapshot> replicas) override {
      return replicas.size();
    }
  };
  Simulation simulation;
  Fingerprint fingerprint;
  ServingObserver nobody;
  const Policies policies = builtin();
  Cluster cluster(
      std::make_unique<world::PlannedSource>(std::vector<world::PlannedRequest>{planned(0, 1, 1)}),
      std::make_unique<Lost>(), simulation);
  for (std::uint32_t i = 0; i < 2; ++i) {
    ReplicaSetup setup;
    setup.id = ReplicaId{i};
    setup.engine.usable_blocks = 1;
    setup.scheduler = policies.schedulers.at("vllm-v1").prepare()->make();
    setup.eviction = policies.eviction.at("lru").prepare()->make(1);
    setup.cost = std::make_shared<world::ShapeCost>(world::ShapeCostOptions());
    cluster.add(std::make_unique<Replica>(std::move(setup), simulation, fingerprint, nobody));
  }
  cluster.start();
  CHECK_THROWS_WITH_AS(simulation.run(), "router: chose replica 2 of 2", PolicyError);
}

}  // namespace
}  // namespace orrery::property
