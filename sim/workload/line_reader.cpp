// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/line_reader.h"

#include <climits>
#include <cstring>
#include <utility>

namespace orrery {
namespace {

constexpr std::size_t kFirstBuffer = std::size_t{1} << 18;
/// A million-token prompt in 16-token blocks is a line of about 1 MB; this is a wrong file.
constexpr std::size_t kLongestLine = std::size_t{1} << 26;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteSource> bytes, std::string name)
    : bytes_(std::move(bytes)), name_(std::move(name)), buffer_(kFirstBuffer) {}

bool LineReader::next(std::string_view& line) {
  while (next_raw(line)) {
    if (line_number_ == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (line.find_first_not_of(" \t") != std::string_view::npos) return true;
  }
  return false;
}

bool LineReader::next_raw(std::string_view& line) {
  std::size_t searched = begin_;
  for (;;) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (found != nullptr) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      line = std::string_view(buffer_.data() + begin_, at - begin_);
      begin_ = at + 1;
      break;
    }
    const std::size_t pending = end_ - begin_;
    if (!fill()) {
      if (pending == 0) return false;
      line = std::string_view(buffer_.data() + begin_, pending);
      begin_ = end_;
      break;
    }
    searched = begin_ + pending;
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line_number_ == INT_MAX) fail("", "more lines than can be counted");
  ++line_number_;
  return true;
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= kLongestLine) {
      ++line_number_;
      fail("", "the line is longer than 64 MiB");
    }
    buffer_.resize(buffer_.size() * 2);
  }
  const std::size_t got = bytes_->read(std::span(buffer_).subspan(end_));
  end_ += got;
  return got > 0;
}

void LineReader::fail(std::string_view column, std::string_view what) const {
  throw TraceError(Position{name_, line_number_, 0}, column, what);
}

}  // namespace orrery
