// SPDX-License-Identifier: Apache-2.0
//
// The log of a real engine's steps, and what Orrery's replica does when it is given the same
// requests at the same moments and each step takes as long as it took: what is left to compare are
// the decisions. A log is JSON Lines, times in microseconds of one clock:
//
//   {"meta": {"scheduler": "hf-continuous-batching", "options": {"safety_margin": 0.15},
//             "block_size": 256, "num_blocks": 1000, "max_num_batched_tokens": 8192,
//             "max_num_seqs": 1024}}
//   {"request": 0, "seen_us": 12.5, "prompt": 100, "max_tokens": 20}     seen by the engine
//   {"step": 0, "schedule_us": 12.5, "end_us": 9000, "shares": [[0, 100, 0]]}
//   {"preempted": [3], "schedule_us": 17000}                             a turn that ran nothing
//
// A share is a request, its tokens in the step, and those computed before. Other keys are read
// over.
#ifndef ORRERY_TESTS_VALIDATION_STEP_REPLAY_H_
#define ORRERY_TESTS_VALIDATION_STEP_REPLAY_H_

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace orrery::validation {

struct LoggedStep {
  std::int64_t schedule_ps = 0;
  std::int64_t end_ps = 0;
  /// Request, tokens, computed before; by request.
  struct Share {
    std::uint32_t request = 0;
    std::int32_t tokens = 0;
    std::int32_t computed_before = 0;
    friend auto operator<=>(const Share&, const Share&) = default;
  };
  std::vector<Share> shares;
};

struct LoggedRequest {
  std::int64_t seen_ps = 0;
  std::int32_t prompt = 0;
  std::int32_t max_tokens = 0;
};

struct StepLog {
  std::string scheduler;
  std::map<std::string, double> numbers;     // the scheduler's options
  std::map<std::string, std::string> words;  // and those that are choices
  std::int32_t block_size = 0;
  std::int64_t num_blocks = 0;
  std::int32_t max_num_batched_tokens = 0;
  std::int32_t max_num_seqs = 0;
  std::vector<LoggedRequest> requests;  // by number
  std::vector<LoggedStep> steps;        // that ran something
  /// Steps before the first preemption; all if there was none.
  std::size_t steps_before_preemption = 0;
};

/// Throws TraceError with `name` and the line for what is not such a log.
[[nodiscard]] StepLog read_step_log(std::istream& text, const std::string& name);

struct ReplayedSteps {
  std::vector<LoggedStep> steps;
  /// Steps from the first on that have the same shares.
  std::size_t equal_from_start = 0;
  /// All of those that have the same shares as the logged step of their number.
  std::size_t equal = 0;
  /// The first difference in a sentence; empty if there is none.
  std::string difference;
  /// Steps that began later than they were logged to end: time cannot be fed back then.
  std::size_t late = 0;
};

[[nodiscard]] ReplayedSteps replay_steps(const StepLog& log);

}  // namespace orrery::validation

#endif  // ORRERY_TESTS_VALIDATION_STEP_REPLAY_H_
