// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/row_reader_base.h"

#include <fmt/format.h>

#include <cstddef>

namespace orrery {
namespace {

/// Far above any context window, far below what could overflow a sum of spans.
constexpr std::uint64_t kMostTokens = 1U << 30;

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string result = "'";
  for (const char c : text.substr(0, kShown)) {
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return result + (text.size() > kShown ? "...'" : "'");
}

std::vector<std::string> RowReaderBase::remarks() const {
  if (without_tokens_ == 0) return {};
  return {fmt::format("{} rows without input or output tokens were skipped.", without_tokens_)};
}

std::int32_t RowReaderBase::tokens(std::string_view column, std::string_view text) const {
  const std::optional<std::uint64_t> count = parse_whole(text);
  if (count && *count <= kMostTokens) return static_cast<std::int32_t>(*count);
  if (text.empty()) lines_.fail(column, "is empty");
  if (text.starts_with('-')) lines_.fail(column, quoted(text) + " is negative");
  if (count) lines_.fail(column, quoted(text) + " is more tokens than any model takes");
  lines_.fail(column, quoted(text) + " is not a whole number");
}

TraceTime RowReaderBase::time(std::string_view column, std::string_view text, int digits) const {
  const std::optional<TraceTime> value = parse_decimal(text, digits);
  if (!value) lines_.fail(column, quoted(text) + " is not a time");
  if (*value < 0) lines_.fail(column, quoted(text) + " is negative");
  return *value;
}

bool RowReaderBase::has_tokens(const TraceRow& row, std::string_view input_column,
                               std::string_view output_column) {
  if (row.input_tokens > 0 && row.output_tokens > 0) return true;
  if (zero_tokens_ == ZeroTokens::kError) {
    lines_.fail(row.input_tokens == 0 ? input_column : output_column,
                "is 0; zero_tokens: skip leaves such rows out and counts them");
  }
  ++without_tokens_;
  return false;
}

}  // namespace orrery
