// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "sim/core/errors.h"

namespace orrery::hbm {
namespace {

/// Enough of a file to tell text from words: any 64-bit word of an address has a zero byte.
constexpr std::size_t kLookedAt = 64;

bool is_text(std::string_view bytes) {
  return std::ranges::all_of(bytes.substr(0, kLookedAt), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\n' || c == '\r' || c == '\t' || (byte >= 0x20 && byte < 0x7f);
  });
}

std::optional<bool> is_write(std::string_view word) {
  if (word == "R" || word == "READ" || word == "LD") return false;
  if (word == "W" || word == "WRITE" || word == "ST") return true;
  return std::nullopt;
}

std::optional<std::uint64_t> number(std::string_view word) {
  const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
  if (hexadecimal) word.remove_prefix(2);
  std::uint64_t value = 0;
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, value, hexadecimal ? 16 : 10);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

class TextParser {
 public:
  TextParser(MemoryTrace& trace, std::string_view bytes) : trace_(trace), bytes_(bytes) {}

  void parse() {
    while (!bytes_.empty()) {
      const std::size_t end = std::min(bytes_.find('\n'), bytes_.size());
      std::string_view line = bytes_.substr(0, end);
      bytes_.remove_prefix(std::min(end + 1, bytes_.size()));
      ++line_;
      split(line);
      if (count_ > 0) add();
    }
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw TraceError({trace_.name, line_, 0}, "", what);
  }

  void split(std::string_view line) {
    count_ = 0;
    while (true) {
      const std::size_t begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) return;
      if (count_ == words_.size()) fail("more than three words");
      line.remove_prefix(begin);
      const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
      words_[count_++] = line.substr(0, end);
      line.remove_prefix(end);
    }
  }

  void add() {
    if (count_ < 2) fail("expected an address and R or W, as in 'R 0x1000'");
    const std::optional<bool> first = is_write(words_[0]);
    const std::optional<bool> write = first ? first : is_write(words_[1]);
    const std::optional<std::uint64_t> address = number(first ? words_[1] : words_[0]);
    if (!write || !address) fail("expected an address and R or W, as in 'R 0x1000'");
    if (*address >= MemoryTrace::kWrite) fail("the address has more than 63 bits");
    trace_.accesses.push_back(*address | (*write ? MemoryTrace::kWrite : 0));
    trace_.lines.push_back(static_cast<std::uint32_t>(line_));
    if (count_ == 3) add_time();
    if (!trace_.arrivals.empty() && trace_.arrivals.size() != trace_.accesses.size()) {
      fail("some accesses have a time and some have none");
    }
  }

  void add_time() {
    const std::optional<std::uint64_t> time = number(words_[2]);
    if (!time || *time > (std::uint64_t{1} << 56)) fail("the time is not a count of clocks");
    const auto clock = static_cast<std::int64_t>(*time);
    if (!trace_.arrivals.empty() && clock < trace_.arrivals.back()) fail("time goes backwards");
    trace_.arrivals.push_back(clock);
  }

  MemoryTrace& trace_;
  std::string_view bytes_;
  int line_ = 0;
  std::array<std::string_view, 3> words_;
  std::size_t count_ = 0;
};

}  // namespace

std::string MemoryTrace::place(std::size_t index) const {
  if (lines.empty()) return name + ": access " + std::to_string(index + 1);
  return name + ":" + std::to_string(lines[index]);
}

MemoryTrace parse_memory_trace(std::string_view bytes, std::string name) {
  std::vector<std::uint64_t> buffer(bytes.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return parse_memory_trace(std::move(buffer), bytes.size(), std::move(name));
}

MemoryTrace parse_memory_trace(std::vector<std::uint64_t> buffer, std::size_t bytes,
                               std::string name) {
  MemoryTrace trace;
  trace.name = std::move(name);
  const std::string_view text(reinterpret_cast<const char*>(buffer.data()), bytes);
  if (is_text(text)) {
    TextParser(trace, text).parse();
  } else if (bytes % sizeof(std::uint64_t) != 0) {
    throw TraceError({trace.name, 0, 0}, "",
                     "is neither text nor whole 64-bit words: " + std::to_string(bytes) + " bytes");
  } else {
    buffer.resize(bytes / sizeof(std::uint64_t));
    trace.accesses = std::move(buffer);
  }
  if (trace.accesses.empty()) throw TraceError({trace.name, 0, 0}, "", "has no accesses");
  return trace;
}

}  // namespace orrery::hbm
