// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_ROW_READER_BASE_H_
#define ORRERY_SIM_WORKLOAD_ROW_READER_BASE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/workload/line_reader.h"
#include "sim/workload/trace_formats.h"
#include "sim/workload/trace_row.h"

namespace orrery {

/// What all file readers share: lines, refusals, rows without tokens.
class RowReaderBase : public RowReader {
 public:
  RowReaderBase(LineReader lines, ZeroTokens zero_tokens)
      : lines_(std::move(lines)), zero_tokens_(zero_tokens) {}

  [[nodiscard]] std::vector<std::string> remarks() const override;
  [[nodiscard]] const std::string& file() const override { return lines_.name(); }

 protected:
  /// A token count, which must be whole and fit; 0 passes.
  [[nodiscard]] std::int32_t tokens(std::string_view column, std::string_view text) const;
  /// A time in units of 10^-(12 - digits) seconds: digits 12 for seconds, 9 for milliseconds.
  [[nodiscard]] TraceTime time(std::string_view column, std::string_view text, int digits) const;
  /// Whether a row with these counts is to be used; refuses or counts the others.
  [[nodiscard]] bool has_tokens(const TraceRow& row, std::string_view input_column,
                                std::string_view output_column);

  LineReader lines_;

 private:
  ZeroTokens zero_tokens_;
  std::int64_t without_tokens_ = 0;
};

/// Text from a file, cut and quoted so that it fits into an error line.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_ROW_READER_BASE_H_
