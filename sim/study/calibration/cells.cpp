// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sim/core/errors.h"
#include "sim/workload/byte_source.h"

namespace orrery {

Cells::Cells(const std::string& path, std::string_view first_line) : lines_(open_file(path), path) {
  std::string_view line;
  if (!lines_.next(line)) throw TraceError({path, 0, 0}, "", "is empty");
  if (!first_line.empty()) {
    if (line != first_line) {
      lines_.fail("", fmt::format("does not begin with '{}'", first_line));
    }
    if (!lines_.next(line)) lines_.fail("", "has no header");
  }
  for (const std::string_view name : split(line)) header_.emplace_back(name);
}

void Cells::refuse_columns_beyond(std::span<const std::string_view> known) const {
  for (const std::string& name : header_) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      lines_.fail(name, "is not a column of this format; " + known_names(name, known));
    }
  }
}

bool Cells::next() {
  std::string_view line;
  if (!lines_.next(line)) return false;
  cells_ = split(line);
  if (cells_.size() == header_.size()) return true;
  lines_.fail("", fmt::format("has {} cells, the header {}", cells_.size(), header_.size()));
}

std::string_view Cells::text(std::string_view name) const {
  const auto at = index(name);
  return at ? cells_[*at] : std::string_view();
}

std::string_view Cells::needed(std::string_view name) const {
  const std::string_view cell = text(name);
  if (cell.empty()) lines_.fail(name, "is empty");
  return cell;
}

std::int64_t Cells::count(std::string_view name, std::int64_t least) const {
  const std::string_view cell = needed(name);
  std::int64_t value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (result.ec != std::errc() || result.ptr != cell.data() + cell.size()) {
    lines_.fail(name, fmt::format("'{}' is not a whole number", cell));
  }
  if (value < least || value > (std::int64_t{1} << 40)) {
    lines_.fail(name, fmt::format("{} is not at least {}", value, least));
  }
  return value;
}

double Cells::positive(std::string_view name) const {
  const std::string_view cell = needed(name);
  double value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (result.ec != std::errc() || result.ptr != cell.data() + cell.size() ||
      !std::isfinite(value) || value <= 0) {
    lines_.fail(name, fmt::format("'{}' is not a positive number", cell));
  }
  return value;
}

std::vector<std::string_view> Cells::split(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const std::size_t comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

std::optional<std::size_t> Cells::index(std::string_view name) const {
  const auto at = std::find(header_.begin(), header_.end(), name);
  if (at == header_.end()) return std::nullopt;
  return static_cast<std::size_t>(at - header_.begin());
}

void check_attention(const MeasuredRow& row, const Cells& cells) {
  if (row.shape.heads % row.shape.kv_heads != 0) {
    cells.fail("kv_heads", fmt::format("{} heads are not a multiple of {} KV heads",
                                       row.shape.heads, row.shape.kv_heads));
  }
}

}  // namespace orrery
