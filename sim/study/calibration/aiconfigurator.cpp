// SPDX-License-Identifier: Apache-2.0
//
// ai-dynamo/aiconfigurator, collector output.
#include <fmt/format.h>

#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "sim/study/calibration/cells.h"
#include "sim/study/calibration/routing.h"

namespace orrery {
namespace {

std::string their_type(const Cells& cells, std::string_view column) {
  const std::string_view name = cells.needed(column);
  if (name == "bfloat16") return "bf16";
  if (name == "float16") return "fp16";
  if (name == "fp8" || name == "fp8_block") return std::string(name);
  if (name == "int4_wo") return "int4";
  if (name == "w4a16_mxfp4") return "mxfp4";
  cells.fail(column, fmt::format("'{}' is not a type that is read", name));
}

MeasuredRow their_attention(const Cells& cells, bool prefill) {
  MeasuredRow row;
  row.op = prefill ? MeasuredOp::kPrefillAttention : MeasuredOp::kDecodeAttention;
  row.dtype = their_type(cells, "attn_dtype");
  row.kv_dtype = their_type(cells, "kv_cache_dtype");
  KernelShape& shape = row.shape;
  shape.batch = cells.count("batch_size", 1);
  const std::int64_t length = cells.count("isl", 1);
  const std::int64_t step = cells.count("step", 0);
  // A decode attends isl + step tokens, its own among them.
  shape.query = prefill ? length : 1;
  shape.context = prefill ? step : length + step - 1;
  shape.heads = cells.count("num_heads", 1);
  shape.kv_heads = cells.count("num_key_value_heads", 1);
  shape.head_dim = cells.count("head_dim", 1);
  if (cells.has("window_size")) shape.window = cells.count("window_size", 0);
  check_attention(row, cells);
  return row;
}

/// Loads already worked out; a table asks for each many times.
using Loads =
    std::map<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
             std::optional<ExpertLoad>>;

const std::optional<ExpertLoad>& load_of(Loads& loads, std::string_view distribution,
                                         const Routing& r) {
  const auto [at, fresh] =
      loads.try_emplace({std::string(distribution), r.tokens, r.experts, r.local_experts, r.top_k});
  if (fresh) at->second = aiconfigurator_load(distribution, r);
  return at->second;
}

/// The fused experts of one layer on one rank.
MeasuredRow their_moe(const Cells& cells, Loads& loads) {
  MeasuredRow row;
  row.op = MeasuredOp::kMoe;
  row.dtype = their_type(cells, "moe_dtype");
  const auto divide = [&](std::string_view column, std::int64_t by) {
    const std::int64_t whole = cells.count(column, 1);
    if (whole % by != 0) cells.fail(column, fmt::format("{} does not divide by {}", whole, by));
    return whole / by;
  };
  Routing routing;
  routing.tokens = cells.count("num_tokens", 1);
  routing.experts = cells.count("num_experts", 1);
  routing.local_experts = divide("num_experts", cells.count("moe_ep_size", 1));
  routing.top_k = cells.count("topk", 1);
  if (routing.top_k > routing.experts) cells.fail("topk", "is more than there are experts");
  const std::string_view distribution = cells.needed("distribution");
  const std::optional<ExpertLoad>& load = load_of(loads, distribution, routing);
  if (!load) {
    cells.fail("distribution",
               fmt::format("'{}' is neither balanced nor power_law_A with A over 1", distribution));
  }
  row.shape = moe_shape(routing.tokens, cells.count("hidden_size", 1),
                        divide("inter_size", cells.count("moe_tp_size", 1)), routing.experts,
                        routing.local_experts, routing.top_k, *load);
  return row;
}

}  // namespace

MeasuredTable read_aiconfigurator(const std::string& path) {
  Cells cells(path, "");
  MeasuredTable table;
  std::map<std::string, std::int64_t> skipped;
  Loads loads;
  while (cells.next()) {
    const std::string_view op = cells.needed("op_name");
    MeasuredRow row;
    if (op == "gemm") {
      row.dtype = their_type(cells, "gemm_dtype");
      row.shape.m = cells.count("m", 1);
      row.shape.n = cells.count("n", 1);
      row.shape.k = cells.count("k", 1);
    } else if (op == "context_attention" || op == "generation_attention") {
      row = their_attention(cells, op == "context_attention");
    } else if (op == "moe") {
      row = their_moe(cells, loads);
    } else {
      ++skipped[std::string(op)];
      continue;
    }
    row.latency_us = 1000 * cells.positive("latency");
    row.device = cells.needed("device");
    row.source = fmt::format("{} {} timed by aiconfigurator (Apache-2.0)",
                             cells.needed("framework"), cells.needed("version"));
    table.rows.push_back(std::move(row));
  }
  table.skipped.assign(skipped.begin(), skipped.end());
  return table;
}

}  // namespace orrery
