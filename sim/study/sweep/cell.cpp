// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "sim/config/json.h"
#include "sim/config/scalars.h"
#include "sim/metrics/summary.h"

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kLeftOut = {"config", "version", "next"};
constexpr std::array<std::string_view, 2> kHostAtTheTop = {"sim_wall_s", "sim_cpu_s"};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Cell cell_of_json(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return std::int64_t{json.get<bool>()};
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  return json.dump();
}

/// A summary nests a few levels, never more.
void flatten(const std::string& name, const Json& json, NamedCells& cells) {
  if (!json.is_object()) {
    cells.emplace_back(name, cell_of_json(json));
    return;
  }
  for (const auto& [key, value] : json.items()) flatten(joined_path(name, key), value, cells);
}

/// `a.b[0]` as JSON writes it: `/a/b/0`.
std::string json_pointer(std::string_view key_path) {
  std::string pointer = "/";
  for (const char c : key_path) {
    if (c == ']') continue;
    pointer += c == '.' || c == '[' ? '/' : c;
  }
  return pointer;
}

}  // namespace

std::string text_of(const Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *whole);
  if (const auto* number = std::get_if<double>(&cell)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return {};
}

Cell cell_of(const Node& node) {
  if (node.is(Node::Kind::kNothing)) return {};
  if (!node.is(Node::Kind::kScalar)) return json_text(node);
  if (node.quoted) return node.text;
  if (const auto truth = boolean_of(node.text)) return std::int64_t{*truth};
  if (const auto whole = integer_of(node.text)) return *whole;
  if (const auto number = number_of(node.text)) return *number;
  return node.text;
}

Cell cell_at(const std::string& json, std::string_view key_path) {
  const Json tree = Json::parse(json);
  const Json::json_pointer pointer(json_pointer(key_path));
  return tree.contains(pointer) ? cell_of_json(tree.at(pointer)) : Cell();
}

SummaryCells summary_cells(const std::string& summary_json) {
  SummaryCells cells;
  const Json summary = Json::parse(summary_json);
  for (const auto& [name, value] : summary.items()) {
    if (is_one_of(name, kLeftOut) || is_one_of(name, kHostAtTheTop)) continue;
    if (name == "host") {
      for (const auto& [of_host, what] : value.items()) flatten(of_host, what, cells.host);
    } else {
      flatten(name, value, cells.metrics);
    }
  }
  return cells;
}

std::vector<std::string> metric_names() {
  Summary summary;
  summary.slo.ttft = seconds(1);  // an SLO's names are there only if there is one
  std::vector<std::string> names;
  for (auto& [name, cell] : summary_cells(summary_json(summary)).metrics) names.push_back(name);
  return names;
}

Cell find_cell(const NamedCells& cells, std::string_view name) {
  for (const auto& [there, cell] : cells) {
    if (there == name) return cell;
  }
  return {};
}

}  // namespace orrery
