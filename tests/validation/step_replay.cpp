// SPDX-License-Identifier: Apache-2.0
#include "tests/validation/step_replay.h"

#include <algorithm>
#include <cmath>
#include <istream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "sim/core/errors.h"
#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"
#include "tests/world/options_by_name.h"

namespace orrery::validation {
namespace {

using nlohmann::json;

std::int64_t picoseconds_of(const json& microseconds) {
  return std::llround(microseconds.get<double>() * 1e6);
}

void read_meta(const json& meta, StepLog& log) {
  log.scheduler = meta.at("scheduler");
  for (const auto& [key, value] : meta.at("options").items()) {
    if (value.is_string()) {
      log.words[key] = value;
    } else {
      log.numbers[key] = value;
    }
  }
  log.block_size = meta.at("block_size");
  log.num_blocks = meta.at("num_blocks");
  log.max_num_batched_tokens = meta.at("max_num_batched_tokens");
  log.max_num_seqs = meta.at("max_num_seqs");
}

void read_line(const json& line, StepLog& log, bool& preempted) {
  if (line.contains("meta")) {
    read_meta(line.at("meta"), log);
  } else if (line.contains("request")) {
    // Numbered as they were seen, so that ties of time keep the engine's order.
    if (line.at("request") != log.requests.size()) {
      throw std::invalid_argument("requests are not numbered in the order in which they were seen");
    }
    log.requests.push_back(
        {picoseconds_of(line.at("seen_us")), line.at("prompt"), line.at("max_tokens")});
  } else if (line.contains("step")) {
    LoggedStep step{picoseconds_of(line.at("schedule_us")), picoseconds_of(line.at("end_us")), {}};
    for (const json& share : line.at("shares")) {
      step.shares.push_back({share.at(0), share.at(1), share.at(2)});
    }
    std::sort(step.shares.begin(), step.shares.end());
    log.steps.push_back(std::move(step));
    if (!preempted) log.steps_before_preemption = log.steps.size();
  } else if (line.contains("preempted")) {
    preempted = true;
  }
}

class LogSource final : public RequestSource {
 public:
  explicit LogSource(const StepLog& log) : log_(log) {}
  std::optional<Instant> next_arrival() override {
    if (next_ == log_.requests.size()) return {};
    return Instant::at(Duration(log_.requests[next_].seen_ps));
  }
  void pop(Request& request) override {
    const LoggedRequest& row = log_.requests[next_];
    request = Request();
    request.id = RequestId{static_cast<std::uint32_t>(next_)};
    request.arrival = Instant::at(Duration(row.seen_ps));
    request.input_tokens = row.prompt;
    request.output_tokens = request.max_tokens = row.max_tokens;
    request.prompt.push_back({hashed_content(1, next_), row.prompt});
    ++next_;
  }

 private:
  const StepLog& log_;
  std::size_t next_ = 0;
};

/// A step lasts until the engine began the next one, or to its own end if that is what came next.
class LoggedTimes final : public CostModel {
 public:
  LoggedTimes(const StepLog& log, const Simulation& simulation)
      : log_(log), simulation_(simulation) {}

  [[nodiscard]] StepCost cost(const BatchShape&) const override {
    StepCost cost;
    if (next_ >= log_.steps.size()) {
      cost.device = milliseconds(1);
      return cost;
    }
    const std::int64_t end = end_of(next_++);
    const std::int64_t now = simulation_.now().picoseconds();
    late += end <= now ? 1 : 0;
    cost.device = Duration(std::max<std::int64_t>(1, end - now));
    return cost;
  }
  void explain(const BatchShape&, Breakdown&) const override {}
  [[nodiscard]] std::string basis() const override { return "logged"; }
  mutable std::size_t late = 0;

 private:
  /// The next step's beginning, unless the engine waited for a request before it: then whoever came
  /// was seen at that beginning, and the replica begins with him.
  [[nodiscard]] std::int64_t end_of(std::size_t step) const {
    if (step + 1 == log_.steps.size()) return log_.steps[step].end_ps;
    const bool goes_on =
        std::any_of(log_.steps[step + 1].shares.begin(), log_.steps[step + 1].shares.end(),
                    [](const LoggedStep::Share& share) { return share.computed_before > 0; });
    return goes_on ? log_.steps[step + 1].schedule_ps : log_.steps[step].end_ps;
  }

