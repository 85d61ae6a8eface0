// SPDX-License-Identifier: Apache-2.0
//
// Options in words: the rows of `orrery list` and of the documentation.
#ifndef ORRERY_SIM_CONFIG_OPTION_ROWS_H_
#define ORRERY_SIM_CONFIG_OPTION_ROWS_H_

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/options.h"

namespace orrery {

/// `duration`, `list of integers`, `one of lru, lfu`.
[[nodiscard]] std::string type_words(const Option& option);

/// The units of a quantity's option; empty for the others.
[[nodiscard]] std::vector<std::string_view> units_of(OptionKind kind);

/// An option as a row of a table.
struct OptionRow {
  std::string key_path;
  std::string type;
  /// `required`, the default as it would be written, or empty.
  std::string default_text;
  std::string range;
  std::string only_with;
  std::string help;
};

/// Every option in the order described, those of mappings under their own (`slo.ttft`,
/// `stages[].rate`).
[[nodiscard]] std::vector<OptionRow> option_rows(const std::vector<Option>& options);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_OPTION_ROWS_H_
