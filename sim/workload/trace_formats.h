// SPDX-License-Identifier: Apache-2.0
//
// The trace formats Orrery reads, each as it is published.
#ifndef ORRERY_SIM_WORKLOAD_TRACE_FORMATS_H_
#define ORRERY_SIM_WORKLOAD_TRACE_FORMATS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sim/core/units.h"
#include "sim/workload/line_reader.h"
#include "sim/workload/trace_row.h"

namespace orrery {

/// How rows without an input or an output are met.
enum class ZeroTokens { kError, kSkip };

/// What a reader may be told; each format uses the part that concerns it.
struct FormatOptions {
  ZeroTokens zero_tokens = ZeroTokens::kError;
  /// burstgpt: only rows of this model; empty: all.
  std::string model;
  /// timed-trace: names and units, with the defaults of vLLM's --timed-trace-* options.
  std::string timestamp_label = "timestamp";
  std::string input_label = "input_length";
  std::string output_label = "output_length";
  std::string hash_label = "hash_ids";
  double sec_multiplier = 1;
};

struct TraceFormat {
  std::string_view name;
  std::string_view help;
  /// Times are counted from the first row: the file's clock has no meaning of its own.
  bool rebase = false;
  /// The file has arrival times; if not, an arrival process must be given.
  bool timed = true;
  /// Tokens in a prefix block; 0: the format has none.
  std::int32_t block_tokens = 0;
  /// How far the published files are known to be out of order.
  Duration disorder;
  std::unique_ptr<RowReader> (*open)(LineReader lines, const FormatOptions& options) = nullptr;
};

/// All formats, in the order in which they are listed to users.
[[nodiscard]] std::span<const TraceFormat> trace_formats();
[[nodiscard]] std::span<const std::string_view> trace_format_names();

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_TRACE_FORMATS_H_
