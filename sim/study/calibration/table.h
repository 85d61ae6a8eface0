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
// and, where microkernels were measured (all may be missing),
//
//   detail     what no shape column says: `pattern=gather block=4096`
//   operands   cold: they rotate through more than three times the L2; warm: the same ones again
//   launch     graph: kernels of a replayed graph; stream: launched one by one
//   floor      included: latency_us holds what a launch costs even if it does nothing
//   load       burst: milliseconds from a cool chip; sustained: seconds on end at the power cap
//   pass, repeats, p10_us, p90_us
//              which pass through all cases; timings, of which latency_us is the median
//   bytes, flops
//              what has to be moved and done at least
//   sm_mhz, memory_mhz, temperature_c, driver, cuda, date
//              what the board said meanwhile, with what, and on which day
//
// Rows of the device memory have a fit of their own (memory_row.h). Other rows of warm operands and
// of sustained load, and operators of the list kTimedOnly, are no fit's: they are read over and
// counted.
//
// Shape columns that make no sense for an operator are empty. A whole column may be missing when it
// is empty for every row.
#ifndef ORRERY_SIM_STUDY_CALIBRATION_TABLE_H_
#define ORRERY_SIM_STUDY_CALIBRATION_TABLE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/measured_row.h"
#include "sim/study/calibration/memory_row.h"

namespace orrery {

enum class TableFormat : std::uint8_t { kOrrery, kAiconfigurator, kLlmservingsim };
inline constexpr std::array<std::string_view, 3> kTableFormatNames = {"orrery", "aiconfigurator",
                                                                      "llmservingsim"};

/// Operators that microkernels time and no fit knows.
inline constexpr std::array<std::string_view, 25> kTimedOnly = {
    "mixed_attention", "moe_gemm",      "rmsnorm",       "rope",
    "silu_mul",        "quantise",      "sample_greedy", "sample_top_k_top_p",
    "layer",           "layer_part",    "step",          "launch",
    "memory_read",     "memory_write",  "memory_copy",   "memory_mix",
    "memory_gather",   "memory_stride", "pointer_chase", "pcie_to_device",
    "pcie_to_host",    "peer_copy",     "collective",    "partition",
    "graph_replay"};

struct MeasuredTable {
  std::vector<MeasuredRow> rows;
  /// Of the device memory, for its own fit.
  std::vector<MemoryRow> memory;
  /// Rows that no fit takes, by name: counted, not dropped in silence.
  std::vector<std::pair<std::string, std::int64_t>> skipped;
};

/// Throws TraceError with file, line and column for what is not such a table; ConfigError for a
/// name of a format that is not known.
[[nodiscard]] TableFormat table_format(std::string_view name);
[[nodiscard]] MeasuredTable read_table(const std::string& path, TableFormat format);

/// Writes rows in the format above.
[[nodiscard]] std::string table_text(const std::vector<MeasuredRow>& rows);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_TABLE_H_
