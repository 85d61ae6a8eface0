// SPDX-License-Identifier: Apache-2.0
//
// Each format on a few rows as it is published.
#include <doctest/doctest.h>

#include "sim/workload/trace_formats.h"
#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

struct Row {
  std::int64_t arrival_ps;
  std::int32_t input;
  std::int32_t output;
  friend bool operator==(const Row&, const Row&) = default;
};

std::vector<Row> rows_of(RequestSource& source) {
  std::vector<Row> rows;
  for (const Request& r : drain(source)) {
    CHECK(index_of(r.id) == rows.size());
    rows.push_back({r.arrival.picoseconds(), r.input_tokens, r.output_tokens});
  }
  return rows;
}

std::vector<Row> rows_of(std::string_view format, std::string_view text,
                         const std::string& more = "") {
  return rows_of(*open_text(format, text, more));
}

constexpr std::int64_t kMillisecond = 1'000'000'000;
constexpr std::int64_t kSecond = 1'000 * kMillisecond;

TEST_CASE("azure counts from its first row, to 100 ns") {
  CHECK(rows_of("azure",
                "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                "2023-11-16 23:59:59.9799600,4808,10\r\n"
                "2023-11-17 00:00:00.0319601,3180,8\r\n") ==
        std::vector<Row>{{0, 4808, 10}, {52'000'100'000, 3180, 8}});
}

TEST_CASE("azure of 2024 has a time zone and fewer digits") {
  CHECK(rows_of("azure",
                "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                "2024-05-10 00:00:00.009930+00:00,2162,5\n"
                "2024-05-10 00:00:01.009930+00:00,2399,6\n") ==
        std::vector<Row>{{0, 2162, 5}, {kSecond, 2399, 6}});
}

TEST_CASE("burstgpt skips failed rows and says how many") {
  const auto source = open_text("burstgpt",
                                "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log "
                                "Type\n"
                                "5,ChatGPT,472,18,490,Conversation log\n"
                                "45,ChatGPT,1087,0,1087,Conversation log\n"
                                "118,GPT-4,417,276,693,API log\n");
  CHECK(rows_of(*source) == std::vector<Row>{{0, 472, 18}, {113 * kSecond, 417, 276}});
  CHECK(remark_with(*source, "failed") ==
        "1 rows with 0 response tokens (failed requests) were skipped.");
}

TEST_CASE("burstgpt with sessions, and of one model only") {
  const std::string text =
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log "
      "Type\n"
      "1.5,a,3.1,GPT-4,10,20,30,Conversation log\n"
      "2.5,b,,ChatGPT,11,21,32,Conversation log\n"
      "3.5,a,9,GPT-4,12,22,34,Conversation log\n";
  auto all = open_text("burstgpt", text);
  const auto requests = drain(*all);
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].session == requests[2].session);
  CHECK(requests[0].session != requests[1].session);
  auto some = open_text("burstgpt", text, "model: GPT-4");
  CHECK(rows_of(*some) == std::vector<Row>{{0, 10, 20}, {2 * kSecond, 12, 22}});
  CHECK(remark_with(*some, "models") == "1 rows of models other than GPT-4 were skipped.");
}

TEST_CASE("mooncake: milliseconds, and blocks of 512 tokens of which the last may be partial") {
  auto source =
      open_text("mooncake", R"({"timestamp": 0, "input_length": 1100, "output_length": 5, )"
                            R"("hash_ids": [0, 1, 2]})"
                            "\n"
                            R"({"timestamp": 27482, "input_length": 700, "output_length": 52, )"
                            R"("hash_ids": [0, 46]})"
                            "\n");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].arrival.picoseconds() == 27'482 * kMillisecond);
  REQUIRE(requests[0].prompt.size() == 3);
  CHECK(requests[0].prompt[0].tokens == 512);
  CHECK(requests[0].prompt[2].tokens == 1100 - 1024);
  REQUIRE(requests[1].prompt.size() == 2);
  CHECK(requests[1].prompt[0].content == requests[0].prompt[0].content);
  CHECK(requests[1].prompt[1].content != requests[0].prompt[1].content);
  CHECK(requests[1].prompt[1].tokens == 188);
  CHECK(remark_with(*source, "lower bound").find("blocks of 512 tokens") != std::string::npos);
}

