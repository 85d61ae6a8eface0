// SPDX-License-Identifier: Apache-2.0
//
// Wrong rows get one line that names the file, the line, the column and what is wrong.
#include <doctest/doctest.h>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

std::string plain_error(const std::string& row) {
  return error_of("plain", "arrival_s,input_tokens,output_tokens\n0,1,1\n" + row + "\n");
}

TEST_CASE("numbers that are none") {
  CHECK(plain_error("1,x,5") == "t:3: column input_tokens: 'x' is not a whole number");
  CHECK(plain_error("1,5,1.5") == "t:3: column output_tokens: '1.5' is not a whole number");
  CHECK(plain_error("1,5,") == "t:3: column output_tokens: is empty");
  CHECK(plain_error("1,-5,5") == "t:3: column input_tokens: '-5' is negative");
  CHECK(plain_error("1,5000000000,5") ==
        "t:3: column input_tokens: '5000000000' is more tokens than any model takes");
  CHECK(plain_error("soon,5,5") == "t:3: column arrival_s: 'soon' is not a time");
  CHECK(plain_error("-1,5,5") == "t:3: column arrival_s: '-1' is negative");
  CHECK(plain_error(std::string(60, '7') + ",5,5") ==
        "t:3: column arrival_s: '" + std::string(40, '7') + "...' is not a time");
}

TEST_CASE("rows without tokens") {
  CHECK(plain_error("1,0,5") ==
        "t:3: column input_tokens: is 0; zero_tokens: skip leaves such rows out and counts them");
  CHECK(plain_error("1,5,0") ==
        "t:3: column output_tokens: is 0; zero_tokens: skip leaves such rows out and counts them");
  auto source = open_text("plain", "arrival_s,input_tokens,output_tokens\n0,1,1\n1,0,5\n2,5,0\n",
                          "zero_tokens: skip");
  CHECK(drain(*source).size() == 1);
  CHECK(remark_with(*source, "without") == "2 rows without input or output tokens were skipped.");
}

TEST_CASE("rows of another width") {
  CHECK(plain_error("1,5") == "t:3: has 2 fields where the header has 3");
  CHECK(plain_error("1,5,5,5") == "t:3: has 4 fields where the header has 3");
}

TEST_CASE("headers") {
  CHECK(error_of("plain", "") == "t: the file is empty; its first line names the columns");
  CHECK(error_of("plain", "arrival_s,input_tokens\n0,1\n") ==
        "t:1: column output_tokens: is missing from the header; columns: arrival_s, input_tokens, "
        "output_tokens, max_tokens (optional), session (optional), priority (optional)");
  const std::string unknown = error_of("plain", "arrival_s,input_tokens,output_token\n");
  CHECK(unknown.starts_with("t:1: the header has an unknown column 'output_token'; "));
  CHECK(unknown.find("did you mean output_tokens?") != std::string::npos);
  CHECK(error_of("plain", "arrival_s,arrival_s,input_tokens,output_tokens\n") ==
        "t:1: column arrival_s: stands twice in the header");
  CHECK(error_of("azure", "arrival_s,input_tokens,output_tokens\n")
            .starts_with("t:1: the header has an unknown column 'arrival_s'"));
}

TEST_CASE("other columns of plain and azure") {
  CHECK(error_of("plain", "arrival_s,input_tokens,output_tokens,priority\n0,1,1,high\n") ==
        "t:2: column priority: 'high' is not a whole number that fits");
  CHECK(error_of("plain", "arrival_s,input_tokens,output_tokens,max_tokens\n0,1,1,x\n") ==
        "t:2: column max_tokens: 'x' is not a whole number");
  CHECK(error_of("azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16,1,1\n") ==
        "t:2: column TIMESTAMP: '2023-11-16' is not like 2023-11-16 18:17:03.9799600");
  CHECK(error_of("burstgpt",
                 "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                 "5,GPT-4,0,7,7,API log\n") ==
        "t:2: column Request tokens: is 0; zero_tokens: skip leaves such rows out and counts them");
}

std::string json_error(const std::string& line) { return error_of("mooncake", line); }

TEST_CASE("JSON that is none") {
  CHECK(json_error("[1]") == "t:1:1: '{' is expected");
  CHECK(json_error(R"({"timestamp": 1)") == "t:1:16: the JSON object ends where ',' is expected");
  CHECK(json_error(R"({"timestamp": 1} x)") == "t:1:18: something follows the JSON object");
  CHECK(json_error(R"({"timestamp" 1})") == "t:1:14: ':' is expected");
  CHECK(json_error(R"({"timestamp": "1"})") == "t:1:15: column timestamp: is not a number");
  CHECK(json_error(R"({"a": [1, {"b": 2})").starts_with("t:1:19: column a:"));
  CHECK(json_error(R"({"a": "x\)").starts_with("t:1:"));
  CHECK(json_error(R"({"a": })") == "t:1:7: column a: has no value");
}

TEST_CASE("JSON rows that lack something or have too much") {
  CHECK(json_error(R"({"timestamp": 1, "input_length": 1, "hash_ids": []})") ==
        "t:1: column output_length: is missing");
  CHECK(json_error(R"({"timestamp": 1, "input_length": 1, "output_length": 1})") ==
        "t:1: column hash_ids: is missing");
  CHECK(json_error(R"({"timestamp": 1, "timestamp": 1})") == "t:1: column timestamp: stands twice");
  CHECK(json_error(
            R"({"timestamp": 1, "input_length": 512, "output_length": 1, "hash_ids": [1, 2]})") ==
        "t:1: column hash_ids: 2 blocks of 512 tokens are more than a prompt of 512 tokens has");
  CHECK(json_error(R"({"hash_ids": [1, -2]})") ==
        "t:1:18: column hash_ids: holds something that is not a whole number of 64 bits");
  CHECK(json_error(R"({"input_length": 1.5})") ==
        "t:1: column input_length: '1.5' is not a whole number");
}

TEST_CASE("fewer ids than the prompt has blocks is said, not refused") {
  auto source = open_text(
      "mooncake", R"({"timestamp": 1, "input_length": 2000, "output_length": 1, "hash_ids": [1]})");
  const auto requests = drain(*source);
  REQUIRE(requests[0].prompt.size() == 2);
  CHECK(requests[0].prompt[1].tokens == 1488);
  CHECK(remark_with(*source, "fewer").starts_with("1 prompts have fewer block ids"));
}

TEST_CASE("a trace that gives no request says why") {
  CHECK(error_of("plain", "arrival_s,input_tokens,output_tokens\n") == "t: gives no request");
  CHECK(error_of("plain", "arrival_s,input_tokens,output_tokens\n1,1,1\n", "start: 5s") ==
        "t: gives no request: 1 rows before the window's start were left out.");
}

TEST_CASE("lengths without outputs need a distribution") {
  CHECK(error_of("lengths", "input_length\n5\n", "arrivals: {rate: 1/s}") ==
        "t:2: column output_length: is missing; trace.output_tokens must give a distribution");
}

}  // namespace
}  // namespace orrery::testing
