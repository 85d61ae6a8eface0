// SPDX-License-Identifier: Apache-2.0
//
// What a reader of one file cannot see at a glance and no other tool checks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "tests/house/source_file.h"

namespace orrery::house {
namespace {

constexpr std::string_view kLicense = "SPDX-License-Identifier: Apache-2.0";
constexpr std::size_t kMostColumns = 100;
constexpr std::size_t kMostLines = 600;

/// Files that are longer than kMostLines, each with the reason why it is not split.
const std::map<std::string, std::string>& long_files() {
  static const std::map<std::string, std::string> kFiles = {};
  return kFiles;
}

/// Headers that take seconds to compile: they stay in the few .cpp files that need them.
constexpr std::string_view kHeavyHeaders[] = {"yaml-cpp/", "nlohmann/json.hpp", "boost/",
                                              "Eigen/",    "sqlite3.h",         "regex"};

std::vector<SourceFile> own_sources() {
  return sources_below({"sim", "models", "kernels", "tests", "bench"});
}

/// Code points, so that a line of Greek is as wide as it looks.
std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string guard_of(std::string_view path) {
  std::string guard = "ORRERY_";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    guard += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return guard + "_";
}

void check_size(const SourceFile& file, Findings& findings) {
  const auto lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns_of(lines[i]) > kMostColumns) {
      findings.push_back(finding(file.path, static_cast<int>(i) + 1, "more than 100 columns"));
    }
  }
  if (lines.size() > kMostLines && !long_files().contains(file.path)) {
    findings.push_back(finding(file.path, static_cast<int>(lines.size()),
                               "more than 600 lines: split it, or list it in long_files()"));
  }
}

void check_header(const SourceFile& file, Findings& findings) {
  const std::string guard = guard_of(file.path);
  if (file.text.find("#ifndef " + guard + "\n#define " + guard + "\n") == std::string::npos) {
    findings.push_back(finding(file.path, 1, "the include guard is not " + guard));
  }
  for (const Include& include : file.includes) {
    for (const std::string_view heavy : kHeavyHeaders) {
      if (include.path.starts_with(heavy)) {
        findings.push_back(
            finding(file.path, include.line, "<" + include.path + "> belongs into a .cpp file"));
      }
    }
  }
}

Findings style_findings(const SourceFile& file) {
  Findings findings;
  if (!file.text.starts_with("// " + std::string(kLicense) + "\n")) {
    findings.push_back(finding(file.path, 1, "the first line is not the SPDX line"));
  }
  check_size(file, findings);
  if (file.is_header()) check_header(file, findings);
  return findings;
}

/// A source that has a header of its own includes it first, which proves that the header is whole.
Findings own_header_findings(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".cpp")) continue;
    const std::string header = file.path.substr(0, file.path.size() - 4) + ".h";
    const bool has_header = std::any_of(
        files.begin(), files.end(), [&](const SourceFile& other) { return other.path == header; });
    if (has_header && (file.includes.empty() || file.includes[0].path != header)) {
      findings.push_back(finding(file.path, 1, "its own header is not included first"));
    }
  }
  return findings;
}

TEST_CASE("licence, width, length, guards, and what headers include") {
  Findings findings;
  const auto files = own_sources();
  REQUIRE(files.size() > 10);
  for (const SourceFile& file : files) {
    for (std::string& one : style_findings(file)) findings.push_back(std::move(one));
  }
  for (std::string& one : own_header_findings(files)) findings.push_back(std::move(one));
  CHECK_MESSAGE(findings.empty(), joined(findings));
}

TEST_CASE("the list of long files has no file that is short or gone") {
  for (const auto& file : long_files()) {
    CHECK_MESSAGE(lines_of(read_from_tree(file.first)).size() > kMostLines, file.first);
    CHECK_MESSAGE(!file.second.empty(), file.first);
  }
}

TEST_CASE("scripts and CMake files carry the licence too") {
  namespace fs = std::filesystem;
  const fs::path root = ORRERY_SOURCE_DIR;
  std::vector<std::string> paths = {"CMakeLists.txt", ".ci/run"};
  for (const char* folder : {"scripts", "cmake", "tests", "bench"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path& path = entry.path();
      const bool is_script = std::string_view(folder) == "scripts" && entry.is_regular_file() &&
                             path.extension() != ".pyc";
      if (is_script || path.extension() == ".cmake" || path.filename() == "CMakeLists.txt") {
        paths.push_back(path.lexically_relative(root).generic_string());
      }
    }
  }
  REQUIRE(paths.size() > 5);
  for (const std::string& path : paths) {
    const std::string text = read_from_tree(path);
    const auto lines = lines_of(text);
    const std::string wanted = "# " + std::string(kLicense);
    const bool found = (!lines.empty() && lines[0] == wanted) ||
                       (lines.size() > 1 && lines[0].starts_with("#!") && lines[1] == wanted);
    CHECK_MESSAGE(found, path);
  }
}

TEST_CASE("each rule of style finds what it looks for") {
  const auto count = [](const std::string& path, const std::string& text) {
    return style_findings(parse_source(path, text)).size();
  };
  const std::string license = "// " + std::string(kLicense) + "\n";
  const std::string guard = "#ifndef ORRERY_SIM_KV_A_B_H_\n#define ORRERY_SIM_KV_A_B_H_\n";
  CHECK(count("sim/kv/a_b.h", license + guard) == 0);
  CHECK(count("sim/kv/a_b.h", guard) == 1);
  CHECK(count("sim/kv/a_b.h", license) == 1);
  CHECK(count("sim/kv/a_b.h", license + guard + "#include <boost/graph.hpp>\n") == 1);
  CHECK(count("sim/kv/a_b.cpp", license + "#include <boost/graph.hpp>\n") == 0);
  CHECK(count("sim/kv/a_b.cpp", license + std::string(100, 'x') + "\n") == 0);
  CHECK(count("sim/kv/a_b.cpp", license + std::string(101, 'x') + "\n") == 1);
  CHECK(count("sim/kv/a_b.cpp", license + std::string(599, '\n')) == 0);
  CHECK(count("sim/kv/a_b.cpp", license + std::string(600, '\n')) == 1);

  const SourceFile header = parse_source("sim/a.h", license);
  CHECK(own_header_findings({parse_source("sim/a.cpp", "#include \"sim/a.h\"\n"), header}).empty());
  CHECK(own_header_findings(
            {parse_source("sim/a.cpp", "#include <map>\n#include \"sim/a.h\"\n"), header})
            .size() == 1);
}

}  // namespace
}  // namespace orrery::house
