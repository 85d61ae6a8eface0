// SPDX-License-Identifier: Apache-2.0
#include "sim/study/run.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "sim/metrics/observers.h"
#include "sim/metrics/progress.h"
#include "sim/metrics/recorder.h"
#include "sim/metrics/requests_csv.h"
#include "sim/metrics/steps_csv.h"
#include "sim/metrics/timeline.h"
#include "sim/metrics/verdict.h"
#include "sim/serving/cluster.h"
#include "sim/study/host_clock.h"
#include "sim/study/version.h"
#include "sim/study/world.h"

namespace orrery {
namespace {

/// Everybody who watches a run, and the files they write.
class Watchers {
 public:
  Watchers(const Scenario& scenario, const RunOptions& options,
           std::optional<std::int64_t> expected_requests)
      : recorder_({.slo = scenario.slo,
                   .measure = scenario.measure,
                   .replicas = static_cast<std::int32_t>(scenario.replicas)}) {
    all_.add(recorder_);
    if (!options.out.empty()) {
      const std::filesystem::path folder(options.out);
      make_folder(folder);
      requests_ = std::make_unique<RequestsCsv>((folder / "requests.csv").string());
      all_.add(*requests_);
      if (options.steps_csv) {
        steps_ = std::make_unique<StepsCsv>((folder / "steps.csv").string());
        all_.add(*steps_);
      }
    }
    if (!options.timeline.empty()) {
      timeline_ = std::make_unique<Timeline>(options.timeline);
      all_.add(*timeline_);
    }
    if (options.progress) {
      progress_ = std::make_unique<Progress>(
          stderr, [] { return host_usage().wall_s; }, expected_requests);
      all_.add(*progress_);
    }
  }

  [[nodiscard]] ServingObserver& observer() { return all_.observer(); }
  [[nodiscard]] const Recorder& recorder() const { return recorder_; }

  void close() {
    if (progress_) progress_->close();
    if (requests_) requests_->close();
    if (steps_) steps_->close();
    if (timeline_) timeline_->close();
  }

 private:
  static void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw ConfigError({folder.string(), 0, 0}, "--out", error.message());
  }

  Recorder recorder_;
  std::unique_ptr<RequestsCsv> requests_;
  std::unique_ptr<StepsCsv> steps_;
  std::unique_ptr<Timeline> timeline_;
  std::unique_ptr<Progress> progress_;
  Observers all_;
};

std::unique_ptr<RequestSource> open_source(const Scenario& scenario) {
  return open_workload(scenario.workload, std::filesystem::path(scenario.path).parent_path(),
                       static_cast<std::uint64_t>(scenario.seed));
}

void add_remarks(Summary& summary, const World& world, const Cluster& cluster) {
  for (const std::string& remark : world.remarks) summary.remarks.push_back(remark);
  for (const std::string& remark : cluster.source().remarks()) summary.remarks.push_back(remark);
  std::int64_t cut = 0;
  for (const auto& replica : cluster.replicas()) cut += replica->counters().cut_requests;
  if (cut > 0) {
    summary.remarks.push_back(
        fmt::format("{} requests were ended by max_model_len ({} tokens) before their trace's end",
                    cut, world.engine.max_model_len));
  }
}

void add_memory_facts(Summary& summary, const MemoryRates& rates) {
  const auto gb = [](Bandwidth rate) {
    return static_cast<double>(rate.units_per_second()) * 1e-9;
  };
  for (const MemoryRates::Line& line : rates.lines) {
    summary.memory.push_back(
        {line.what, line.pattern, gb(line.rate), gb(line.low), gb(line.high), line.bound});
  }
  summary.memory_patterns = rates.patterns;
}

void add_host_facts(Summary& summary, const HostUsage& before, const Cluster& cluster) {
  const HostUsage after = host_usage();
  summary.host.sim_wall_s = after.wall_s - before.wall_s;
  summary.host.sim_cpu_s = after.cpu_s - before.cpu_s;
  summary.host.peak_rss_bytes = after.peak_rss_bytes;
  std::int64_t steps = 0;
  std::int64_t quiet = 0;
  for (const auto& replica : cluster.replicas()) {
    steps += replica->counters().steps;
    quiet += replica->counters().quiet_steps;
  }
  const double asked =
      steps == 0 ? 0 : static_cast<double>(steps - quiet) / static_cast<double>(steps);
  summary.host.step_shares = {{"scheduler_asked", asked}};
}

/// The scenario's own way to half as much load again.
std::string more_load(const WorkloadOptions& workload) {
  constexpr double kMore = 1.5;
  if (workload.trace) {
    return fmt::format("workload.trace.rate_scale={}", kMore * workload.trace->rate_scale);
  }
  if (workload.closed_loop) {
    return fmt::format("workload.closed_loop.concurrency={}",
                       std::ceil(kMore * static_cast<double>(workload.closed_loop->concurrency)));
  }
  const double rate = workload.synthetic->arrivals.rate.value;
  if (rate <= 0) return {};
  return fmt::format("workload.synthetic.arrivals.rate={}/s", kMore * rate);
}

ScenarioFacts facts_of(const Scenario& scenario, const World& world) {
  ScenarioFacts facts;
  facts.path = scenario.path;
  facts.replicas = scenario.replicas;
  facts.num_gpu_blocks_override = scenario.engine.memory.num_gpu_blocks_override;
  facts.async_scheduling = scenario.engine.async_scheduling;
  facts.more_load = more_load(scenario.workload);
  if (world.memory && !world.pim && !facts.num_gpu_blocks_override) {
    facts.gpu_memory_utilization = scenario.engine.memory.gpu_memory_utilization;
  }
  if (world.model && world.gpu) facts.tensor_parallel = scenario.plan.tensor_parallel;
  return facts;
}

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options) {
  const HostUsage before = host_usage();
  const World world = build_world(scenario);
  std::unique_ptr<RequestSource> source = open_source(scenario);
  Watchers watchers(scenario, options, source->expected_requests());

  Simulation simulation(static_cast<std::uint64_t>(scenario.tie_seed));
  Fingerprint fingerprint;
  Cluster cluster(std::move(source), scenario.router_options->make(), simulation);
  for (std::int64_t i = 0; i < scenario.replicas; ++i) {
    cluster.add(std::make_unique<Replica>(
        replica_setup(scenario, world, ReplicaId{static_cast<std::uint32_t>(i)},
                      options.step_by_step),
        simulation, fingerprint, watchers.observer()));
  }
  cluster.start();
  simulation.run();
  cluster.close();
  watchers.close();

  RunResult result;
  Summary& summary = result.summary;
  summary = watchers.recorder().summary();
  summary.fingerprint = fingerprint.value();
  summary.version = fmt::format("{} ({})", version(), commit());
  summary.config_json = scenario.config_json;
  summary.trust = world.cost->basis();
  add_remarks(summary, world, cluster);
  if (world.memory_rates) add_memory_facts(summary, *world.memory_rates);
  add_host_facts(summary, before, cluster);
  conclude(summary, facts_of(scenario, world));
  result.complete = summary.unfinished == 0;
  if (!options.out.empty()) {
    write_summary_json(summary, (std::filesystem::path(options.out) / "summary.json").string());
  }
  return result;
}

}  // namespace orrery
