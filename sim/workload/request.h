// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_REQUEST_H_
#define ORRERY_SIM_WORKLOAD_REQUEST_H_

#include <cstdint>
#include <vector>

#include "sim/core/hash.h"
#include "sim/core/ids.h"
#include "sim/core/units.h"

namespace orrery {

/// Which text a stretch of tokens is. Two stretches with equal ids hold the same tokens from their
/// beginnings: one of 100 tokens is a prefix of one of 128. Different ids never share a token.
enum class ContentId : std::uint64_t {};

/// The text only this request has, and the text it generates. A next turn of a session names its
/// predecessors' prompt and generated text, so that prefix hits are the real generated blocks.
[[nodiscard]] constexpr ContentId unique_content(RequestId id) {
  return ContentId{mix(0x756e69717565U, index_of(id))};
}
[[nodiscard]] constexpr ContentId generated_content(RequestId id) {
  return ContentId{mix(0x67656e6572617465U, index_of(id))};
}
/// The text behind a published hash id (`space` keeps different files' ids apart).
[[nodiscard]] constexpr ContentId hashed_content(std::uint64_t space, std::uint64_t hash_id) {
  return ContentId{mix(mix(0x686173685f6964U, space), hash_id)};
}

struct ContentSpan {
  ContentId content{};
  std::int32_t tokens = 0;
};

/// One request as its trace tells it. `output_tokens` is what happens; `max_tokens` is what the
/// engine is told. A request whose output_tokens reach max_tokens ends by length, else by EOS.
struct Request {
  RequestId id{};
  Instant arrival;
  std::int32_t input_tokens = 0;
  std::int32_t output_tokens = 0;
  /// 0: none given; the engine then knows only its max_model_len.
  std::int32_t max_tokens = 0;
  /// Smaller is more important, as vLLM has it.
  std::int32_t priority = 0;
  SessionId session = kNoSession;
  /// The prompt as a sequence of spans, summing to input_tokens. Empty: all of it is
  /// unique_content(id).
  std::vector<ContentSpan> prompt;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_REQUEST_H_
