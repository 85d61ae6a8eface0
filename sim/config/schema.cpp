// SPDX-License-Identifier: Apache-2.0
#include "sim/config/schema.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/config/option_rows.h"

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

Json mapping_schema(const std::vector<Option>& options);
Json type_schema(const Option& option);

/// `12`, `0.5`, `1e-3`, with a unit behind: what the parsers of units.h take.
std::string pattern_of(const std::vector<std::string_view>& units) {
  return fmt::format(R"(^ *\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)? *({}) *$)",
                     fmt::join(units, "|"));
}

/// A number of JSON, whole where it is whole.
Json number(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

void add_bounds(Json& schema, const Range& range) {
  if (std::isfinite(range.low)) {
    schema[range.open_low ? "exclusiveMinimum" : "minimum"] = number(range.low);
  }
  if (std::isfinite(range.high)) schema["maximum"] = number(range.high);
}

Json plain_schema(const char* type) {
  Json schema;
  schema["type"] = type;
  return schema;
}

Json number_schema(const char* type, const Range& range) {
  Json schema = plain_schema(type);
  add_bounds(schema, range);
  return schema;
}

Json list_schema(Json items) {
  Json schema = plain_schema("array");
  schema["items"] = std::move(items);
  return schema;
}

/// A scalar text in YAML may look like a number: `version: 0.15`.
Json text_schema() {
  Json schema;
  schema["type"] = {"string", "number", "boolean"};
  return schema;
}

Json quantity_schema(OptionKind kind) {
  Json schema = plain_schema("string");
  schema["pattern"] = pattern_of(units_of(kind));
  return schema;
}

Json choice_schema(const Option& option) {
  Json schema;
  schema["enum"] = option.names;
  return schema;
}

/// A mapping, or the word that may stand for it.
Json mapping_or_word(const std::vector<Option>& options) {
  Json mapping = mapping_schema(options);
  if (options.empty() || !options.front().shorthand) return mapping;
  const Option& first = options.front();
  Json schema;
  schema["anyOf"] = {type_schema(first), std::move(mapping)};
  return schema;
}

Json type_schema(const Option& option) {
  switch (option.kind) {
    case OptionKind::kBoolean:
      return plain_schema("boolean");
    case OptionKind::kText:
      return text_schema();
    case OptionKind::kInteger:
      return number_schema("integer", option.range);
    case OptionKind::kNumber:
      return number_schema("number", option.range);
    case OptionKind::kIntegers:
      return list_schema(number_schema("integer", option.range));
    case OptionKind::kTexts:
      return list_schema(text_schema());
    case OptionKind::kChoice:
      return choice_schema(option);
    case OptionKind::kMapping:
      return mapping_or_word(option.inside);
    case OptionKind::kMappings:
      return list_schema(mapping_or_word(option.inside));
    default:
      return quantity_schema(option.kind);
  }
}

std::string description(const Option& option) {
  std::string text = option.help;
  if (!option.range_words.empty() && !units_of(option.kind).empty()) {
    text += fmt::format(" Range: {}.", option.range_words);
  }
  if (!option.only_with.empty()) text += fmt::format(" Only with {}.", option.only_with);
  return text;
}

Json option_schema(const Option& option) {
  Json schema = type_schema(option);
  schema["description"] = description(option);
  if (!option.default_json.empty()) schema["default"] = Json::parse(option.default_json);
  return schema;
}

/// A second option of the same key has another type, with another name of a choice.
void add_property(Json& properties, const Option& option) {
  Json schema = option_schema(option);
  if (!properties.contains(option.key)) {
    properties[option.key] = std::move(schema);
    return;
  }
  Json& there = properties[option.key];
  // What only joins alternatives has no description of its own.
  if (there.contains("description")) {
    Json alternatives;
    alternatives["anyOf"] = Json::array({there});
    there = std::move(alternatives);
  }
  there["anyOf"].push_back(std::move(schema));
}

Json mapping_schema(const std::vector<Option>& options) {
  Json schema = plain_schema("object");
  Json properties = Json::object();
  Json required = Json::array();
  for (const Option& option : options) {
    add_property(properties, option);
    if (option.required && option.only_with.empty()) required.push_back(option.key);
  }
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace

std::string schema_text(std::string_view title, const std::vector<Option>& options) {
  Json schema;
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  schema.update(mapping_schema(options));
  return schema.dump(2);
}

}  // namespace orrery
