// SPDX-License-Identifier: Apache-2.0
//
// The same binary, configuration, trace and seed give the same facts. These rules keep out what
// would break that without a test noticing.
#include <doctest/doctest.h>

#include <map>

#include "tests/house/determinism_rules.h"

namespace orrery::house {
namespace {

TEST_CASE("nothing in sim/ and models/ differs from run to run or by library") {
  Findings findings;
  for (const SourceFile& file : sources_below({"sim", "models"})) {
    for (std::string& one : banned_words(file)) findings.push_back(std::move(one));
  }
  CHECK_MESSAGE(findings.empty(), joined(findings));
}

TEST_CASE("nothing in sim/ and models/ walks an unordered container") {
  const auto files = sources_below({"sim", "models"});
  std::map<std::string, std::set<std::string>> names;
  for (const SourceFile& file : files) names[file.path] = unordered_names(file.code);
  Findings findings;
  for (const SourceFile& file : files) {
    std::set<std::string> known = names[file.path];  // a member is declared in a header
    for (const Include& include : file.includes) {
      if (const auto there = names.find(include.path); there != names.end()) {
        known.insert(there->second.begin(), there->second.end());
      }
    }
    for (std::string& one : unordered_walks(file, known)) findings.push_back(std::move(one));
  }
  CHECK_MESSAGE(findings.empty(), joined(findings));
}

TEST_CASE("banned words are found, their namesakes are not") {
  const SourceFile bad = parse_source("sim/kv/a.cpp",
                                      "#include <random>\n"
                                      "int a = rand();\n"
                                      "int b = std::rand();\n"
                                      "std::mt19937_64 c;\n"
                                      "auto d = std::chrono::steady_clock::now();\n"
                                      "double e = std::pow(2.0, x);\n"
                                      "auto f = r | std::views::reverse;\n");
  const Findings found = banned_words(bad);
  // Line 2, 3, 4, 5, 6, 7, and the header: one each.
  CHECK_MESSAGE(found.size() == 7, joined(found));
  const SourceFile good = parse_source("sim/study/a.cpp",
                                       "// rand() of <random>\n"
                                       "int a = operand() + stream.rand() + it->time(nullptr);\n"
                                       "auto b = std::chrono::steady_clock::now();\n"
                                       "double c = math::pow(2.0, x) + my_rand(3);\n"
                                       "auto d = \"std::format\";\n"
                                       "int std_views = std::viewsome;\n");
  CHECK_MESSAGE(banned_words(good).empty(), joined(banned_words(good)));
}

TEST_CASE("walks over unordered containers are found, look-ups are not") {
  const std::string code =
      "using Index = std::unordered_map<int, std::vector<int>>;\n"
      "std::unordered_set<std::pair<int, int>> seen_;\n"
      "const std::unordered_map<int, int>& all() const;\n"
      "Index index_;\n"
      "void f() {\n"
      "  for (const auto& [key, value] : index_) g(key);\n"
      "  for (int x : view.all()) g(x);\n"
      "  auto first = seen_.begin();\n"
      "  for (auto i = 0; auto x : this->seen_) g(x);\n"
      "  for (int x : index_[3]) g(x);\n"
      "  for (int x : index_.at(3)) g(x);\n"
      "  for (std::size_t i = 0; i < index_.size(); ++i) g(a ? b : index_);\n"
      "  if (seen_.find(3) != seen_.end()) g(3);\n"
      "}\n";
  const SourceFile file = parse_source("a.cpp", code);
  CHECK(unordered_names(file.code) == std::set<std::string>{"all", "index_", "seen_"});
  const Findings found = unordered_walks(file, unordered_names(file.code));
  const Findings expected = {
      "a.cpp:6: index_ has no order to walk in", "a.cpp:7: all has no order to walk in",
      "a.cpp:9: seen_ has no order to walk in", "a.cpp:8: seen_ has no order to walk in"};
  CHECK(joined(found) == joined(expected));
}

}  // namespace
}  // namespace orrery::house
