// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/json_line.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <string>

#include "sim/workload/row_reader_base.h"

namespace orrery {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_number_character(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

JsonLine::JsonLine(const LineReader& lines, std::string_view text)
    : lines_(&lines), begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {
  skip_blanks();
  expect('{');
}

void JsonLine::fail(std::string_view what) const {
  throw TraceError(
      Position{lines_->name(), lines_->line_number(), static_cast<int>(at_ - begin_) + 1}, key_,
      what);
}

void JsonLine::skip_blanks() {
  while (at_ < end_ && is_blank(*at_)) ++at_;
}

void JsonLine::expect(char c) {
  if (peek() == c && at_ < end_) {
    ++at_;
    return;
  }
  fail(at_ == end_ ? fmt::format("the JSON object ends where '{}' is expected", c)
                   : fmt::format("'{}' is expected", c));
}

std::string_view JsonLine::string() {
  expect('"');
  const char* const start = at_;
  for (;;) {
    while (at_ < end_ && *at_ != '"' && *at_ != '\\') ++at_;
    if (at_ == end_) fail("a string has no end");
    if (*at_ == '"') break;
    if (end_ - at_ < 2) fail("a string has no end");
    at_ += 2;
  }
  return {start, static_cast<std::size_t>(at_++ - start)};
}

bool JsonLine::next_key() {
  key_ = {};
  skip_blanks();
  const bool ends = peek() == '}';
  if (!ends && !first_) {
    expect(',');
    skip_blanks();
  }
  first_ = false;
  if (ends) {
    ++at_;
    skip_blanks();
    if (at_ != end_) fail("something follows the JSON object");
    return false;
  }
  const std::string_view name = string();
  skip_blanks();
  expect(':');
  skip_blanks();
  key_ = name;
  return true;
}

std::string_view JsonLine::number() {
  const char* const start = at_;
  while (at_ < end_ && is_number_character(*at_)) ++at_;
  if (at_ == start) fail("is not a number");
  return {start, static_cast<std::size_t>(at_ - start)};
}

void JsonLine::whole_numbers(std::vector<std::uint64_t>& ids) {
  expect('[');
  skip_blanks();
  if (peek() == ']') {
    ++at_;
    return;
  }
  for (;;) {
    std::uint64_t id = 0;
    const auto [after, error] = std::from_chars(at_, end_, id);
    if (error != std::errc()) fail("holds something that is not a whole number of 64 bits");
    at_ = after;
    ids.push_back(id);
    skip_blanks();
    if (peek() == ']') break;
    expect(',');
    skip_blanks();
  }
  ++at_;
}

void JsonLine::skip_scalar() {
  const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
  for (const std::string_view word : {"true", "false", "null"}) {
    if (!rest.starts_with(word)) continue;
    at_ += word.size();
    return;
  }
  static_cast<void>(number());
}

void JsonLine::skip() {
  int depth = 0;
  do {
    skip_blanks();
    switch (peek()) {
      case '"':
        static_cast<void>(string());
        break;
      case '[':
      case '{':
        ++depth;
        ++at_;
        break;
      case ']':
      case '}':
        if (depth == 0) fail("has no value");
        --depth;
        ++at_;
        break;
      case ',':
      case ':':
        if (depth == 0) fail("has no value");
        ++at_;
        break;
      default:
        if (at_ == end_) fail("the JSON object has no end");
        skip_scalar();
    }
  } while (depth > 0);
}

}  // namespace orrery
