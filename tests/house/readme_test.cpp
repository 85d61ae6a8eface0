// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace orrery::house {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(std::string(ORRERY_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("the policy in the README is the one that is compiled") {
  const std::string example = text_of("examples/shortest_prompt_first.cpp");
  REQUIRE(!example.empty());
  const std::size_t body = example.find('\n') + 1;  // the licence line stays out
  CHECK(text_of("README.md").find(example.substr(body)) != std::string::npos);
}

}  // namespace
}  // namespace orrery::house
