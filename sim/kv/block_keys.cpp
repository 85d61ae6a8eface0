// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/block_keys.h"

#include <algorithm>

#include "sim/core/hash.h"

namespace orrery {
namespace {

constexpr std::int64_t kEndless = INT64_MAX / 2;

/// Spans of the sequence: the prompt's (one of unique text where none are given), then the
/// generated text.
ContentSpan span_at(const Request& request, std::uint32_t index) {
  if (request.prompt.empty()) {
    if (index == 0) return {unique_content(request.id), request.input_tokens};
  } else if (index < request.prompt.size()) {
    return request.prompt[index];
  }
  return {generated_content(request.id), -1};
}

}  // namespace

KeyCursor::KeyCursor(const Request& request, std::int32_t block_tokens)
    : block_tokens_(block_tokens) {
  enter_span(request, 0);
}

void KeyCursor::enter_span(const Request& request, std::uint64_t before) {
  const ContentSpan span = span_at(request, span_);
  before_ = before;
  span_key_ = mix(before, static_cast<std::uint64_t>(span.content));
  span_left_ = span.tokens < 0 ? kEndless : span.tokens;
  block_in_span_ = 0;
}

void KeyCursor::leave_span(const Request& request) {
  const ContentSpan span = span_at(request, span_);
  // An empty span is no text at all: it must leave no trace in later keys.
  const std::uint64_t before =
      span.tokens == 0 ? before_ : mix(span_key_, static_cast<std::uint64_t>(span.tokens));
  ++span_;
  enter_span(request, before);
}

KeyRun KeyCursor::next(const Request& request, std::uint32_t limit) {
  while (span_left_ == 0) leave_span(request);
  if (span_left_ < block_tokens_) return straddling(request);
  const std::uint32_t place = block_in_span_ % kBlocksPerGroup;
  const std::int64_t whole =
      span_left_ >= static_cast<std::int64_t>(kBlocksPerGroup) * block_tokens_
          ? kBlocksPerGroup
          : span_left_ / block_tokens_;
  const std::uint32_t count =
      std::min({limit, kBlocksPerGroup - place, static_cast<std::uint32_t>(whole)});
  const KeyRun run{mix(span_key_, block_in_span_ / kBlocksPerGroup), place, count};
  block_in_span_ += count;
  span_left_ -= static_cast<std::int64_t>(count) * block_tokens_;
  return run;
}

KeyRun KeyCursor::straddling(const Request& request) {
  // What is left of this span is told from a whole block of it by its place, and what follows is
  // chained by content and by how many tokens of it the block takes.
  std::uint64_t key = mix(mix(span_key_, 0x7374726164646c65U), block_in_span_);
  std::int64_t missing = block_tokens_ - span_left_;
  key = mix(key, static_cast<std::uint64_t>(span_left_));
  span_left_ = 0;
  while (missing > 0) {
    leave_span(request);
    const std::int64_t taken = std::min(missing, span_left_);
    if (taken == 0) continue;
    const ContentSpan span = span_at(request, span_);
    key =
        mix(mix(key, static_cast<std::uint64_t>(span.content)), static_cast<std::uint64_t>(taken));
    span_left_ -= taken;
    missing -= taken;
  }
  return {key, 0, 1};
}

}  // namespace orrery