TEST_CASE("timed-trace has vLLM's labels, block size and unit as options") {
  CHECK(rows_of(
            "timed-trace",
            R"({"timestamp": 1.25, "input_length": 20, "output_length": 3, "hash_ids": [7, 8]})") ==
        std::vector<Row>{{1'250 * kMillisecond, 20, 3}});
  auto source =
      open_text("timed-trace", R"({"t": 1250, "i": 600, "o": 3, "h": [7, 8], "turn": 2})",
                "sec_multiplier: 0.001, chunk_hash_size: 512, timestamp_label: t, input_label: i, "
                "output_label: o, hash_label: h");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].arrival.picoseconds() == 1'250 * kMillisecond);
  REQUIRE(requests[0].prompt.size() == 2);
  CHECK(requests[0].prompt[1].tokens == 88);
}

TEST_CASE("bench-requests count from the earliest arrival, whatever the order of their rows") {
  auto source = open_text("bench-requests",
                          R"({"request_id": "bench-1", "input_toks": 2, "output_toks": 20, )"
                          R"("arrival_time": 1787267980.3478317})"
                          "\n"
                          R"({"request_id": "bench-0", "input_toks": 1, "output_toks": 10, )"
                          R"("arrival_time": 1787267980.0827403})"
                          "\n");
  CHECK(rows_of(*source) == std::vector<Row>{{0, 1, 10}, {265'091'400'000, 2, 20}});
  CHECK(remark_with(*source, "out of order") == "1 rows stood out of order and were sorted in.");
}

TEST_CASE("block-ids: nanoseconds, ids of full blocks; the rest is the request's own text") {
  auto source = open_text(
      "block-ids",
      R"({"timestamp_ns": 46926808, "input_length": 40, "output_length": 5, "hash_ids": [0, 1]})");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].arrival.picoseconds() == 46'926'808'000);
  REQUIRE(requests[0].prompt.size() == 3);
  CHECK(requests[0].prompt[1].tokens == 16);
  CHECK(requests[0].prompt[2].tokens == 8);
  CHECK(requests[0].prompt[2].content == unique_content(requests[0].id));
}

TEST_CASE("plain has optional columns in any order") {
  auto source = open_text("plain",
                          "input_tokens,arrival_s,priority,output_tokens,max_tokens,session\n"
                          "10,0.5,-2,20,100,alice\n"
                          "11,0.5,,21,,\n"
                          "12,2e0,3,22,22,bob\n");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].arrival.picoseconds() == kSecond / 2);  // not counted from the first row
  CHECK(requests[0].priority == -2);
  CHECK(requests[0].max_tokens == 100);
  CHECK(requests[0].session == SessionId{0});
  CHECK(requests[1].max_tokens == 21);  // the trace says nothing: exactly the output
  CHECK(requests[1].session == kNoSession);
  CHECK(requests[1].priority == 0);
  CHECK(requests[2].session == SessionId{1});
  CHECK(requests[2].arrival.picoseconds() == 2 * kSecond);
  CHECK(requests[0].prompt.empty());
}

TEST_CASE("lengths take their times from a process") {
  CHECK(rows_of("lengths", "input_length,output_length\n5,6\n7,8\n",
                "arrivals: {process: constant, rate: 4/s}") ==
        std::vector<Row>{{kSecond / 4, 5, 6}, {kSecond / 2, 7, 8}});
  CHECK(
      rows_of("lengths", "input_length\n5\n7\n",
              "arrivals: {process: all_at_once}, output_tokens: {distribution: fixed, value: 9}") ==
      std::vector<Row>{{0, 5, 9}, {0, 7, 9}});
}

TEST_CASE("every format has a name and a help text of its own") {
  CHECK(trace_formats().size() == 8);
  for (const TraceFormat& format : trace_formats()) CHECK(format.help.size() > 20);
}

}  // namespace
}  // namespace orrery::testing
