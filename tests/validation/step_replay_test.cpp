// SPDX-License-Identifier: Apache-2.0
#include "tests/validation/step_replay.h"

#include <doctest/doctest.h>

#include <sstream>

#include "sim/core/errors.h"

namespace orrery::validation {
namespace {

/// Two requests of an engine with a budget of 64 tokens, written by hand: 1 comes while step 0 runs
/// and takes what 0 leaves of step 1's budget.
constexpr const char* kLog =
    R"({"meta": {"scheduler": "hf-continuous-batching", "options": )"
    R"({"safety_margin": 0.0, "offload_victim": "newest"}, "block_size": 16, "num_blocks": 20, )"
    R"("max_num_batched_tokens": 64, "max_num_seqs": 8, "gpu": "any"}}
{"request": 0, "seen_us": 100.25, "prompt": 100, "max_tokens": 3}
{"step": 0, "schedule_us": 100.25, "end_us": 5000, "shares": [[0, 64, 0]], "gpu_ms": 4}
{"request": 1, "seen_us": 5002, "prompt": 40, "max_tokens": 2}
{"step": 1, "schedule_us": 5002, "end_us": 9000, "shares": [[0, 36, 64], [1, 28, 0]]}
{"step": 2, "schedule_us": 9001, "end_us": 12000, "shares": [[1, 12, 28], [0, 1, 100]]}
{"step": 3, "schedule_us": 12010, "end_us": 13000, "shares": [[0, 1, 101], [1, 1, 40]]}
)";

StepLog log_of(const std::string& text) {
  std::istringstream stream(text);
  return read_step_log(stream, "steps.jsonl");
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kLog;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST_CASE("a log is replayed with its own times") {
  const StepLog log = log_of(kLog);
  CHECK(log.requests.size() == 2);
  CHECK(log.requests[0].seen_ps == 100'250'000);
  CHECK(log.words.at("offload_victim") == "newest");
  CHECK(log.steps_before_preemption == 4);
  // Request 1 is seen at 5002 us, 2 us after step 0 ended, and is in step 1 all the same: a step
  // lasts until the engine began the next.
  const ReplayedSteps replayed = replay_steps(log);
  CHECK(replayed.difference.empty());
  CHECK(replayed.equal == 4);
  CHECK(replayed.equal_from_start == 4);
  CHECK(replayed.late == 0);
  CHECK(replayed.steps[1].schedule_ps == 5'002'000'000);
  CHECK(replayed.steps[3].end_ps == 13'000'000'000);
}

TEST_CASE("the first step that differs is told") {
  const ReplayedSteps other = replay_steps(log_of(with("[1, 28, 0]", "[1, 20, 0]")));
  CHECK(other.equal_from_start == 1);
  CHECK(other.equal == 3);
  CHECK(other.difference == "step 1: the engine ran 0:36@64 1:20@0, the replica 0:36@64 1:28@0");
  // A request of one more token needs one more step.
  const ReplayedSteps longer = replay_steps(log_of(with("\"max_tokens\": 2", "\"max_tokens\": 3")));
  CHECK(longer.equal == 4);
  CHECK(longer.difference == "the engine ran 4 steps, the replica 5");
}

TEST_CASE("what came after a preemption is counted apart") {
  const StepLog log =
      log_of(with("{\"step\": 3", "{\"preempted\": [1], \"schedule_us\": 12001}\n{\"step\": 3"));
  CHECK(log.steps.size() == 4);
  CHECK(log.steps_before_preemption == 3);
}

TEST_CASE("what is no log is one line with its place") {
  const auto refused = [](const std::string& text, const char* what) {
    CHECK_THROWS_WITH_AS(static_cast<void>(log_of(text)), doctest::Contains(what), TraceError);
  };
  refused("{\"request\": 1, \"seen_us\": 1, \"prompt\": 1, \"max_tokens\": 1}\n",
          "steps.jsonl:1: requests are not numbered");
  refused("{\"step\": 0}\n", "steps.jsonl:1: ");
  refused("not json\n", "steps.jsonl:1: ");
  refused("", "meta");
}

}  // namespace
}  // namespace orrery::validation