  const StepLog& log_;
  const Simulation& simulation_;
  mutable std::size_t next_ = 0;
};

class Collector final : public ServingObserver, public ScheduleRecorder {
 public:
  void on_schedule(const Call& call) override {
    LoggedStep step;
    step.schedule_ps = call.scheduled.picoseconds();
    for (const StepBuilder::Share& share : call.step.shares()) {
      step.shares.push_back(
          {static_cast<std::uint32_t>(index_of(call.state.requests[share.slot].request.id)),
           share.tokens, share.computed_before});
    }
    if (step.shares.empty()) return;
    std::sort(step.shares.begin(), step.shares.end());
    steps.push_back(std::move(step));
  }
  void on_run(std::int64_t, Instant, Instant end) override {
    if (!steps.empty()) steps.back().end_ps = end.picoseconds();
  }
  void on_apply(std::int64_t, Instant, std::span<const RequestId>) override {}
  void on_pause(std::int64_t, Duration) override {}
  std::vector<LoggedStep> steps;
};

std::string text_of(const LoggedStep& step) {
  std::string text;
  for (const LoggedStep::Share& share : step.shares) {
    text += " " + std::to_string(share.request) + ":" + std::to_string(share.tokens) + "@" +
            std::to_string(share.computed_before);
  }
  return text.empty() ? " nothing" : text;
}

void compare(const StepLog& log, ReplayedSteps& result) {
  const std::size_t both = std::min(log.steps.size(), result.steps.size());
  bool parted = false;
  for (std::size_t i = 0; i < both; ++i) {
    const bool same = log.steps[i].shares == result.steps[i].shares;
    result.equal += same ? 1 : 0;
    if (!same && !parted) {
      result.difference = "step " + std::to_string(i) + ": the engine ran" + text_of(log.steps[i]) +
                          ", the replica" + text_of(result.steps[i]);
    }
    parted = parted || !same;
    if (!parted) ++result.equal_from_start;
  }
  if (!parted && log.steps.size() != result.steps.size()) {
    result.difference = "the engine ran " + std::to_string(log.steps.size()) +
                        " steps, the replica " + std::to_string(result.steps.size());
  }
}

}  // namespace

StepLog read_step_log(std::istream& text, const std::string& name) {
  StepLog log;
  bool preempted = false;
  std::int64_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    try {
      read_line(json::parse(line), log, preempted);
    } catch (const std::exception& error) {
      throw TraceError({name, static_cast<int>(number), 0}, "", error.what());
    }
  }
  if (log.block_size < 1 || log.num_blocks < 1) {
    throw TraceError({name, 0, 0}, "meta", "is not there");
  }
  return log;
}

ReplayedSteps replay_steps(const StepLog& log) {
  const Policies policies = builtin();
  Simulation simulation;
  Fingerprint fingerprint;
  Collector collector;
  Cluster cluster(std::make_unique<LogSource>(log),
                  policies.routers.at("round-robin").prepare()->make(), simulation);
  ReplicaSetup setup;
  setup.engine.usable_blocks = log.num_blocks;
  setup.engine.block_size = log.block_size;
  setup.engine.max_num_seqs = log.max_num_seqs;
  setup.engine.max_num_batched_tokens = log.max_num_batched_tokens;
  setup.engine.enable_prefix_caching = false;
  setup.engine.async_scheduling = false;
  // A turn that runs nothing is followed at once by the next; the next step's end is the log's.
  setup.engine.idle_sleep = microseconds(1);
  setup.scheduler_name = log.scheduler;
  setup.scheduler =
      world::make_by_name(policies.schedulers, log.scheduler, {log.numbers, log.words});
  setup.eviction =
      policies.eviction.at("lru").prepare()->make(static_cast<std::size_t>(log.num_blocks));
  const auto times = std::make_shared<LoggedTimes>(log, simulation);
  setup.cost = times;
  setup.step_by_step = true;
  setup.max_steps = static_cast<std::int64_t>(4 * log.steps.size() + 1000);
  cluster.add(std::make_unique<Replica>(std::move(setup), simulation, fingerprint, collector));
  cluster.replicas().front()->set_recorder(&collector);
  cluster.start();
  simulation.run();
  ReplayedSteps result;
  result.steps = std::move(collector.steps);
  result.late = times->late;
  compare(log, result);
  cluster.close();
  return result;
}

}  // namespace orrery::validation
