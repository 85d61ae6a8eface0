// SPDX-License-Identifier: Apache-2.0
#include "sim/config/option_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/config/node.h"
#include "sim/core/units_text.h"

namespace orrery {
namespace {

/// What one would write in YAML: a text without its quotes.
std::string default_text(const Option& option) {
  if (option.required) return "required";
  if (!option.default_json.starts_with('"')) return option.default_json;
  return nlohmann::json::parse(option.default_json).get<std::string>();
}

void append_rows(const std::vector<Option>& options, const std::string& path,
                 std::vector<OptionRow>& rows) {
  for (const Option& option : options) {
    const std::string key_path = joined_path(path, option.key);
    rows.push_back({key_path, type_words(option), default_text(option), option.range_words,
                    option.only_with, option.help});
    append_rows(option.inside, option.kind == OptionKind::kMappings ? key_path + "[]" : key_path,
                rows);
  }
}

}  // namespace

std::string type_words(const Option& option) {
  switch (option.kind) {
    case OptionKind::kBoolean:
      return "true or false";
    case OptionKind::kText:
      return "text";
    case OptionKind::kInteger:
      return "integer";
    case OptionKind::kNumber:
      return "number";
    case OptionKind::kDuration:
      return "duration";
    case OptionKind::kBytes:
      return "bytes";
    case OptionKind::kBandwidth:
      return "bandwidth";
    case OptionKind::kComputeRate:
      return "compute rate";
    case OptionKind::kFrequency:
      return "frequency";
    case OptionKind::kPerSecond:
      return "rate";
    case OptionKind::kIntegers:
      return "list of integers";
    case OptionKind::kTexts:
      return "list of texts";
    case OptionKind::kChoice:
      return fmt::format("one of {}", fmt::join(option.names, ", "));
    case OptionKind::kMapping:
      return "mapping";
    case OptionKind::kMappings:
      return "list of mappings";
  }
  return {};
}

std::vector<std::string_view> units_of(OptionKind kind) {
  switch (kind) {
    case OptionKind::kDuration:
      return units_of(Duration());
    case OptionKind::kBytes:
      return units_of(Bytes());
    case OptionKind::kBandwidth:
      return units_of(Bandwidth());
    case OptionKind::kComputeRate:
      return units_of(ComputeRate());
    case OptionKind::kFrequency:
      return units_of(Frequency());
    case OptionKind::kPerSecond:
      return units_of_rate_per_second();
    default:
      return {};
  }
}

std::vector<OptionRow> option_rows(const std::vector<Option>& options) {
  std::vector<OptionRow> rows;
  append_rows(options, {}, rows);
  return rows;
}

}  // namespace orrery
