// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_LIVE_REQUEST_H_
#define ORRERY_SIM_SERVING_LIVE_REQUEST_H_

#include <cstdint>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/units.h"
#include "sim/kv/block_keys.h"
#include "sim/workload/request.h"

namespace orrery {

/// A place for a request while its replica knows it; reused when the request leaves.
enum class Slot : std::uint32_t {};
inline constexpr Slot kNoSlot{UINT32_MAX};
inline constexpr std::int64_t kNoStep = -1;

enum class LiveState : std::uint8_t { kFree, kWaiting, kPreempted, kRunning };

/// Everything the mechanism knows of one request. Token counts follow vLLM: `known` are the prompt
/// and the outputs that have arrived, `in_flight` outputs are being computed, `computed` have (or
/// will have, once the steps in flight are done) their KV.
///
/// A steady request decodes one token in every step of its lane, so `computed` and `known` stay as
/// they were when it became steady; SteadySet derives today's values.
struct LiveRequest {
  Request request;
  LiveState state = LiveState::kFree;
  bool steady = false;
  /// Its last output is known beforehand to be the last (max_tokens or max_model_len, not EOS).
  bool ends_foreseen = false;
  std::int32_t max_output_tokens = 0;     // what the engine may know: max_tokens, max_model_len
  std::int32_t target_output_tokens = 0;  // what will happen: also EOS

  std::int32_t computed = 0;
  std::int32_t known = 0;
  std::int32_t in_flight = 0;
  std::int32_t published_blocks = 0;  // blocks that carry a key
  std::vector<BlockId> blocks;
  KeyCursor keys;  // stands at block number published_blocks

  std::int64_t admission = 0;           // order in the running list
  std::int64_t last_sampled = kNoStep;  // the step that computed its newest output
  std::int64_t last_planned = kNoStep;  // the step that last scheduled it one by one
  std::int32_t plan_entry = -1;         // where in that step's plan

  // While steady: its lane; computed minus the lane's round, which stays the same; and where it
  // stands in its ring bucket.
  std::int32_t lane = 0;
  std::int64_t steady_offset = 0;
  std::uint32_t ring_index = 0;

  std::int32_t preemptions = 0;
  std::int32_t cached_tokens = 0;
  Instant sent;    // by its client
  Instant queued;  // by the frontend
  Instant first_scheduled = Instant::never();
  Instant first_token = Instant::never();
  Instant last_token = Instant::never();
  Instant client_first_token = Instant::never();
  Instant client_last_token = Instant::never();

  [[nodiscard]] std::int32_t outputs() const { return known - request.input_tokens; }
  /// Tokens that could be computed now.
  [[nodiscard]] std::int32_t demand() const { return known + in_flight - computed; }
};

/// The smallest number of blocks that hold so many tokens.
[[nodiscard]] constexpr std::int32_t blocks_for(std::int64_t tokens, std::int32_t block_tokens) {
  return static_cast<std::int32_t>((tokens + block_tokens - 1) / block_tokens);
}

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_LIVE_REQUEST_H_
