// SPDX-License-Identifier: Apache-2.0
//
// Step-by-step recordings of vLLM's own V1 scheduler as JSON: one case a file. Times are
// microseconds; a step takes step_base_us + step_per_token_us * tokens.
#ifndef ORRERY_TESTS_GOLDEN_RECORDING_H_
#define ORRERY_TESTS_GOLDEN_RECORDING_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace orrery::golden {

struct Case {
  std::string name;
  bool async = false;
  bool priority = false;
  std::int32_t max_num_seqs = 0;
  std::int32_t max_num_batched_tokens = 0;
  std::int32_t max_model_len = 0;
  std::int64_t long_prefill_token_threshold = 0;
  bool enable_chunked_prefill = true;
  bool enable_prefix_caching = true;
  bool scheduler_reserve_full_isl = true;
  double watermark = 0;
  std::int32_t block_size = 16;
  std::int64_t num_gpu_blocks = 0;  // the null block included
  std::int64_t step_base_us = 0;
  std::int64_t step_per_token_us = 0;
  std::int64_t idle_sleep_us = 0;
  std::int64_t max_steps = 0;
  std::string stop_reason;

  struct Request {
    std::string id;
    std::int64_t arrival_us = 0;
    std::int32_t priority = 0;
    std::int32_t prompt_len = 0;
    std::vector<std::pair<std::string, std::int32_t>> segments;
    std::int32_t max_tokens = 0;
    std::int32_t eos_at_output = 0;  // 0: none
  };
  std::vector<Request> requests;

  /// One schedule() call as text, so that two recordings compare line by line.
  std::vector<std::string> steps;
  /// One finished (or not) request as text, in the order of the file.
  std::vector<std::string> results;
};

[[nodiscard]] Case read_case(const std::filesystem::path& path);

/// What Orrery's replica does with the case, in the same words. `step_by_step` records every step;
/// without it only results and the fingerprint come back.
struct Replay {
  std::vector<std::string> steps;
  std::vector<std::string> results;
  std::uint64_t fingerprint = 0;
};
[[nodiscard]] Replay replay(const Case& golden, bool step_by_step);

}  // namespace orrery::golden

#endif  // ORRERY_TESTS_GOLDEN_RECORDING_H_
