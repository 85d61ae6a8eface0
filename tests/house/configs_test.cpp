// SPDX-License-Identifier: Apache-2.0
//
// Every shipped YAML is loaded by a test of the room that reads it. Here stands only what makes
// sure of that: a folder of configs/ whose files no test goes through is found.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/house/source_file.h"

namespace orrery::house {
namespace {

/// Whether a test's source goes through configs/`folder`: names configs/, and the folder after a
/// slash or at the beginning of a text.
bool reads_folder(const SourceFile& test, const std::string& folder) {
  return test.text.find("configs") != std::string::npos &&
         test.text.find("directory_iterator") != std::string::npos &&
         (test.text.find("\"" + folder) != std::string::npos ||
          test.text.find("/" + folder) != std::string::npos);
}

Findings unread_folders(const std::set<std::string>& folders,
                        const std::vector<SourceFile>& tests) {
  Findings findings;
  for (const std::string& folder : folders) {
    const bool read = std::any_of(tests.begin(), tests.end(), [&](const SourceFile& test) {
      return reads_folder(test, folder);
    });
    if (!read) findings.push_back("configs/" + folder + ": no test goes through its files");
  }
  return findings;
}

TEST_CASE("each folder of shipped configuration is gone through by a test") {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(ORRERY_SOURCE_DIR) / "configs";
  std::set<std::string> folders;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".yaml") continue;
    folders.insert(entry.path().parent_path().lexically_relative(root).generic_string());
  }
  REQUIRE(!folders.empty());
  const Findings findings = unread_folders(folders, sources_below({"tests/unit", "tests/golden"}));
  CHECK_MESSAGE(findings.empty(), joined(findings));
}

TEST_CASE("a folder of configuration without a test is found") {
  const std::vector<SourceFile> tests = {parse_source(
      "tests/unit/a_test.cpp",
      "for (const auto& e : fs::directory_iterator(root + \"configs/hardware\")) load(e);\n")};
  CHECK(unread_folders({"hardware"}, tests).empty());
  CHECK(unread_folders({"hardware", "prices"}, tests).size() == 1);
}

}  // namespace
}  // namespace orrery::house
