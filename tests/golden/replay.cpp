// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <memory>

#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"
#include "tests/golden/recording.h"

namespace orrery::golden {
namespace {

std::string micros(Instant when) {
  if (when == Instant::never()) return "-";
  return std::to_string(when.picoseconds() / 1'000'000);
}

/// Numbers requests by the order of their names, which is how vLLM breaks ties of priority.
class Names {
 public:
  explicit Names(const Case& golden) {
    for (const Case::Request& request : golden.requests) names_.push_back(request.id);
    std::sort(names_.begin(), names_.end());
  }
  [[nodiscard]] RequestId id(const std::string& name) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), name);
    return RequestId{static_cast<std::uint32_t>(found - names_.begin())};
  }
  [[nodiscard]] const std::string& name(RequestId id) const { return names_[index_of(id)]; }

 private:
  std::vector<std::string> names_;
};

class GoldenSource final : public RequestSource {
 public:
  GoldenSource(const Case& golden, const Names& names) {
    for (const Case::Request& row : golden.requests) {
      Request request;
      request.id = names.id(row.id);
      request.arrival = Instant::at(microseconds(row.arrival_us));
      request.priority = row.priority;
      request.input_tokens = row.prompt_len;
      request.max_tokens = row.max_tokens;
      request.output_tokens =
          row.eos_at_output > 0 ? std::min(row.eos_at_output, row.max_tokens) : row.max_tokens;
      for (const auto& [content, tokens] : row.segments) {
        const ContentId id = content.starts_with("gen:")
                                 ? generated_content(names.id(content.substr(4)))
                                 : hashed_content(0, hash_text(content));
        request.prompt.push_back({id, tokens});
      }
      requests_.push_back(std::move(request));
    }
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.arrival < b.arrival; });
  }

  std::optional<Instant> next_arrival() override {
    if (next_ == requests_.size()) return {};
    return requests_[next_].arrival;
  }
  void pop(Request& request) override { request = requests_[next_++]; }

 private:
  std::vector<Request> requests_;
  std::size_t next_ = 0;
};

class GoldenCost final : public CostModel {
 public:
  explicit GoldenCost(const Case& golden)
      : base_(microseconds(golden.step_base_us)),
        per_token_(microseconds(golden.step_per_token_us)) {}
  [[nodiscard]] StepCost cost(const BatchShape& shape) const override {
    return {base_ + per_token_ * shape.tokens(), Duration(), 0};
  }
  void explain(const BatchShape&, Breakdown&) const override {}
  [[nodiscard]] std::string basis() const override { return "fixed"; }

 private:
  Duration base_;
  Duration per_token_;
};

class Recorder final : public ScheduleRecorder {
 public:
  explicit Recorder(const Names& names) : names_(names) {}

  void on_schedule(const Call& call) override {
    Line line;
    line.scheduled = call.scheduled;
    const auto name = [&](Slot slot) { return names_.name(call.state.requests[slot].request.id); };
    for (const StepBuilder::Share& share : call.step.shares()) {
      line.shares += " " + name(share.slot) + ":" + std::to_string(share.tokens) + "@" +
                     std::to_string(share.computed_before);
    }
    for (const StepBuilder::Admitted& admitted : call.step.admitted()) {
      line.admitted += (line.admitted.empty() ? "" : " ") + name(admitted.slot);
      line.hits += " " + name(admitted.slot) + ":" + std::to_string(admitted.cached_tokens);
    }
    for (const RequestId request : call.step.preempted_requests()) {
      line.preempted += (line.preempted.empty() ? "" : " ") + names_.name(request);
    }
    line.free = call.state.pool.free();
    line.running = call.state.running.size();
    line.waiting = call.state.waiting.size();
    lines_.push_back(line);
  }
  void on_run(std::int64_t number, Instant start, Instant end) override {
    lines_.at(static_cast<std::size_t>(number)).start = start;
    lines_.at(static_cast<std::size_t>(number)).end = end;
  }
  void on_apply(std::int64_t number, Instant now, std::span<const RequestId> finished) override {
    Line& line = lines_.at(static_cast<std::size_t>(number));
    line.applied = now;
    for (const RequestId request : finished) {
      line.finished += (line.finished.empty() ? "" : " ") + names_.name(request);
    }
  }
  void on_pause(std::int64_t number, Duration pause) override {
    lines_.at(static_cast<std::size_t>(number)).pause = pause;
  }

  [[nodiscard]] std::vector<std::string> text() const {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const Line& line = lines_[i];
      result.push_back("step " + std::to_string(i) + " at " + micros(line.scheduled) + " runs " +
                       micros(line.start) + ".." + micros(line.end) + " applied " +
                       micros(line.applied) + " scheduled" + line.shares + " admitted [" +
                       line.admitted + "] hits" + line.hits + " preempted [" + line.preempted +
                       "] finished [" + line.finished + "] free " + std::to_string(line.free) +
                       " running " + std::to_string(line.running) + " waiting " +
                       std::to_string(line.waiting) + " slept " +
                       std::to_string(line.pause.count() / 1'000'000));
    }
    return result;
  }

 private:
  struct Line {
    Instant scheduled;
    Instant start;
    Instant end;
    Instant applied = Instant::never();
    Duration pause;
    std::string shares;
    std::string admitted;
    std::string hits;
    std::string preempted;
    std::string finished;
    std::int64_t free = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;
  };
  const Names& names_;
  std::vector<Line> lines_;
};

