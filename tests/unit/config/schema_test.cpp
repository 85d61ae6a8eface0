// SPDX-License-Identifier: Apache-2.0
#include "sim/config/schema.h"

#include <doctest/doctest.h>

#include <regex>
#include <string>

#include "sim/config/json.h"
#include "sim/config/yaml.h"
#include "tests/unit/config/sample_options.h"

namespace orrery {
namespace {

/// The schema as a tree; JSON is YAML.
Node schema() {
  return parse_yaml(schema_text("Sample", options_of<SampleOptions>()), "schema.json");
}

std::string property(const Node& mapping, const std::string& key) {
  const Node* found = mapping.find("properties")->find(key);
  REQUIRE(found != nullptr);
  return json_text(*found);
}

TEST_CASE("the schema states its draft and refuses unknown keys at every depth") {
  const Node root = schema();
  CHECK(root.find("$schema")->text == "https://json-schema.org/draft/2020-12/schema");
  CHECK(root.find("title")->text == "Sample");
  CHECK(root.find("type")->text == "object");
  CHECK(root.find("additionalProperties")->text == "false");
  const Node* items = root.find("properties")->find("stages")->find("items");
  CHECK(items->find("additionalProperties")->text == "false");
  CHECK(json_text(*items->find("required")) == "[\"rate\"]");
}

TEST_CASE("types, bounds, defaults and help") {
  const Node root = schema();
  CHECK(property(root, "enabled") ==
        R"({"default": true, "description": "Whether it runs.", "type": "boolean"})");
  CHECK(property(root, "count") == R"({"default": 8, "description": "How many.", )"
                                   R"("maximum": 64, "minimum": 1, "type": "integer"})");
  CHECK(property(root, "share") == R"({"default": 0.5, "description": "Which part.", )"
                                   R"("exclusiveMinimum": 0, "maximum": 1, "type": "number"})");
  CHECK(property(root, "mode") ==
        R"({"default": "exact", "description": "How exactly.", "enum": ["fast", "exact"]})");
  CHECK(property(root, "limit") ==
        R"({"description": "At most so many; none: all.", "minimum": 1, "type": "integer"})");
  CHECK(property(root, "sizes") ==
        R"({"default": [1, 2, 4], "description": "Sizes.", )"
        R"("items": {"minimum": 1, "type": "integer"}, "type": "array"})");
}

TEST_CASE("quantities have a pattern that knows their units") {
  const Node root = schema();
  const Node* window = root.find("properties")->find("window");
  CHECK(window->find("default")->text == "1500 ms");
  CHECK(window->find("description")->text == "How long. Range: above 0 and at most 10 s.");
  const std::regex pattern(window->find("pattern")->text);
  for (const char* right : {"12us", "1.5 ms", "1e3 ns", " 2 min ", ".5 s"}) {
    CHECK(std::regex_match(right, pattern));
    CHECK(parse_duration(right).count() > 0);
  }
  for (const char* wrong : {"12", "12 sec", "us", "-1 s", "1.2.3 s", "12 GB"}) {
    CHECK_FALSE(std::regex_match(wrong, pattern));
    CHECK_THROWS(static_cast<void>(parse_duration(wrong)));
  }
}

TEST_CASE("a word may stand for a mapping, and choices bring keys") {
  const Node root = schema();
  const Node* either = root.find("properties")->find("eviction")->find("anyOf");
  REQUIRE(either != nullptr);
  REQUIRE(either->items.size() == 2);
  CHECK(json_text(either->items[0]) == R"({"enum": ["lru", "lfu", "weighted"]})");
  const Node& mapping = either->items[1];
  CHECK(property(mapping, "weight").find("Only with policy: weighted.") != std::string::npos);
  // Required with one name only: the schema cannot ask for it always.
  CHECK(mapping.find("required") == nullptr);
}

struct TwoFaced {
  int kind = 0;
  std::int64_t tokens = 1;
  std::string path;

  void describe(Describer& d) {
    static constexpr std::string_view kKinds[] = {"fixed", "file"};
    d.choice("kind", kind, kKinds, "Of what.");
    if (kind == 0) d.field("value", tokens, Range::any(), "How many.");
    if (kind == 1) d.field("value", path, "Where.");
  }
};

TEST_CASE("one key of two types is either") {
  const Node root = parse_yaml(schema_text("Two", options_of<TwoFaced>()), "schema.json");
  const Node* value = root.find("properties")->find("value");
  REQUIRE(value->entries.size() == 1);
  REQUIRE(value->find("anyOf")->items.size() == 2);
  CHECK(value->find("anyOf")->items[0].find("type")->text == "integer");
  CHECK(value->find("anyOf")->items[1].find("description")->text == "Where. Only with kind: file.");
}

}  // namespace
}  // namespace orrery
