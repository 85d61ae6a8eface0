// SPDX-License-Identifier: Apache-2.0
//
// Measured tables. The one format of ours, version 1, is a CSV (plain, gzip or zstd) whose first
// line is `# orrery measured table 1` and whose columns, in any order, are
//
//   op         gemm, prefill_attention, decode_attention or moe
//   dtype      of weights and activations: bf16, fp16, fp8, fp8_block, int8; of weights alone:
//   int4,
//              mxfp4
//   kv_dtype   of the KV cache (attention)
//   m, n, k    GEMM [m, k] x [k, n]
//   batch, query, context, heads, kv_heads, head_dim, window
//              attention of `batch` sequences, each with `query` new tokens after `context` earlier
//              ones (a decode has query 1 and attends context + 1); window 0: none
//   m, n, k, experts, local_experts, top_k, rows, touched, heaviest, tiles
//              moe: the fused experts of one layer on one rank, from tokens to their weighted sum:
//              m tokens, n intermediate size on this rank, k hidden size, experts of the model and
//              of this rank, experts a token goes to, and what the routing brought this rank: pairs
//              of token and expert, experts with a pair, most pairs of an expert, and the sum of
//              ceil(pairs / 64) over the experts
//   ranks      GPUs that took part; 1 for the operators above
//   latency_us, power_w (empty: not measured), device, source (who timed which kernels)
//
// Shape columns that make no sense for an operator are empty. A whole column may be missing when it
// is empty for every row.
#ifndef ORRERY_SIM_STUDY_CALIBRATE_TABLE_H_
#define ORRERY_SIM_STUDY_CALIBRATE_TABLE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/measured_row.h"

namespace orrery {

enum class TableFormat : std::uint8_t { kOrrery, kAiconfigurator, kLlmservingsim };
inline constexpr std::array<std::string_view, 3> kTableFormatNames = {"orrery", "aiconfigurator",
                                                                      "llmservingsim"};

struct MeasuredTable {
  std::vector<MeasuredRow> rows;
  /// Rows of operators that no fit knows, by name: counted, not dropped in silence.
  std::vector<std::pair<std::string, std::int64_t>> skipped;
};

/// Throws TraceError with file, line and column for what is not such a table; ConfigError for a
/// name of a format that is not known.
[[nodiscard]] TableFormat table_format(std::string_view name);
[[nodiscard]] MeasuredTable read_table(const std::string& path, TableFormat format);

/// Writes rows in the format above.
[[nodiscard]] std::string table_text(const std::vector<MeasuredRow>& rows);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATE_TABLE_H_
