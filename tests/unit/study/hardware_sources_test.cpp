// SPDX-License-Identifier: Apache-2.0
//
// Every number in configs/hardware has a source: a mapping that holds one, or one around it, holds
// a text `sources` too.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/yaml.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

/// How many of what the file's own name says it is.
constexpr std::array<std::string_view, 2> kCounted = {"gpus", "nodes"};

bool is_number(const Node& node) {
  return node.is(Node::Kind::kScalar) && !node.quoted && !node.text.empty() &&
         (std::isdigit(static_cast<unsigned char>(node.text[0])) != 0 || node.text[0] == '-');
}

void find_unsourced(const Node& node, bool sourced, std::string_view path,
                    std::vector<std::string>& found) {
  if (is_number(node) && !sourced) {
    found.push_back(node.at.file + ":" + std::to_string(node.at.line) + ": " + std::string(path));
  }
  for (const Node& item : node.items) find_unsourced(item, sourced, path, found);
  const Node* sources = node.find("sources");
  // Fewer letters name nothing.
  if (sources != nullptr && sources->text.size() > 20) sourced = true;
  for (const Node::Entry& entry : node.entries) {
    if (entry.key == "name") continue;  // Text, though it may begin with a figure.
    const bool counted =
        path.empty() && std::find(kCounted.begin(), kCounted.end(), entry.key) != kCounted.end();
    // One figure at the top, whose source stands beside it under its own name.
    const Node* own = node.find(entry.key + "_sources");
    const bool of_its_own = own != nullptr && own->text.size() > 20;
    find_unsourced(entry.value, sourced || counted || of_its_own, joined_path(path, entry.key),
                   found);
  }
}

std::vector<std::string> unsourced(const Node& node) {
  std::vector<std::string> found;
  find_unsourced(node, false, "", found);
  return found;
}

TEST_CASE("every number of every hardware file has a source") {
  std::size_t files = 0;
  const fs::path root = fs::path(ORRERY_SOURCE_DIR) / "configs/hardware";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    for (const std::string& place : unsourced(load_yaml(entry.path().string()))) {
      FAIL_CHECK(place << " has no source");
    }
  }
  CHECK(files >= 30);
}

TEST_CASE("a number without a source is found, wherever it stands") {
  const auto count = [](const char* text) { return unsourced(parse_yaml(text, "f.yaml")).size(); };
  const std::string sources = "sources: a datasheet of that part\n";
  CHECK(count("gpus: 8\n") == 0);
  CHECK(count("rate: 8 GB/s\n") == 1);
  CHECK(count("a:\n  rate: 8 GB/s\n  sizes: [1, 2]\n") == 3);
  CHECK(count(("a:\n  rate: 8 GB/s\n" + sources).c_str()) == 0);
  CHECK(count(("a:\n  " + sources + "b:\n  rate: -1\n").c_str()) == 1);
  CHECK(count("rate: 1\nsources: none\n") == 1);
  CHECK(count("rate: 1\nrate_sources: a datasheet of that part\n") == 0);
}

}  // namespace
}  // namespace orrery
