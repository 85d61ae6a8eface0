// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_HOUSE_SOURCE_FILE_H_
#define ORRERY_TESTS_HOUSE_SOURCE_FILE_H_

#include <string>
#include <string_view>
#include <vector>

namespace orrery::house {

struct Include {
  /// `sim/core/units.h` or `fmt/format.h`, without the marks around it.
  std::string path;
  bool angled = false;
  int line = 0;
};

/// A C++ file as the house rules look at it.
struct SourceFile {
  /// From the root of the tree, with `/`.
  std::string path;
  std::string text;
  /// `text` with comments and what stands in quotes blanked; as many lines, each as long.
  std::string code;
  std::vector<Include> includes;

  [[nodiscard]] bool is_header() const { return path.ends_with(".h"); }
};

[[nodiscard]] SourceFile parse_source(std::string path, std::string text);

/// The C++ files below these folders of the tree, ordered by path. A folder that is not there has
/// none.
[[nodiscard]] std::vector<SourceFile> sources_below(const std::vector<std::string>& folders);

/// The whole of a file, by its path from the root of the tree. Fails the test if it is not there.
[[nodiscard]] std::string read_from_tree(const std::string& path);

/// 1-based line of an offset into a text.
[[nodiscard]] int line_of(std::string_view text, std::size_t offset);

[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// What a rule found: `path:line: what`, one string each, so that a failure prints them all.
using Findings = std::vector<std::string>;
[[nodiscard]] std::string finding(std::string_view path, int line, std::string_view what);
[[nodiscard]] std::string joined(const Findings& findings);

}  // namespace orrery::house

#endif  // ORRERY_TESTS_HOUSE_SOURCE_FILE_H_
