// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/tools/writer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/golden/case_world.h"

namespace orrery::golden {
namespace {

using Json = nlohmann::ordered_json;

Json micros(Instant when) {
  if (when == Instant::never()) return nullptr;
  return when.picoseconds() / 1'000'000;
}

/// Fills one row a schedule() call, and keeps who left how.
class Scribe final : public ScheduleRecorder, public ServingObserver {
 public:
  explicit Scribe(const Names& names) : names_(names) {}

  [[nodiscard]] bool wants_events() const override { return true; }
  void on_queued(ReplicaId, RequestId request, Instant) override {
    added_.push_back(names_.name(request));
  }
  void on_leave(const RequestRecord& record, std::string_view) override {
    records[names_.name(record.id)] = record;
  }

  void on_schedule(const Call& call) override {
    Json scheduled = Json::array();
    Json admitted = Json::array();
    Json hits = Json::array();
    Json preempted = Json::array();
    const auto name = [&](Slot slot) { return names_.name(call.state.requests[slot].request.id); };
    for (const StepBuilder::Share& share : call.step.shares()) {
      scheduled.push_back({name(share.slot), share.tokens, share.computed_before});
    }
    for (const StepBuilder::Admitted& one : call.step.admitted()) {
      admitted.push_back(name(one.slot));
      hits.push_back({name(one.slot), one.cached_tokens});
    }
    for (const RequestId request : call.step.preempted_requests()) {
      preempted.push_back(names_.name(request));
    }
    steps.push_back({{"step", call.number},
                     {"schedule_us", micros(call.scheduled)},
                     {"start_us", nullptr},
                     {"end_us", nullptr},
                     {"applied_us", nullptr},
                     {"added", added_},
                     {"scheduled", scheduled},
                     {"admitted", admitted},
                     {"preempted", preempted},
                     {"finished", Json::array()},
                     {"free_blocks_after_schedule", call.state.pool.free()},
                     {"num_running", call.state.running.size()},
                     {"num_waiting", call.state.waiting.size()},
                     {"cached_hits", hits},
                     {"slept_us", 0}});
    added_.clear();
  }
  void on_run(std::int64_t number, Instant start, Instant end) override {
    row(number)["start_us"] = micros(start);
    row(number)["end_us"] = micros(end);
  }
  void on_apply(std::int64_t number, Instant now, std::span<const RequestId> finished) override {
    row(number)["applied_us"] = micros(now);
    for (const RequestId request : finished) {
      row(number)["finished"].push_back(names_.name(request));
    }
  }
  void on_pause(std::int64_t number, Duration pause) override {
    row(number)["slept_us"] = pause.count() / 1'000'000;
  }

  std::vector<Json> steps;
  std::map<std::string, RequestRecord> records;

 private:
  [[nodiscard]] Json& row(std::int64_t number) {
    return steps.at(static_cast<std::size_t>(number));
  }

