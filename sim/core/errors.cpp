// SPDX-License-Identifier: Apache-2.0
#include "sim/core/errors.h"

#include <algorithm>
#include <vector>

namespace orrery {
namespace {

std::string join_parts(const Position& at, std::string_view middle, std::string_view what) {
  std::string line = at.text();
  for (const std::string_view part : {middle, what}) {
    if (part.empty()) continue;
    if (!line.empty()) line += ": ";
    line += part;
  }
  return line;
}

/// Levenshtein distance where a swap of two neighbours counts as one edit.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string Position::text() const {
  std::string result = file;
  if (line > 0) result += ":" + std::to_string(line);
  if (line > 0 && column > 0) result += ":" + std::to_string(column);
  return result;
}

ConfigError::ConfigError(const Position& at, std::string_view key_path, std::string_view what)
    : UserError(join_parts(at, key_path, what)) {}

TraceError::TraceError(const Position& at, std::string_view column, std::string_view what)
    : UserError(join_parts(at, column.empty() ? "" : "column " + std::string(column), what)) {}

std::string_view nearest(std::string_view given, std::span<const std::string_view> known) {
  std::string_view best;
  // A third of the letters may be wrong; beyond that a suggestion is noise.
  std::size_t best_distance = std::max<std::size_t>(1, given.size() / 3) + 1;
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(given, name);
    if (distance < best_distance) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

std::string known_names(std::string_view given, std::span<const std::string_view> known) {
  std::string text = "known: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0) text += ", ";
    text += known[i];
  }
  const std::string_view suggestion = nearest(given, known);
  if (!suggestion.empty()) text += " (did you mean " + std::string(suggestion) + "?)";
  return text;
}

}  // namespace orrery
