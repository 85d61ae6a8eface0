// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include "bench/w10k_like.h"
#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"

namespace orrery::bench {
namespace {

class Affine final : public CostModel {
 public:
  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    return {milliseconds(12) + microseconds(20) * shape.tokens(), Duration(), 0};
  }
  void explain(const BatchShape&, Breakdown&) const override {}
  [[nodiscard]] std::string basis() const override { return "fixed"; }
};

/// A whole run of the engine on a W10k-like workload: 7,424 blocks (or fewer) of 16, 128 sequences,
/// 512 tokens a step.
void run_serving(benchmark::State& state) {
  const auto requests = state.range(0);
  const auto blocks = state.range(1);
  std::int64_t steps = 0;
  std::int64_t quiet = 0;
  for (auto _ : state) {
    const Policies policies = builtin();
    Simulation simulation;
    Fingerprint fingerprint;
    ServingObserver observer;
    Cluster cluster(std::make_unique<W10kLike>(requests, 2.0),
                    policies.routers.at("round-robin").prepare()->make(), simulation);
    ReplicaSetup setup;
    setup.engine.usable_blocks = blocks;
    setup.engine.max_num_seqs = 128;
    setup.engine.max_num_batched_tokens = 512;
    setup.engine.max_model_len = 4097;
    setup.scheduler_name = "vllm-v1";
    setup.scheduler = policies.schedulers.at("vllm-v1").prepare()->make();
    setup.eviction = policies.eviction.at("lru").prepare()->make(static_cast<std::size_t>(blocks));
    setup.cost = std::make_shared<Affine>();
    cluster.add(std::make_unique<Replica>(std::move(setup), simulation, fingerprint, observer));
    cluster.start();
    simulation.run();
    cluster.close();
    steps += cluster.replicas().front()->counters().steps;
    quiet += cluster.replicas().front()->counters().quiet_steps;
  }
  state.counters["steps"] = static_cast<double>(steps) / static_cast<double>(state.iterations());
  state.counters["quiet"] = static_cast<double>(quiet) / static_cast<double>(steps);
  state.counters["per_step"] = benchmark::Counter(
      static_cast<double>(steps), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(run_serving)
    ->ArgNames({"requests", "blocks"})
    ->Args({10'000, 7'424})
    ->Args({100'000, 7'424})
    ->Args({1'000'000, 7'424})
    ->Args({10'000, 600})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery::bench
