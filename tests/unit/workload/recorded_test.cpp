// SPDX-License-Identifier: Apache-2.0
//
// Recorded public traces against statistics that others derived from them, where both are at hand.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

Row row_of(const std::filesystem::path& csv, const std::string& trace) {
  std::ifstream file(csv);
  std::string line;
  std::getline(file, line);
  const auto header = cells_of(line);
  while (std::getline(file, line)) {
    const auto cells = cells_of(line);
    if (cells.empty() || cells[0] != trace) continue;
    Row row;
    for (std::size_t i = 0; i < cells.size(); ++i) row[header.at(i)] = cells[i];
    return row;
  }
  FAIL("no row ", trace);
  return {};
}

double number(const Row& row, const std::string& column) {
  return std::strtod(row.at(column).c_str(), nullptr);
}

struct Recorded {
  std::string stats;
  std::string format;
  std::string file;
  std::string more = {};
};

std::optional<std::vector<Request>> read_recorded(const Recorded& trace) {
  const auto path = shared_file("traces/" + trace.file);
  if (!path) return {};
  return drain(*open_yaml("trace: {format: " + trace.format + ", path: '" + path->string() + "'" +
                          trace.more + "}"));
}

/// Counts are exact; the table's means have one decimal, its rates three.
void check_lengths(const std::vector<Request>& requests, const Row& stats) {
  std::vector<double> inputs;
  std::vector<double> outputs;
  double largest = 0;
  for (const Request& request : requests) {
    inputs.push_back(request.input_tokens);
    outputs.push_back(request.output_tokens);
    largest = std::max(largest, inputs.back());
  }
  CHECK(static_cast<double>(requests.size()) == number(stats, "requests"));
  CHECK(std::fabs(mean_of(inputs) - number(stats, "in_mean")) <= 0.051);
  CHECK(largest == number(stats, "in_max"));
  if (!stats.at("out_mean").empty()) {
    CHECK(std::fabs(mean_of(outputs) - number(stats, "out_mean")) <= 0.051);
  }
}

void check_times(const std::vector<Request>& requests, const Row& stats) {
  const double first = seconds_of(requests.front().arrival);
  const double span = seconds_of(requests.back().arrival) - first;
  CHECK(std::fabs(span - number(stats, "span_s")) <= 0.051);
  std::vector<double> gaps;
  for (std::size_t i = 1; i < requests.size(); ++i) {
    gaps.push_back(seconds_of(requests[i].arrival) - seconds_of(requests[i - 1].arrival));
  }
  CHECK(std::fabs(deviation_of(gaps) / mean_of(gaps) - number(stats, "cv_interarrival")) <= 0.006);
}

void check_recorded(const Recorded& trace) {
  CAPTURE(trace.file);
  const auto stats = shared_file("traces/trace_stats.csv");
  const auto requests = read_recorded(trace);
  if (!stats || !requests) return;
  const Row row = row_of(*stats, trace.stats);
  check_lengths(*requests, row);
  if (!row.at("span_s").empty()) check_times(*requests, row);
}

TEST_CASE("Azure 2023") {
  check_recorded({"azure2023-code", "azure", "azure-llm-2023/AzureLLMInferenceTrace_code.csv"});
  check_recorded({"azure2023-conv", "azure", "azure-llm-2023/AzureLLMInferenceTrace_conv.csv"});
}

TEST_CASE("Mooncake") {
  check_recorded({"mooncake-conversation", "mooncake", "mooncake-fast25/conversation_trace.jsonl"});
  check_recorded({"mooncake-synthetic", "mooncake", "mooncake-fast25/synthetic_trace.jsonl"});
}

TEST_CASE("Mooncake is a timed-trace with other units") {
  const Recorded trace{"", "mooncake", "mooncake-fast25/synthetic_trace.jsonl"};
  const auto as_mooncake = read_recorded(trace);
  if (!as_mooncake) return;
  const auto as_timed = read_recorded(
      {"", "timed-trace", trace.file, ", chunk_hash_size: 512, sec_multiplier: 0.001"});
  REQUIRE(as_timed->size() == as_mooncake->size());
  for (std::size_t i = 0; i < as_timed->size(); ++i) {
    CHECK((*as_timed)[i].arrival == (*as_mooncake)[i].arrival);
    CHECK((*as_timed)[i].prompt.size() == (*as_mooncake)[i].prompt.size());
  }
}

TEST_CASE("length pairs of MLPerf") {
  const std::string arrivals = ", arrivals: {rate: 1/s}";
  const std::string outputs = ", output_tokens: {distribution: fixed, value: 1}";
  for (const char* name : {"deepseek-r1", "llama2-70b-99", "llama3-1-405b", "mixtral-8x7b",
                           "llama3-1-8b-datacenter"}) {
    check_recorded({std::string("lengths-") + name, "lengths",
                    std::string("mlperf-sharegpt-lengths/") + name + ".csv", arrivals});
  }
  for (const char* name : {"gpt-oss", "swebench-lite"}) {
    check_recorded({std::string("lengths-") + name, "lengths",
                    std::string("mlperf-sharegpt-lengths/") + name + ".csv", arrivals + outputs});
  }
}

TEST_CASE("LMCache's agents, in characters, by way of labels") {
  // Equal prefixes show as equal ids; 256 characters a block.
  check_recorded({"lmcache-miniswe (chars)", "timed-trace",
                  "lmcache-agent-trace/miniswe_blocks256c.jsonl.gz",
                  ", chunk_hash_size: 256, timestamp_label: t_s, input_label: input_chars, "
                  "output_label: output_chars"});
}

TEST_CASE("W10k keeps all digits of its times") {
  const auto requests = read_recorded({"", "plain", "w10k/requests.csv.gz"});
  if (!requests) return;
  REQUIRE(requests->size() == 10'000);
  // 0.5100301436374005 s
  CHECK(requests->front().arrival.picoseconds() == 510'030'143'637);
}

TEST_CASE("a real benchmark's requests, and the same ones with their blocks") {
  const auto folder = shared_file("groundtruth/vllm-rtx4090");
  if (!folder) return;
  const auto open = [&](const std::string& format, const std::string& file) {
    return drain(
        *open_yaml("trace: {format: " + format + ", path: '" + (*folder / file).string() + "'}"));
  };
  const auto bench = open("bench-requests", "RTX4090_Llama-3.1-8B__requests.jsonl");
  const auto blocks = open("block-ids", "workload_blocks16.jsonl");
  REQUIRE(bench.size() == 300);
  REQUIRE(blocks.size() == 300);
  for (std::size_t i = 0; i < bench.size(); ++i) {
    CHECK(bench[i].input_tokens == blocks[i].input_tokens);
    CHECK(bench[i].output_tokens == blocks[i].output_tokens);
    // Full blocks, and the rest as text of its own.
    const auto full = static_cast<std::size_t>(blocks[i].input_tokens / 16);
    CHECK(blocks[i].prompt.size() == full + (blocks[i].input_tokens % 16 != 0 ? 1 : 0));
  }
  // 1787267980.0827403 and .3478317
  CHECK(bench[1].arrival.picoseconds() == 265'091'400'000);
}

}  // namespace
}  // namespace orrery::testing
