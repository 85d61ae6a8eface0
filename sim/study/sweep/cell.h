// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_SWEEP_CELL_H_
#define ORRERY_SIM_STUDY_SWEEP_CELL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sim/config/node.h"

namespace orrery {

/// What stands in one field of a table: nothing, a number, or a text. True and false are 1 and 0,
/// as in SQL.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

/// As CSV and messages show it; nothing is empty.
[[nodiscard]] std::string text_of(const Cell& cell);

/// A value as it was written; a list or a mapping as its JSON text.
[[nodiscard]] Cell cell_of(const Node& node);

/// Where `key_path` (`a.b[0].c`) leads in a JSON text; nothing if it leads nowhere.
[[nodiscard]] Cell cell_at(const std::string& json, std::string_view key_path);

using NamedCells = std::vector<std::pair<std::string, Cell>>;

/// A summary.json as the columns of a row: `kv_usage.mean` is `mean` of the object `kv_usage`.
struct SummaryCells {
  /// What was simulated. Left out are the configuration and the version, which belong to a point,
  /// and `next`, whose command would not know about the point's values.
  NamedCells metrics;
  /// What the machine did that simulated it.
  NamedCells host;
};
[[nodiscard]] SummaryCells summary_cells(const std::string& summary_json);

/// The names of all metrics that a summary can have, in its order.
[[nodiscard]] std::vector<std::string> metric_names();

/// The cell of that name; nothing if there is none.
[[nodiscard]] Cell find_cell(const NamedCells& cells, std::string_view name);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_SWEEP_CELL_H_
