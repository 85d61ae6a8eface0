// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/trace_formats.h"

#include <array>

#include "sim/workload/csv_rows.h"
#include "sim/workload/json_rows.h"

namespace orrery {
namespace {

constexpr TraceFormat kFormats[] = {
    {"plain",
     "CSV of our own: arrival_s,input_tokens,output_tokens[,max_tokens,session,priority]; exact "
     "decimal seconds",
     false,
     true,
     0,
     {},
     &open_plain},
    {"azure",
     "Azure LLM inference traces 2023 and 2024, CSV: TIMESTAMP,ContextTokens,GeneratedTokens; "
     "counted from the first row",
     true,
     true,
     0,
     {},
     &open_azure},
    {"burstgpt",
     "BurstGPT CSV: Timestamp,[Session ID,Elapsed time,]Model,Request tokens,Response "
     "tokens,Total tokens,Log Type; failed rows are skipped and counted; counted from the first "
     "row",
     true,
     true,
     0,
     {},
     &open_burstgpt},
    {"mooncake",
     "Mooncake JSON lines: timestamp (ms), input_length, output_length, hash_ids of 512-token "
     "prefix blocks",
     false,
     true,
     512,
     {},
     &open_mooncake},
    {"timed-trace",
     "vLLM's timed_trace JSON lines: timestamp, input_length, output_length, hash_ids (labels, "
     "block size and unit of time are options)",
     false,
     true,
     16,
     {},
     &open_timed_trace},
    {"bench-requests",
     "one JSON object a request of a benchmark run: request_id, input_toks, output_toks, "
     "arrival_time; counted from the first arrival; up to an hour out of order",
     true, true, 0, seconds(3600), &open_bench_requests},
    {"block-ids",
     "JSON lines: timestamp_ns, input_length, output_length, hash_ids of full 16-token blocks",
     false,
     true,
     16,
     {},
     &open_block_ids},
    {"lengths",
     "CSV of length pairs without times: input_length[,output_length]; needs `arrivals`, and "
     "`output_tokens` where the file has none",
     false,
     false,
     0,
     {},
     &open_lengths},
};

constexpr auto kNames = [] {
  std::array<std::string_view, std::size(kFormats)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kFormats[i].name;
  return names;
}();

}  // namespace

std::span<const TraceFormat> trace_formats() { return kFormats; }
std::span<const std::string_view> trace_format_names() { return kNames; }

}  // namespace orrery
