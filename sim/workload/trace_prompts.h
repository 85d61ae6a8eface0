// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_TRACE_PROMPTS_H_
#define ORRERY_SIM_WORKLOAD_TRACE_PROMPTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/workload/request.h"
#include "sim/workload/trace_row.h"

namespace orrery {

/// Which text a row's prompt is, by the block ids its file publishes.
class BlockPrompts {
 public:
  /// `space` keeps the ids of different files apart.
  BlockPrompts(std::int32_t block_tokens, std::string_view space);

  /// What is beyond the published blocks is text of the request's own. `rows` names the row where
  /// the ids are more than the prompt has room for.
  void fill(const TraceRow& row, const RowReader& rows, Request& request);
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  std::int32_t block_tokens_;
  std::uint64_t space_;
  std::int64_t rows_ = 0;
  std::int64_t with_fewer_blocks_ = 0;
};

/// Gives sessions dense numbers and, if `chained`, lets a turn's prompt begin with the prompt and
/// the answer of the turn before. Holds the last turn of every session.
class SessionTurns {
 public:
  explicit SessionTurns(bool chained) : chained_(chained) {}

  void fill(const TraceRow& row, Request& request);
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  struct Session {
    SessionId id{};
    RequestId last_request{};
    std::int32_t input_tokens = 0;
    std::int32_t output_tokens = 0;
    std::vector<ContentSpan> prompt;
  };
  void chain(Session& session, Request& request);

  bool chained_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::int64_t chained_turns_ = 0;
  std::int64_t fresh_turns_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_TRACE_PROMPTS_H_
