// SPDX-License-Identifier: Apache-2.0
#include "tests/house/source_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace orrery::house {
namespace {

namespace fs = std::filesystem;

/// Where the raw string that opens at `quote` (its `"`) ends: one past its closing quote.
std::size_t end_of_raw_string(std::string_view text, std::size_t quote) {
  const std::size_t open = text.find('(', quote);
  if (open == std::string_view::npos) return text.size();
  const std::string close = ")" + std::string(text.substr(quote + 1, open - quote - 1)) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

/// Where the literal that opens at `quote` ends: one past its closing mark, or at the line's end.
std::size_t end_of_literal(std::string_view text, std::size_t quote) {
  for (std::size_t i = quote + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[quote]) {
      return i + 1;
    } else if (text[i] == '\n') {
      return i;
    }
  }
  return text.size();
}

bool is_digit_separator(std::string_view text, std::size_t quote) {
  return quote > 0 && text[quote] == '\'' &&
         std::isalnum(static_cast<unsigned char>(text[quote - 1])) != 0 &&
         quote + 1 < text.size() &&
         std::isxdigit(static_cast<unsigned char>(text[quote + 1])) != 0 &&
         (quote + 2 >= text.size() || text[quote + 2] != '\'');
}

void blank(std::string& code, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < std::min(to, code.size()); ++i) {
    if (code[i] != '\n') code[i] = ' ';
  }
}

std::string without_comments_and_literals(std::string_view text) {
  std::string code(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("//")) {
      const std::size_t end = std::min(text.find('\n', i), text.size());
      blank(code, i, end);
      i = end;
    } else if (rest.starts_with("/*")) {
      const std::size_t close = text.find("*/", i + 2);
      const std::size_t end = close == std::string_view::npos ? text.size() : close + 2;
      blank(code, i, end);
      i = end - 1;
    } else if (rest.starts_with("R\"")) {
      const std::size_t end = end_of_raw_string(text, i + 1);
      blank(code, i + 2, end - 1);
      i = end - 1;
    } else if ((text[i] == '"' || text[i] == '\'') && !is_digit_separator(text, i)) {
      const std::size_t end = end_of_literal(text, i);
      blank(code, i + 1, end - 1);
      i = end - 1;
    }
  }
  return code;
}

/// Comments are blanked in `code`, so a commented include is none; the path is taken from `text`.
std::vector<Include> includes_of(std::string_view text, std::string_view code) {
  std::vector<Include> includes;
  const auto code_lines = lines_of(code);
  const auto text_lines = lines_of(text);
  for (std::size_t i = 0; i < code_lines.size(); ++i) {
    const std::size_t hash = code_lines[i].find_first_not_of(' ');
    if (hash == std::string_view::npos || code_lines[i][hash] != '#') continue;
    const std::size_t word = code_lines[i].find("include", hash);
    if (word == std::string_view::npos) continue;
    const std::size_t open = text_lines[i].find_first_of("<\"", word);
    if (open == std::string_view::npos) continue;
    const bool angled = text_lines[i][open] == '<';
    const std::size_t close = text_lines[i].find(angled ? '>' : '"', open + 1);
    includes.push_back({std::string(text_lines[i].substr(open + 1, close - open - 1)), angled,
                        static_cast<int>(i) + 1});
  }
  return includes;
}

fs::path root() { return ORRERY_SOURCE_DIR; }

std::string read_file(const fs::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

SourceFile parse_source(std::string path, std::string text) {
  SourceFile file;
  file.code = without_comments_and_literals(text);
  file.includes = includes_of(text, file.code);
  file.path = std::move(path);
  file.text = std::move(text);
  return file;
}

std::vector<SourceFile> sources_below(const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    if (!fs::exists(root() / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh") {
        paths.push_back(entry.path().lexically_relative(root()).generic_string());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<SourceFile> files;
  files.reserve(paths.size());
  for (const std::string& path : paths)
    files.push_back(parse_source(path, read_file(root() / path)));
  return files;
}

std::string read_from_tree(const std::string& path) {
  REQUIRE_MESSAGE(fs::exists(root() / path), path);
  return read_file(root() / path);
}

int line_of(std::string_view text, std::size_t offset) {
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(offset), '\n'));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string finding(std::string_view path, int line, std::string_view what) {
  return std::string(path) + ":" + std::to_string(line) + ": " + std::string(what);
}

std::string joined(const Findings& findings) {
  std::string all;
  for (const std::string& one : findings) all += one + "\n";
  return all;
}

TEST_CASE("comments and literals are blanked, lines and columns stay") {
  const SourceFile file = parse_source("a.cpp",
                                       "#include <map>  // not <set>\n"
                                       "// #include <set>\n"
                                       "int x = 1'000; char c = 'r', q = '\\'';\n"
                                       "auto s = \"rand() // \\\" still\"; /* rand()\n"
                                       "rand() */ rand();\n"
                                       "auto r = R\"x(rand() )\" )x\"; f();\n");
  REQUIRE(file.code.size() == file.text.size());
  CHECK(file.includes.size() == 1);
  CHECK(file.includes[0].path == "map");
  // The only call that is left is the one after the comment, on line 5.
  CHECK(file.code.find("rand") == file.code.rfind("rand"));
  CHECK(line_of(file.code, file.code.find("rand")) == 5);
  CHECK(file.code.find("1'000; char") != std::string::npos);
  CHECK(file.code.find("f();") != std::string::npos);
}

}  // namespace orrery::house
