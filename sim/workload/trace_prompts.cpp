// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/trace_prompts.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/hash.h"

namespace orrery {

BlockPrompts::BlockPrompts(std::int32_t block_tokens, std::string_view space)
    : block_tokens_(block_tokens), space_(hash_text(space)) {}

void BlockPrompts::fill(const TraceRow& row, const RowReader& rows, Request& request) {
  ++rows_;
  std::int64_t rest = request.input_tokens;
  for (const std::uint64_t id : row.hash_ids) {
    if (rest <= 0) {
      rows.fail(row, "hash_ids",
                fmt::format("{} blocks of {} tokens are more than a prompt of {} tokens has",
                            row.hash_ids.size(), block_tokens_, request.input_tokens));
    }
    const std::int64_t tokens = std::min<std::int64_t>(rest, block_tokens_);
    request.prompt.push_back({hashed_content(space_, id), static_cast<std::int32_t>(tokens)});
    rest -= tokens;
  }
  if (rest >= block_tokens_) ++with_fewer_blocks_;
  if (rest > 0) {
    request.prompt.push_back({unique_content(request.id), static_cast<std::int32_t>(rest)});
  }
}

std::vector<std::string> BlockPrompts::remarks() const {
  if (rows_ == 0) return {};
  std::vector<std::string> result;
  result.push_back(fmt::format(
      "The trace shows shared prompts in blocks of {} tokens: finer reuse, and reuse of generated "
      "text, is invisible in it, so prefix hits are a lower bound.",
      block_tokens_));
  if (with_fewer_blocks_ > 0) {
    result.push_back(
        fmt::format("{} prompts have fewer block ids than full blocks; the rest counts as text of "
                    "their own.",
                    with_fewer_blocks_));
  }
  return result;
}

void SessionTurns::fill(const TraceRow& row, Request& request) {
  if (!row.has_session) return;
  const auto next = SessionId{static_cast<std::uint32_t>(sessions_.size())};
  const auto [at, is_new] = sessions_.try_emplace(row.session);
  Session& session = at->second;
  if (is_new) session.id = next;
  request.session = session.id;
  if (chained_) chain(session, request);
}

void SessionTurns::chain(Session& session, Request& request) {
  const std::int64_t history = std::int64_t{session.input_tokens} + session.output_tokens;
  if (history > 0 && request.input_tokens >= history) {
    request.prompt.assign(session.prompt.begin(), session.prompt.end());
    request.prompt.push_back({generated_content(session.last_request), session.output_tokens});
    ++chained_turns_;
  } else if (history > 0) {
    ++fresh_turns_;
  }
  const std::int64_t held = request.prompt.empty() ? 0 : history;
  if (request.input_tokens > held) {
    request.prompt.push_back(
        {unique_content(request.id), static_cast<std::int32_t>(request.input_tokens - held)});
  }
  session.last_request = request.id;
  session.input_tokens = request.input_tokens;
  session.output_tokens = request.output_tokens;
  session.prompt.assign(request.prompt.begin(), request.prompt.end());
}

std::vector<std::string> SessionTurns::remarks() const {
  if (!chained_) return {};
  std::vector<std::string> result;
  result.push_back(fmt::format(
      "{} turns are taken to begin with their session's last prompt and answer.", chained_turns_));
  if (fresh_turns_ > 0) {
    result.push_back(fmt::format(
        "{} turns are shorter than their session so far and share nothing with it.", fresh_turns_));
  }
  return result;
}

}  // namespace orrery
