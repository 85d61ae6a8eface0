// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_WORLD_ONE_REPLICA_H_
#define ORRERY_TESTS_WORLD_ONE_REPLICA_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"
#include "tests/world/options_by_name.h"
#include "tests/world/planned_source.h"
#include "tests/world/shape_cost.h"

namespace orrery::world {

/// What a test sets of a world with one replica; the rest is as below.
struct OneReplicaOptions {
  EngineOptions engine{.usable_blocks = 100};
  FrontendOptions frontend;
  ShapeCostOptions cost;
  std::string scheduler = "vllm-v1";
  NamedOptions scheduler_options;
  std::string eviction = "lru";
  bool step_by_step = false;
  std::int32_t idle_turns = 2;
  std::int64_t max_steps = INT64_MAX;
};

/// One replica, its clients, and their clock. A scheduler of one's own may stand in for a
/// registered one.
class OneReplica {
 public:
  OneReplica(const OneReplicaOptions& options, std::vector<PlannedRequest> plan,
             ServingObserver& observer, std::unique_ptr<Scheduler> scheduler = nullptr)
      : cluster_(std::make_unique<PlannedSource>(std::move(plan)),
                 policies_.routers.at("round-robin").prepare()->make(), simulation_) {
    ReplicaSetup setup;
    setup.engine = options.engine;
    setup.frontend = options.frontend;
    setup.scheduler_name = options.scheduler;
    setup.scheduler = scheduler != nullptr ? std::move(scheduler)
                                           : make_by_name(policies_.schedulers, options.scheduler,
                                                          options.scheduler_options);
    setup.eviction = policies_.eviction.at(options.eviction)
                         .prepare()
                         ->make(static_cast<std::size_t>(options.engine.usable_blocks));
    setup.cost = std::make_shared<ShapeCost>(options.cost);
    setup.step_by_step = options.step_by_step;
    setup.idle_turns = options.idle_turns;
    setup.max_steps = options.max_steps;
    cluster_.add(std::make_unique<Replica>(std::move(setup), simulation_, fingerprint_, observer));
  }

  void run() {
    start();
    simulation_.run();
    cluster_.close();
  }
  void start() { cluster_.start(); }
  /// Up to an instant; more may follow.
  void run_until(Instant until) { simulation_.run(until); }

  [[nodiscard]] Replica& replica() { return *cluster_.replicas().front(); }
  [[nodiscard]] const Simulation& simulation() const { return simulation_; }
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_.value(); }

 private:
  Policies policies_ = builtin();
  Simulation simulation_;
  Fingerprint fingerprint_;
  Cluster cluster_;
};

/// A request that arrives at a time, with a prompt of its own and outputs that end by length.
[[nodiscard]] inline PlannedRequest planned(std::int64_t arrival_us, std::int32_t prompt,
                                            std::int32_t outputs) {
  PlannedRequest request;
  request.arrival = Instant::at(microseconds(arrival_us));
  request.own_tokens = prompt;
  request.output_tokens = request.max_tokens = outputs;
  return request;
}

}  // namespace orrery::world

#endif  // ORRERY_TESTS_WORLD_ONE_REPLICA_H_
