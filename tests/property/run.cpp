// SPDX-License-Identifier: Apache-2.0
#include "tests/property/run.h"

#include <exception>
#include <utility>

#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"
#include "tests/property/block_checker.h"

namespace orrery::property {
namespace {

/// Writes down the text of every request that is sent.
class TextSource final : public RequestSource {
 public:
  TextSource(const Scenario& scenario, Run& run) : source_(scenario.plan), run_(run) {}

  [[nodiscard]] std::optional<Instant> next_arrival() override { return source_.next_arrival(); }
  void pop(Request& request) override {
    source_.pop(request);
    run_.texts.add(request);
    run_.frontend_work.push_back({.arrival = true, .request = request.id});
  }
  void on_done(const Request& request, std::int32_t generated, Instant now) override {
    source_.on_done(request, generated, now);
  }
  [[nodiscard]] bool wants_done() const override { return source_.wants_done(); }

 private:
  world::PlannedSource source_;
  Run& run_;
};

class Recorder final : public ScheduleRecorder {
 public:
  Recorder(Run& run, std::size_t replica, const EngineState& state, BlockChecker blocks)
      : run_(run),
        replica_(replica),
        log_(run.logs[replica]),
        state_(state),
        blocks_(std::move(blocks)) {}

  void on_schedule(const Call& call) override {
    LogEntry entry;
    entry.number = call.number;
    entry.when = call.scheduled;
    const auto id = [&](Slot slot) { return call.state.requests[slot].request.id; };
    for (const StepBuilder::Share& share : call.step.shares()) {
      entry.shares.push_back({id(share.slot), share.tokens, share.computed_before});
    }
    for (const StepBuilder::Admitted& admitted : call.step.admitted()) {
      entry.admitted.push_back({id(admitted.slot), admitted.cached_tokens, admitted.resumed});
    }
    const auto preempted = call.step.preempted_requests();
    entry.preempted.assign(preempted.begin(), preempted.end());
    for (const Slot slot : call.state.running) entry.running.push_back(id(slot));
    entry.free_blocks = call.state.pool.free();
    entry.waiting = call.state.waiting.size();
    log_.push_back(std::move(entry));
    blocks_.after_schedule(call);
  }
  void on_run(std::int64_t, Instant, Instant) override {}
  void on_apply(std::int64_t number, Instant now, std::span<const RequestId> finished) override {
    LogEntry entry;
    entry.kind = LogEntry::Kind::kApply;
    entry.number = number;
    entry.when = now;
    entry.finished.assign(finished.begin(), finished.end());
    log_.push_back(std::move(entry));
    run_.frontend_work.push_back({.replica = replica_, .step = number});
    blocks_.after_apply(state_);
  }
  void on_pause(std::int64_t, Duration) override {}

  [[nodiscard]] std::int64_t compared_hits() const { return blocks_.compared_hits(); }

 private:
  Run& run_;
  std::size_t replica_;
  std::vector<LogEntry>& log_;
  const EngineState& state_;
  BlockChecker blocks_;
};

class World {
 public:
  World(const Scenario& scenario, const RunOptions& options, Run& run)
      : run_(run),
        may_circle_(scenario.may_circle),
        events_(run.logs),
        listener_(options.watched ? static_cast<Listener&>(events_) : plain_),
        cluster_(std::make_unique<TextSource>(scenario, run),
                 policies_.routers.at(scenario.router).prepare()->make(), simulation_) {
    const auto replicas = static_cast<std::size_t>(scenario.replicas);
    run_.logs.resize(replicas);
    for (std::size_t i = 0; i < replicas; ++i) add_replica(scenario, options, i);
  }

  void run(Instant until) {
    cluster_.start();
    simulation_.run(until);
    cluster_.close();
    run_.end = simulation_.now();
    run_.cut = until != Instant::never();
    run_.sent = cluster_.sent();
    run_.heard = std::move(listener_.heard);
    run_.events = std::move(events_.events);
    run_.failures.expect(!events_.ran_back, "an observer was told of time running back");
    run_.fingerprint = fingerprint_.value();
    for (const auto& replica : cluster_.replicas()) run_.counters.push_back(replica->counters());
    for (const Heard::Leaving& leaving : run_.heard.leaving) {
      if (!leaving.reason.starts_with("the engine goes round in circles")) continue;
      run_.failures.expect(may_circle_, leaving.reason);
      run_.cut = true;
    }
    for (const auto& recorder : recorders_) run_.compared_hits += recorder->compared_hits();
  }

 private:
  void add_replica(const Scenario& scenario, const RunOptions& options, std::size_t number) {
    const auto blocks = static_cast<std::size_t>(scenario.engine.usable_blocks);
    auto eviction = std::make_unique<WatchedEviction>(
        policies_.eviction.at(scenario.eviction).prepare()->make(blocks), blocks, run_.failures);
    WatchedEviction* watched = eviction.get();
    ReplicaSetup setup;
    setup.id = ReplicaId{static_cast<std::uint32_t>(number)};
    setup.engine = scenario.engine;
    setup.frontend = scenario.frontend;
    setup.scheduler_name = scenario.scheduler;
    setup.scheduler =
        world::make_by_name(policies_.schedulers, scenario.scheduler, scenario.scheduler_options);
    setup.eviction = std::move(eviction);
    setup.cost = std::make_shared<world::ShapeCost>(scenario.cost);
    setup.step_by_step = options.step_by_step;
    auto replica =
        std::make_unique<Replica>(std::move(setup), simulation_, fingerprint_, listener_);
    if (options.watched) {
      recorders_.push_back(std::make_unique<Recorder>(
          run_, number, replica->state(),
          BlockChecker(run_.texts, scenario.engine.block_size, watched, run_.failures)));
      replica->set_recorder(recorders_.back().get());
    }
    cluster_.add(std::move(replica));
  }

  Run& run_;
  bool may_circle_;
  Policies policies_ = builtin();
  Listener plain_;
  EventListener events_;
  Listener& listener_;
  Simulation simulation_;
  Fingerprint fingerprint_;
  std::vector<std::unique_ptr<Recorder>> recorders_;
  Cluster cluster_;
};

}  // namespace

std::unique_ptr<Run> run_scenario(const Scenario& scenario, const RunOptions& options) {
  auto run = std::make_unique<Run>(scenario.engine.block_size);
  World world(scenario, options, *run);
  try {
    world.run(options.until);
  } catch (const std::exception& error) {
    run->failures.add(error.what());
  }
  return run;
}

}  // namespace orrery::property
