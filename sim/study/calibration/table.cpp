// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "sim/core/errors.h"
#include "sim/study/calibration/cells.h"

namespace orrery {
namespace {

constexpr std::string_view kFirstLine = "# orrery measured table 1";

constexpr std::array<std::string_view, 3> kNameColumns = {"op", "dtype", "kv_dtype"};
constexpr std::array<std::string_view, 5> kResultColumns = {"ranks", "latency_us", "power_w",
                                                            "device", "source"};
/// What is read over: it says how a row came about.
constexpr std::array<std::string_view, 17> kOriginColumns = {
    "detail",        "operands", "launch", "floor", "load",  "pass",
    "repeats",       "p10_us",   "p90_us", "bytes", "flops", "memory_mhz",
    "temperature_c", "sm_mhz",   "driver", "cuda",  "date"};

std::vector<std::string_view> written_columns() {
  std::vector<std::string_view> columns(kNameColumns.begin(), kNameColumns.end());
  columns.insert(columns.end(), kShapeNames.begin(), kShapeNames.end());
  columns.insert(columns.end(), kResultColumns.begin(), kResultColumns.end());
  return columns;
}

std::vector<std::string_view> read_columns() {
  std::vector<std::string_view> columns = written_columns();
  columns.insert(columns.end(), kOriginColumns.begin(), kOriginColumns.end());
  return columns;
}

std::string type_of(const Cells& cells, std::string_view column) {
  const std::string name(cells.needed(column));
  if (element_bytes(name) == 0) {
    constexpr std::array<std::string_view, 7> kTypes = {"bf16", "fp16", "fp8",  "fp8_block",
                                                        "int8", "int4", "mxfp4"};
    cells.fail(column, fmt::format("'{}' is not a type; {}", name, known_names(name, kTypes)));
  }
  return name;
}

/// Why no fit takes this row, as its name among the skipped; empty if one does.
std::string unfitted(const Cells& cells) {
  const std::string op(cells.needed("op"));
  if (std::find(kTimedOnly.begin(), kTimedOnly.end(), op) != kTimedOnly.end()) return op;
  const auto either = [&](std::string_view column, std::string_view fitted,
                          std::string_view other) {
    const std::string_view cell = cells.text(column);
    if (cell.empty() || cell == fitted) return false;
    if (cell == other) return true;
    cells.fail(column, fmt::format("'{}' is neither {} nor {}", cell, fitted, other));
  };
  if (either("operands", "cold", "warm")) return op + " with warm operands";
  if (either("load", "burst", "sustained")) return op + " under sustained load";
  return {};
}

MeasuredOp op_of(const Cells& cells) {
  const std::string_view name = cells.needed("op");
  const auto at = std::find(kMeasuredOpNames.begin(), kMeasuredOpNames.end(), name);
  if (at == kMeasuredOpNames.end()) {
    cells.fail("op", fmt::format("'{}' is not an operator; {}", name,
                                 known_names(name, kMeasuredOpNames)));
  }
  return static_cast<MeasuredOp>(at - kMeasuredOpNames.begin());
}

/// Figures that may be none: no context before a chunk, no window, no token for this rank's
/// experts.
std::int64_t least_of(std::string_view column) {
  constexpr std::array<std::string_view, 6> kMayBeNone = {"context", "window",   "rows",
                                                          "touched", "heaviest", "tiles"};
  return std::find(kMayBeNone.begin(), kMayBeNone.end(), column) == kMayBeNone.end() ? 1 : 0;
}

KernelShape read_shape(const Cells& cells, MeasuredOp op) {
  ShapeFigures figures{};
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const std::string_view name = kShapeNames[i];
    if (!has_figure(op, i)) {
      if (cells.text(name).empty()) continue;
      cells.fail(name, fmt::format("makes no sense for {}", name_of(op)));
    }
    if (name == "window" && cells.text(name).empty()) continue;
    const bool decode_query = op == MeasuredOp::kDecodeAttention && name == "query";
    figures[i] = decode_query ? 1 : cells.count(name, least_of(name));
  }
  return shape_of(figures);
}

void check_experts(const KernelShape& shape, const Cells& cells) {
  if (shape.local_experts > shape.experts) cells.fail("local_experts", "are more than experts");
  if (shape.top_k > shape.experts) cells.fail("top_k", "is more than experts");
  if (shape.touched > shape.local_experts) cells.fail("touched", "are more than local_experts");
  if (shape.rows > shape.m * shape.top_k) cells.fail("rows", "are more than m x top_k");
}

MeasuredTable read_ours(const std::string& path) {
  Cells cells(path, kFirstLine);
  cells.refuse_columns_beyond(read_columns());
  MeasuredTable table;
  std::map<std::string, std::int64_t> skipped;
  while (cells.next()) {
    if (auto memory = read_memory_row(cells)) {
      table.memory.push_back(std::move(*memory));
      continue;
    }
    if (const std::string why = unfitted(cells); !why.empty()) {
      ++skipped[why];
      continue;
    }
    MeasuredRow row;
    row.op = op_of(cells);
    row.dtype = type_of(cells, "dtype");
    row.shape = read_shape(cells, row.op);
    if (row.shape.heads > 0) {
      row.kv_dtype = type_of(cells, "kv_dtype");
      check_attention(row, cells);
    }
    if (row.op == MeasuredOp::kMoe) check_experts(row.shape, cells);
    if (cells.has("ranks")) row.ranks = cells.count("ranks", 1);
    row.latency_us = cells.positive("latency_us");
    if (!cells.text("power_w").empty()) row.power_w = cells.positive("power_w");
    row.device = cells.needed("device");
    row.source = cells.needed("source");
    table.rows.push_back(std::move(row));
  }
  table.skipped.assign(skipped.begin(), skipped.end());
  return table;
}

}  // namespace

TableFormat table_format(std::string_view name) {
  const auto at = std::find(kTableFormatNames.begin(), kTableFormatNames.end(), name);
  if (at == kTableFormatNames.end()) {
    throw ConfigError(fmt::format("--format: '{}' is not a format; {}", name,
                                  known_names(name, kTableFormatNames)));
  }
  return static_cast<TableFormat>(at - kTableFormatNames.begin());
}

MeasuredTable read_table(const std::string& path, TableFormat format) {
  MeasuredTable table = format == TableFormat::kOrrery           ? read_ours(path)
                        : format == TableFormat::kAiconfigurator ? read_aiconfigurator(path)
                                                                 : read_llmservingsim(path);
  if (table.rows.empty() && table.memory.empty()) {
    throw TraceError({path, 0, 0}, "", "has no row of an operator that can be fitted");
  }
  return table;
}

std::string table_text(const std::vector<MeasuredRow>& rows) {
  std::string text(kFirstLine);
  text += fmt::format("\n{}\n", fmt::join(written_columns(), ","));
  const auto out = std::back_inserter(text);
  for (const MeasuredRow& row : rows) {
    fmt::format_to(out, "{},{},{},", name_of(row.op), row.dtype, row.kv_dtype);
    const ShapeFigures figures = figures_of(row.shape);
    for (std::size_t i = 0; i < figures.size(); ++i) {
      if (has_figure(row.op, i)) fmt::format_to(out, "{}", figures[i]);
      text += ',';
    }
    fmt::format_to(out, "{},{},{},{},{}\n", row.ranks, row.latency_us,
                   row.power_w > 0 ? fmt::to_string(row.power_w) : "", row.device, row.source);
  }
  return text;
}

}  // namespace orrery
