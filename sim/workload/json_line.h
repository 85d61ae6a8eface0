// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_JSON_LINE_H_
#define ORRERY_SIM_WORKLOAD_JSON_LINE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/workload/line_reader.h"

namespace orrery {

/// Walks one JSON object a line without building a tree and without recursion. Numbers come as
/// their text, so that a time keeps its digits.
///
///   JsonLine json(lines, line);
///   while (json.next_key()) json.key() == "timestamp" ? use(json.number()) : json.skip();
///
/// What is malformed is refused with the line it stands in.
class JsonLine {
 public:
  JsonLine(const LineReader& lines, std::string_view text);

  /// Moves to the next key of the object; false at its end, after which nothing may follow.
  bool next_key();
  /// The raw text between the quotes: the keys of traces have no escapes.
  [[nodiscard]] std::string_view key() const { return key_; }

  /// The value as a number's text.
  [[nodiscard]] std::string_view number();
  /// The value as an array of whole numbers, appended to `ids`.
  void whole_numbers(std::vector<std::uint64_t>& ids);
  /// Passes over a value of any kind.
  void skip();

 private:
  void skip_blanks();
  void expect(char c);
  std::string_view string();
  void skip_scalar();
  [[nodiscard]] char peek() const { return at_ < end_ ? *at_ : '\0'; }
  [[noreturn]] void fail(std::string_view what) const;

  const LineReader* lines_;
  const char* begin_;
  const char* at_;
  const char* end_;
  std::string_view key_;
  bool first_ = true;
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_JSON_LINE_H_