  const Names& names_;
  std::vector<std::string> added_;
};

std::string state_word(LiveState state) {
  switch (state) {
    case LiveState::kRunning:
      return "UNFINISHED_RUNNING";
    case LiveState::kPreempted:
      return "UNFINISHED_PREEMPTED";
    default:
      return "UNFINISHED_WAITING";
  }
}

/// Where those stand who have not left when the run is over.
std::map<std::string, std::string> standing(const EngineState& state, const Names& names) {
  std::map<std::string, std::string> words;
  for (const LiveRequest& live : state.requests) {
    if (live.state != LiveState::kFree) words[names.name(live.request.id)] = state_word(live.state);
  }
  return words;
}

Json meta(const Case& golden, const std::string& note, std::size_t steps,
          const std::string& stop_reason) {
  return {{"block_size", golden.block_size},
          {"case", golden.name},
          {"engine_options",
           {{"enable_chunked_prefill", golden.enable_chunked_prefill},
            {"enable_prefix_caching", golden.enable_prefix_caching},
            {"long_prefill_token_threshold", golden.long_prefill_token_threshold},
            {"max_model_len", golden.max_model_len},
            {"max_num_batched_tokens", golden.max_num_batched_tokens},
            {"max_num_seqs", golden.max_num_seqs},
            {"max_steps", golden.max_steps},
            {"policy", golden.priority ? "priority" : "fcfs"},
            {"scheduler_reserve_full_isl", golden.scheduler_reserve_full_isl},
            {"watermark", golden.watermark}}},
          {"idle_sleep_us", golden.idle_sleep_us},
          {"mode", golden.async ? "async" : "sync"},
          {"note", note},
          {"num_gpu_blocks", golden.num_gpu_blocks},
          {"num_steps", steps},
          {"step_base_us", golden.step_base_us},
          {"step_per_token_us", golden.step_per_token_us},
          {"step_time_rule",
           "step_us = step_base_us + step_per_token_us * total_scheduled_tokens (0 if no token is "
           "scheduled); sleep idle_sleep_us after a loop turn that scheduled no token while "
           "has_requests()"},
          {"stop_reason", stop_reason},
          {"vllm_commit", nullptr}};
}

Json request_row(const Case::Request& request) {
  Json segments = Json::array();
  for (const auto& [content, tokens] : request.segments) segments.push_back({content, tokens});
  Json eos = nullptr;
  if (request.eos_at_output > 0) eos = request.eos_at_output;
  return {{"id", request.id},
          {"arrival_us", request.arrival_us},
          {"priority", request.priority},
          {"prompt_len", request.prompt_len},
          {"segments", segments},
          {"max_tokens", request.max_tokens},
          {"eos_at_output", eos}};
}

Json result_row(const Case::Request& request, const RequestRecord& record,
                const std::string& word) {
  const bool ran = record.first_scheduled != Instant::never();
  const bool finished = record.status == RequestStatus::kFinishedLength ||
                        record.status == RequestStatus::kFinishedEos;
  std::string status = word;
  // vLLM looks for the EOS before it counts, so an EOS that comes as the last one allowed is a
  // stop.
  const bool stopped = request.eos_at_output > 0 && record.output_tokens == request.eos_at_output;
  if (finished) status = stopped ? "FINISHED_STOPPED" : "FINISHED_LENGTH_CAPPED";
  if (record.status == RequestStatus::kRejected) status = "REJECTED_FRONTEND";
  return {{"req", request.id},
          {"first_scheduled_us", micros(record.first_scheduled)},
          {"first_token_us", micros(record.first_token)},
          {"last_token_us", micros(record.last_token)},
          {"num_output_tokens", record.output_tokens},
          {"preemptions", record.preemptions},
          {"cached_tokens", ran ? Json(record.cached_tokens) : Json(nullptr)},
          {"finish_us", finished ? micros(record.last_token) : Json(nullptr)},
          {"status", status}};
}

/// One row a line, as the others have it.
std::string list_of(const std::string& key, const std::vector<Json>& rows) {
  std::string text = "\"" + key + "\": [\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += rows[i].dump() + (i + 1 < rows.size() ? ",\n" : "\n");
  }
  return text + "]";
}

}  // namespace

std::string record(const Case& golden, const std::string& note) {
  const Names names(golden);
  Scribe scribe(names);
  CaseWorld world(golden, names, /*step_by_step=*/true, scribe);
  world.replica().set_recorder(&scribe);
  world.run();
  const auto words = standing(world.replica().state(), names);
  const bool stuck = world.replica().stalled();
  world.close();

  const bool cut = static_cast<std::int64_t>(scribe.steps.size()) >= golden.max_steps;
  const std::string stop_reason = cut ? "max_steps" : stuck ? "stuck" : "drained";
  std::vector<Json> requests;
  std::vector<Json> results;
  for (const Case::Request& request : golden.requests) {
    requests.push_back(request_row(request));
    const auto word = words.find(request.id);
    results.push_back(result_row(request, scribe.records[request.id],
                                 word == words.end() ? "NOT_ADDED" : word->second));
  }
  return "{\n\"meta\": " + meta(golden, note, scribe.steps.size(), stop_reason).dump() + ",\n" +
         list_of("requests", requests) + ",\n" + list_of("steps", scribe.steps) + ",\n" +
         list_of("results", results) + "\n}\n";
}

}  // namespace orrery::golden
