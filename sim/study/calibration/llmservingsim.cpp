// SPDX-License-Identifier: Apache-2.0
//
// casys-kaist/LLMServingSim, profiler output of one model on one GPU.
#include <map>
#include <optional>
#include <utility>

#include "sim/study/calibration/cells.h"

namespace orrery {
namespace {

/// Their tables leave the model to a file beside them: Llama 3.1 8B on one RTX 4090.
struct TheirModel {
  std::int64_t hidden = 4096, heads = 32, kv_heads = 8, head_dim = 128;
  std::int64_t intermediate = 14336, vocab = 128256;
};

std::optional<std::pair<std::int64_t, std::int64_t>> weight_of(std::string_view layer) {
  constexpr TheirModel kModel;
  constexpr std::int64_t kQuery = kModel.heads * kModel.head_dim;
  if (layer == "qkv_proj") {
    return {{kQuery + 2 * kModel.kv_heads * kModel.head_dim, kModel.hidden}};
  }
  if (layer == "o_proj") return {{kModel.hidden, kQuery}};
  if (layer == "gate_up_proj") return {{2 * kModel.intermediate, kModel.hidden}};
  if (layer == "down_proj") return {{kModel.hidden, kModel.intermediate}};
  if (layer == "lm_head") return {{kModel.vocab, kModel.hidden}};
  return std::nullopt;
}

std::string their_attention_row(const Cells& cells, MeasuredRow& row) {
  const std::int64_t chunk = cells.count("prefill_chunk", 0);
  const std::int64_t decodes = cells.count("n_decode", 0);
  if (chunk > 0 && decodes > 0) return "attention of chunks and decodes in one launch";
  if (chunk == 0 && decodes == 0) return "attention of nothing";
  constexpr TheirModel kModel;
  row.op = chunk > 0 ? MeasuredOp::kPrefillAttention : MeasuredOp::kDecodeAttention;
  row.kv_dtype = "bf16";
  row.shape.heads = kModel.heads;
  row.shape.kv_heads = kModel.kv_heads;
  row.shape.head_dim = kModel.head_dim;
  row.shape.batch = chunk > 0 ? 1 : decodes;
  row.shape.query = chunk > 0 ? chunk : 1;
  row.shape.context = chunk > 0 ? cells.count("kv_prefill", 0) : cells.count("kv_decode", 1) - 1;
  return "";
}

}  // namespace

MeasuredTable read_llmservingsim(const std::string& path) {
  Cells cells(path, "");
  MeasuredTable table;
  std::map<std::string, std::int64_t> skipped;
  const bool attention = cells.has("prefill_chunk") && cells.has("n_decode");
  if (!attention && !cells.has("layer")) {
    cells.fail("", "has neither a column layer nor prefill_chunk and n_decode");
  }
  while (cells.next()) {
    MeasuredRow row;
    row.dtype = "bf16";
    std::string skip;
    if (attention) {
      skip = their_attention_row(cells, row);
    } else if (const auto weight = weight_of(cells.needed("layer"))) {
      row.shape.m = cells.count(cells.has("tokens") ? "tokens" : "sequences", 1);
      row.shape.n = weight->first;
      row.shape.k = weight->second;
    } else {
      skip = cells.needed("layer");
    }
    row.latency_us = cells.positive("time_us");
    if (!skip.empty()) {
      ++skipped[skip];
      continue;
    }
    row.device = "NVIDIA GeForce RTX 4090";
    row.source = "vLLM 0.19.0 timed by LLMServingSim (MIT)";
    table.rows.push_back(std::move(row));
  }
  table.skipped.assign(skipped.begin(), skipped.end());
  return table;
}

}  // namespace orrery
