// SPDX-License-Identifier: Apache-2.0
//
// What the readers of measured tables share: cells by the header's names, with errors that say
// where.
#ifndef ORRERY_SIM_STUDY_CALIBRATION_CELLS_H_
#define ORRERY_SIM_STUDY_CALIBRATION_CELLS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/measured_row.h"
#include "sim/study/calibration/table.h"
#include "sim/workload/line_reader.h"

namespace orrery {

/// Cells of one line after another, by the header's names. Whatever is wrong throws TraceError.
class Cells {
 public:
  /// Where `first_line` is not empty, the file has to begin with it; the header comes after.
  Cells(const std::string& path, std::string_view first_line);

  void refuse_columns_beyond(std::span<const std::string_view> known) const;
  [[nodiscard]] bool has(std::string_view name) const { return index(name).has_value(); }
  bool next();
  /// Empty where there is no such column.
  [[nodiscard]] std::string_view text(std::string_view name) const;
  [[nodiscard]] std::string_view needed(std::string_view name) const;
  [[nodiscard]] std::int64_t count(std::string_view name, std::int64_t least) const;
  [[nodiscard]] double positive(std::string_view name) const;
  [[noreturn]] void fail(std::string_view column, std::string_view what) const {
    lines_.fail(column, what);
  }

 private:
  static std::vector<std::string_view> split(std::string_view line);
  [[nodiscard]] std::optional<std::size_t> index(std::string_view name) const;

  LineReader lines_;
  std::vector<std::string> header_;
  std::vector<std::string_view> cells_;
};

/// Refuses heads that are not a multiple of the KV heads.
void check_attention(const MeasuredRow& row, const Cells& cells);

/// The readers of other people's tables.
[[nodiscard]] MeasuredTable read_aiconfigurator(const std::string& path);
[[nodiscard]] MeasuredTable read_llmservingsim(const std::string& path);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_CELLS_H_