class Results final : public ServingObserver {
 public:
  explicit Results(const Names& names) : names_(names) {}
  void on_leave(const RequestRecord& record, std::string_view) override {
    const std::string& name = names_.name(record.id);
    lines[name] =
        name + " first scheduled " + micros(record.first_scheduled) + " first token " +
        micros(record.first_token) + " last " + micros(record.last_token) + " outputs " +
        std::to_string(record.output_tokens) + " preemptions " +
        std::to_string(record.preemptions) + " cached " +
        (record.first_scheduled == Instant::never() ? "-" : std::to_string(record.cached_tokens));
  }
  std::map<std::string, std::string> lines;

 private:
  const Names& names_;
};

/// The registered scheduler with the case's options.
class Assign final : public Describer {
 public:
  explicit Assign(const Case& golden) : golden_(golden) {}
  void field(std::string_view key, bool& value, std::string_view) override {
    if (key == "enable_chunked_prefill") value = golden_.enable_chunked_prefill;
    if (key == "scheduler_reserve_full_isl") value = golden_.scheduler_reserve_full_isl;
  }
  void field(std::string_view key, std::int64_t& value, Range, std::string_view) override {
    if (key == "long_prefill_token_threshold") value = golden_.long_prefill_token_threshold;
  }
  void field(std::string_view key, double& value, Range, std::string_view) override {
    if (key == "watermark") value = golden_.watermark;
  }
  void choice(std::string_view key, int& value, std::span<const std::string_view>,
              std::string_view) override {
    if (key == "scheduling_policy") value = golden_.priority ? 1 : 0;
  }
  void field(std::string_view, std::string&, std::string_view) override {}
  void field(std::string_view, Duration&, Range, std::string_view) override {}
  void field(std::string_view, Bytes&, Range, std::string_view) override {}
  void field(std::string_view, Bandwidth&, Range, std::string_view) override {}
  void field(std::string_view, ComputeRate&, Range, std::string_view) override {}
  void field(std::string_view, Frequency&, Range, std::string_view) override {}
  void field(std::string_view, PerSecond&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::int64_t>&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::string>&, std::string_view) override {}
  void object(std::string_view, const std::function<void(Describer&)>&, std::string_view) override {
  }
  void list(std::string_view, const std::function<void(Describer&)>&, std::string_view) override {}

 private:
  const Case& golden_;
};

std::unique_ptr<Scheduler> make_scheduler(const Policies& policies, const Case& golden) {
  auto prepared = policies.schedulers.at("vllm-v1").prepare();
  Assign assign(golden);
  prepared->describe(assign);
  return prepared->make();
}

}  // namespace

Replay replay(const Case& golden, bool step_by_step) {
  const Policies policies = builtin();
  const Names names(golden);
  Simulation simulation;
  Fingerprint fingerprint;
  Results results(names);
  Recorder recorder(names);
  Cluster cluster(std::make_unique<GoldenSource>(golden, names),
                  policies.routers.at("round-robin").prepare()->make(), simulation);
  ReplicaSetup setup;
  setup.engine = {.usable_blocks = golden.num_gpu_blocks - 1,
                  .block_size = golden.block_size,
                  .max_num_seqs = golden.max_num_seqs,
                  .max_num_batched_tokens = golden.max_num_batched_tokens,
                  .max_model_len = golden.max_model_len,
                  .enable_prefix_caching = golden.enable_prefix_caching,
                  .async_scheduling = golden.async,
                  .partial_blocks_first = true,
                  .idle_sleep = microseconds(golden.idle_sleep_us)};
  setup.scheduler_name = "vllm-v1";
  setup.scheduler = make_scheduler(policies, golden);
  setup.eviction = policies.eviction.at("lru").prepare()->make(
      static_cast<std::size_t>(golden.num_gpu_blocks - 1));
  setup.cost = std::make_shared<GoldenCost>(golden);
  setup.step_by_step = step_by_step;
  setup.idle_turns = 4;
  setup.max_steps = golden.max_steps;
  setup.max_fruitless_preemptions = INT64_MAX / 2;
  auto replica = std::make_unique<Replica>(std::move(setup), simulation, fingerprint, results);
  if (step_by_step) replica->set_recorder(&recorder);
  cluster.add(std::move(replica));
  cluster.start();
  simulation.run();
  cluster.close();

  Replay result;
  if (step_by_step) result.steps = recorder.text();
  for (const Case::Request& request : golden.requests) {
    const auto found = results.lines.find(request.id);
    result.results.push_back(found == results.lines.end() ? request.id : found->second);
  }
  result.fingerprint = fingerprint.value();
  return result;
}

}  // namespace orrery::golden
