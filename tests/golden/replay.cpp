// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "tests/golden/case_world.h"
#include "tests/golden/recording.h"

namespace orrery::golden {
namespace {

std::string micros(Instant when) {
  if (when == Instant::never()) return "-";
  return std::to_string(when.picoseconds() / 1'000'000);
}

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

}  // namespace

Replay replay(const Case& golden, bool step_by_step) {
  const Names names(golden);
  Results results(names);
  Recorder recorder(names);
  CaseWorld world(golden, names, step_by_step, results);
  if (step_by_step) world.replica().set_recorder(&recorder);
  world.run();
  world.close();

  Replay result;
  if (step_by_step) result.steps = recorder.text();
  for (const Case::Request& request : golden.requests) {
    const auto found = results.lines.find(request.id);
    result.results.push_back(found == results.lines.end() ? request.id : found->second);
  }
  result.fingerprint = world.fingerprint();
  return result;
}

}  // namespace orrery::golden
