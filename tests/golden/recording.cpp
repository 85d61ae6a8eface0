// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/recording.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace orrery::golden {
namespace {

using nlohmann::json;

/// `null` stands for what never happened.
std::string number(const json& value) { return value.is_null() ? "-" : value.dump(); }

std::string names(const json& list) {
  std::string text;
  for (const json& name : list) text += (text.empty() ? "" : " ") + name.get<std::string>();
  return text;
}

std::string step_line(const json& step) {
  std::string text = "step " + number(step["step"]) + " at " + number(step["schedule_us"]) +
                     " runs " + number(step["start_us"]) + ".." + number(step["end_us"]) +
                     " applied " + number(step["applied_us"]) + " scheduled";
  for (const json& share : step["scheduled"]) {
    text += " " + share[0].get<std::string>() + ":" + number(share[1]) + "@" + number(share[2]);
  }
  text += " admitted [" + names(step["admitted"]) + "] hits";
  for (const json& hit : step["cached_hits"]) {
    text += " " + hit[0].get<std::string>() + ":" + number(hit[1]);
  }
  return text + " preempted [" + names(step["preempted"]) + "] finished [" +
         names(step["finished"]) + "] free " + number(step["free_blocks_after_schedule"]) +
         " running " + number(step["num_running"]) + " waiting " + number(step["num_waiting"]) +
         " slept " + number(step["slept_us"]);
}

std::string result_line(const json& result) {
  return result["req"].get<std::string>() + " first scheduled " +
         number(result["first_scheduled_us"]) + " first token " + number(result["first_token_us"]) +
         " last " + number(result["last_token_us"]) + " outputs " +
         number(result["num_output_tokens"]) + " preemptions " + number(result["preemptions"]) +
         " cached " + number(result["cached_tokens"]);
}

}  // namespace

Case read_case(const std::filesystem::path& path) {
  std::ifstream file(path);
  const json document = json::parse(file);
  const json& meta = document["meta"];
  const json& options = meta["engine_options"];
  Case result;
  result.name = meta["case"];
  result.async = meta["mode"] == "async";
  result.priority = options["policy"] == "priority";
  result.max_num_seqs = options["max_num_seqs"];
  result.max_num_batched_tokens = options["max_num_batched_tokens"];
  result.max_model_len = options["max_model_len"];
  result.long_prefill_token_threshold = options["long_prefill_token_threshold"];
  result.enable_chunked_prefill = options["enable_chunked_prefill"];
  result.enable_prefix_caching = options["enable_prefix_caching"];
  result.scheduler_reserve_full_isl = options["scheduler_reserve_full_isl"];
  result.watermark = options["watermark"];
  result.max_steps = options["max_steps"];
  result.block_size = meta["block_size"];
  result.num_gpu_blocks = meta["num_gpu_blocks"];
  result.step_base_us = meta["step_base_us"];
  result.step_per_token_us = meta["step_per_token_us"];
  result.idle_sleep_us = meta["idle_sleep_us"];
  result.stop_reason = meta["stop_reason"];
  for (const json& row : document["requests"]) {
    Case::Request request;
    request.id = row["id"];
    request.arrival_us = row["arrival_us"];
    request.priority = row["priority"];
    request.prompt_len = row["prompt_len"];
    for (const json& segment : row["segments"])
      request.segments.push_back({segment[0], segment[1]});
    request.max_tokens = row["max_tokens"];
    request.eos_at_output = row["eos_at_output"].is_null() ? 0 : row["eos_at_output"].get<int>();
    result.requests.push_back(std::move(request));
  }
  for (const json& step : document["steps"]) result.steps.push_back(step_line(step));
  for (const json& row : document["results"]) result.results.push_back(result_line(row));
  return result;
}

}  // namespace orrery::golden
