// SPDX-License-Identifier: Apache-2.0
//
// vLLM's log with `--enable-logging-iteration-details`, one line a step (vllm/v1/engine/core.py,
// log_iteration_details):
//
//   INFO 11-21 10:00:00 [core.py:388] Iteration(7): 1 context requests, 512 context tokens, 9
//   generation requests, 9 generation tokens, iteration elapsed time: 12.34 ms
//
// all on one line, with anything before `Iteration(`. The time is how long the engine's loop waited
// for the step's result. Dummy iterations of data-parallel ranks (` (dummy)`) are left out. Beside
// them, where they stand: the periodic `Running: 5 reqs`, `GPU KV cache usage: 12.3%`, and from the
// start `GPU KV cache size: 41,408 tokens` and `Asynchronous scheduling is enabled.` Other lines
// are passed over.
#ifndef ORRERY_SIM_STUDY_CALIBRATION_LOG_READER_H_
#define ORRERY_SIM_STUDY_CALIBRATION_LOG_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct LoggedStep {
  std::int64_t context_requests = 0;
  std::int64_t context_tokens = 0;
  std::int64_t generation_requests = 0;
  std::int64_t generation_tokens = 0;
  double elapsed_ms = 0;
  /// Of the line, counted in seconds from the year's begin; absent where it bears no time.
  std::optional<double> logged_s;
  /// Which engine of the file wrote it: processes of data-parallel ranks share one.
  std::size_t engine = 0;
  /// KV tokens of all requests, interpolated between the periodic lines; absent without them.
  std::optional<double> kv_tokens;

  [[nodiscard]] std::int64_t requests() const { return context_requests + generation_requests; }
  [[nodiscard]] std::int64_t tokens() const { return context_tokens + generation_tokens; }
};

struct EngineLog {
  std::vector<LoggedStep> steps;
  std::int64_t dummies = 0;
  std::int64_t engines = 0;
  /// Absent: the log does not say.
  std::optional<bool> async_scheduling;
  std::optional<std::int64_t> kv_cache_tokens;
  std::string model;
};

/// Reads a log (plain, gzip or zstd). Throws TraceError with file, line and column for an iteration
/// or a periodic line that breaks off or has no number where one belongs.
[[nodiscard]] EngineLog read_engine_log(const std::string& path);
/// The same from text; `name` is what errors call it.
[[nodiscard]] EngineLog read_engine_log_text(std::string_view text, const std::string& name);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_LOG_READER_H_
