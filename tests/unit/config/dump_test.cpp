// SPDX-License-Identifier: Apache-2.0
#include "sim/config/dump.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "sim/config/json.h"
#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/check.h"
#include "tests/unit/config/config_errors.h"
#include "tests/unit/config/sample_options.h"

namespace orrery {
namespace {

TEST_CASE("values are written with their units and in their order") {
  SampleOptions options;
  options.stages.push_back({{0.1}, seconds(2)});
  options.stages.push_back({{3}, seconds(5)});
  const std::string text = dump_text(options);
  CHECK(text.starts_with("{\n  \"enabled\": true,\n  \"name\": \"none\",\n  \"count\": 8,\n"));
  const Node tree = parse_yaml(text, "dump.json");
  CHECK(tree.find("window")->text == "1500 ms");
  CHECK(tree.find("capacity")->text == "80 GiB");
  CHECK(tree.find("mode")->text == "exact");
  CHECK(json_text(*tree.find("stages")) ==
        R"([{"duration": "2 s", "rate": "0.1/s"}, {"duration": "5 s", "rate": "3/s"}])");
  CHECK(json_text(*tree.find("eviction")) == R"({"policy": "lru"})");
  // Absent and without a default.
  CHECK(tree.find("limit") == nullptr);
  CHECK(tree.find("trace") == nullptr);
}

TEST_CASE("what is written reads back to the same values") {
  SampleOptions options;
  options.name = "a: \"b\"\n\xc3\xa9";
  options.share = 0.1 + 0.2;
  options.window = picoseconds(1'234'567'890'123);
  options.rate.value = 1.0 / 3;
  options.limit = 9;
  options.tags = {"1e3", "true", ""};
  options.eviction.policy = 2;
  options.eviction.weight = 1e-9;
  options.stages.push_back({{1e-7}, picoseconds(1)});
  options.trace.emplace().path = "x.csv";
  const std::string text = dump_text(options);
  SampleOptions again;
  read(parse_yaml(text, "dump.json"), again);
  CHECK(again.name == options.name);
  CHECK(again.share == options.share);
  CHECK(again.window == options.window);
  CHECK(again.rate.value == options.rate.value);
  CHECK(again.tags == options.tags);
  CHECK(again.eviction.weight == options.eviction.weight);
  CHECK(again.stages.at(0).rate.value == 1e-7);
  CHECK(dump_text(again) == text);
}

struct Infinite {
  double value = std::numeric_limits<double>::infinity();
  void describe(Describer& d) { d.field("value", value, Range::any(), "What."); }
};
struct RawList {
  void describe(Describer& d) {
    d.list(
        "items", [](Describer& e) { SampleStage().describe(e); }, "Not gone through.");
  }
};

TEST_CASE("what could not be read back is a bug") {
  Infinite infinite;
  CHECK_THROWS_AS(static_cast<void>(dump_text(infinite)), InternalError);
  RawList raw;
  CHECK_THROWS_AS(static_cast<void>(dump_text(raw)), InternalError);
}

TEST_CASE("a tree is written sorted, its numbers digit by digit") {
  const std::string text =
      R"({"a": ["x", 0.10, 1e3, "007", "1", true, "yes", null], "b": {"c": "d \"e\""}})";
  const Node tree =
      parse_yaml("b: {c: 'd \"e\"'}\na: [x, 0.10, 1e3, 007, '1', true, yes, ~]\n", "f.yaml");
  CHECK(json_text(tree) == text);
  CHECK(json_text(parse_yaml(text, "again.json")) == text);
  Node overridden = tree;
  apply_override(overridden, "b.c=2");
  apply_override(overridden, "a=[]");
  CHECK(json_text(overridden) == R"({"a": [], "b": {"c": 2}})");
}

}  // namespace
}  // namespace orrery
