// SPDX-License-Identifier: Apache-2.0
//
// Which KV blocks hold the same tokens after the same prefix. vLLM chains SHA-256 over token ids;
// here tokens are known only as stretches of content, so a block's key is made of what came before
// its stretch, the stretch, and its place in it. Two blocks have equal keys if and only if their
// whole prefixes are equal (up to 64-bit collisions).
#ifndef ORRERY_SIM_KV_BLOCK_KEYS_H_
#define ORRERY_SIM_KV_BLOCK_KEYS_H_

#include <cstdint>
#include <span>

#include "sim/workload/request.h"

namespace orrery {

/// Blocks whose keys differ only in their place are kept together, this many in a group.
inline constexpr std::uint32_t kBlocksPerGroup = 32;

/// `count` consecutive blocks of one sequence that lie in one group, from place `first` on.
struct KeyRun {
  std::uint64_t group = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// Walks the keys of a sequence's full blocks from its beginning: first the prompt's spans, then
/// what the request generates, which has no end. Cheap to copy.
class KeyCursor {
 public:
  KeyCursor() = default;
  KeyCursor(const Request& request, std::int32_t block_tokens);

  /// The next blocks' keys, at most `limit` (> 0) and as many as share a group. `request` is the
  /// one the cursor was made for.
  [[nodiscard]] KeyRun next(const Request& request, std::uint32_t limit);

 private:
  void enter_span(const Request& request, std::uint64_t before);
  void leave_span(const Request& request);
  [[nodiscard]] KeyRun straddling(const Request& request);

  std::uint64_t before_ = 0;         // hash of all spans before this one, with their lengths
  std::uint64_t span_key_ = 0;       // hash of before_ and this span's content
  std::int64_t span_left_ = 0;       // tokens of this span not yet covered
  std::uint32_t span_ = 0;           // index; prompt.size() (at least 1) is the generated text
  std::uint32_t block_in_span_ = 0;  // whole blocks of this span so far
  std::int32_t block_tokens_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_KV_BLOCK_KEYS_H_
