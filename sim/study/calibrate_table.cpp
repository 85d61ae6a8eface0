// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibrate_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "sim/core/errors.h"
#include "sim/workload/byte_source.h"
#include "sim/workload/line_reader.h"

namespace orrery {
namespace {

constexpr std::string_view kFirstLine = "# orrery measured table 1";

/// Cells of one line after another, by the header's names.
class Cells {
 public:
  Cells(const std::string& path, std::string_view first_line) : lines_(open_file(path), path) {
    std::string_view line;
    if (!lines_.next(line)) throw TraceError({path, 0, 0}, "", "is empty");
    if (!first_line.empty()) {
      if (line != first_line) {
        lines_.fail("", fmt::format("does not begin with '{}'", first_line));
      }
      if (!lines_.next(line)) lines_.fail("", "has no header");
    }
    for (const std::string_view name : split(line)) header_.emplace_back(name);
  }

  void refuse_columns_beyond(std::span<const std::string_view> known) const {
    for (const std::string& name : header_) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        lines_.fail(name, "is not a column of this format; " + known_names(name, known));
      }
    }
  }
  [[nodiscard]] bool has(std::string_view name) const { return index(name).has_value(); }
  bool next() {
    std::string_view line;
    if (!lines_.next(line)) return false;
    cells_ = split(line);
    if (cells_.size() == header_.size()) return true;
    lines_.fail("", fmt::format("has {} cells, the header {}", cells_.size(), header_.size()));
  }
  /// Empty where there is no such column.
  [[nodiscard]] std::string_view text(std::string_view name) const {
    const auto at = index(name);
    return at ? cells_[*at] : std::string_view();
  }
  [[nodiscard]] std::string_view needed(std::string_view name) const {
    const std::string_view cell = text(name);
    if (cell.empty()) lines_.fail(name, "is empty");
    return cell;
  }
  [[nodiscard]] std::int64_t count(std::string_view name, std::int64_t least) const {
    const std::string_view cell = needed(name);
    std::int64_t value = 0;
    const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (result.ec != std::errc() || result.ptr != cell.data() + cell.size()) {
      lines_.fail(name, fmt::format("'{}' is not a whole number", cell));
    }
    if (value < least || value > (std::int64_t{1} << 40)) {
      lines_.fail(name, fmt::format("{} is not at least {}", value, least));
    }
    return value;
  }
  [[nodiscard]] double positive(std::string_view name) const {
    const std::string_view cell = needed(name);
    double value = 0;
    const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (result.ec != std::errc() || result.ptr != cell.data() + cell.size() ||
        !std::isfinite(value) || value <= 0) {
      lines_.fail(name, fmt::format("'{}' is not a positive number", cell));
    }
    return value;
  }
  [[noreturn]] void fail(std::string_view column, std::string_view what) const {
    lines_.fail(column, what);
  }

 private:
  static std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> cells;
    for (;;) {
      const std::size_t comma = line.find(',');
      cells.push_back(line.substr(0, comma));
      if (comma == std::string_view::npos) return cells;
      line.remove_prefix(comma + 1);
    }
  }
  [[nodiscard]] std::optional<std::size_t> index(std::string_view name) const {
    const auto at = std::find(header_.begin(), header_.end(), name);
    if (at == header_.end()) return std::nullopt;
    return static_cast<std::size_t>(at - header_.begin());
  }

  LineReader lines_;
  std::vector<std::string> header_;
  std::vector<std::string_view> cells_;
};

void check_attention(const MeasuredRow& row, const Cells& cells) {
  if (row.shape.heads % row.shape.kv_heads != 0) {
    cells.fail("kv_heads", fmt::format("{} heads are not a multiple of {} KV heads",
                                       row.shape.heads, row.shape.kv_heads));
  }
}

// --- our own ---------------------------------------------------------------------------------

constexpr std::array<std::string_view, 18> kColumns = {
    "op",     "dtype", "kv_dtype",   "m",       "n",        "k",
    "batch",  "query", "context",    "heads",   "kv_heads", "head_dim",
    "window", "ranks", "latency_us", "power_w", "device",   "source"};

std::string type_of(const Cells& cells, std::string_view column) {
  const std::string name(cells.needed(column));
  if (element_bytes(name) == 0) {
    constexpr std::array<std::string_view, 5> kTypes = {"bf16", "fp16", "fp8", "fp8_block", "int8"};
    cells.fail(column, fmt::format("'{}' is not a type; {}", name, known_names(name, kTypes)));
  }
  return name;
}

MeasuredOp op_of(const Cells& cells) {
  const std::string_view name = cells.needed("op");
  const auto at = std::find(kMeasuredOpNames.begin(), kMeasuredOpNames.end(), name);
  if (at == kMeasuredOpNames.end()) {
    cells.fail("op", fmt::format("'{}' is not an operator; {}", name,
                                 known_names(name, kMeasuredOpNames)));
  }
  return static_cast<MeasuredOp>(at - kMeasuredOpNames.begin());
}

MeasuredTable read_ours(const std::string& path) {
  Cells cells(path, kFirstLine);
  cells.refuse_columns_beyond(kColumns);
  MeasuredTable table;
  while (cells.next()) {
    MeasuredRow row;
    row.op = op_of(cells);
    row.dtype = type_of(cells, "dtype");
    if (row.op == MeasuredOp::kGemm) {
      row.shape.m = cells.count("m", 1);
      row.shape.n = cells.count("n", 1);
      row.shape.k = cells.count("k", 1);
    } else {
      row.kv_dtype = type_of(cells, "kv_dtype");
      row.shape.batch = cells.count("batch", 1);
      row.shape.query = row.op == MeasuredOp::kDecodeAttention ? 1 : cells.count("query", 1);
      row.shape.context = cells.count("context", 0);
      row.shape.heads = cells.count("heads", 1);
      row.shape.kv_heads = cells.count("kv_heads", 1);
      row.shape.head_dim = cells.count("head_dim", 1);
      row.shape.window = cells.text("window").empty() ? 0 : cells.count("window", 0);
      check_attention(row, cells);
    }
    if (cells.has("ranks")) row.ranks = cells.count("ranks", 1);
    row.latency_us = cells.positive("latency_us");
    if (!cells.text("power_w").empty()) row.power_w = cells.positive("power_w");
    row.device = cells.needed("device");
    row.source = cells.needed("source");
    table.rows.push_back(std::move(row));
  }
  return table;
}

// --- ai-dynamo/aiconfigurator, collector output ----------------------------------------------

std::string their_type(const Cells& cells, std::string_view column) {
  const std::string_view name = cells.needed(column);
  if (name == "bfloat16") return "bf16";
  if (name == "float16") return "fp16";
  if (name == "fp8" || name == "fp8_block") return std::string(name);
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

MeasuredTable read_aiconfigurator(const std::string& path) {
  Cells cells(path, "");
  MeasuredTable table;
  std::map<std::string, std::int64_t> skipped;
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

// --- casys-kaist/LLMServingSim, profiler output of one model on one GPU -----------------------

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

}  // namespace

TableFormat table_format(std::string_view name) {
  const auto at = std::find(kTableFormatNames.begin(), kTableFormatNames.end(), name);
  if (at == kTableFormatNames.end()) {
    throw ConfigError(fmt::format("--format: '{}' is not a format; {}", name,
                                  known_names(name, kTableFormatNames)));
  }
  return static_cast<TableFormat>(at - kTableFormatNames.begin());
}

MeasuredTable read_table(const std::string& path, TableFormat format) {
  MeasuredTable table = format == TableFormat::kOrrery           ? read_ours(path)
                        : format == TableFormat::kAiconfigurator ? read_aiconfigurator(path)
                                                                 : read_llmservingsim(path);
  if (table.rows.empty()) {
    throw TraceError({path, 0, 0}, "", "has no row of an operator that can be fitted");
  }
  return table;
}

std::string table_text(const std::vector<MeasuredRow>& rows) {
  std::string text(kFirstLine);
  text += fmt::format("\n{}\n", fmt::join(kColumns, ","));
  const auto out = std::back_inserter(text);
  for (const MeasuredRow& row : rows) {
    const KernelShape& s = row.shape;
    fmt::format_to(out, "{},{},{},", kMeasuredOpNames[static_cast<std::size_t>(row.op)], row.dtype,
                   row.kv_dtype);
    if (row.op == MeasuredOp::kGemm) {
      fmt::format_to(out, "{},{},{},,,,,,,,", s.m, s.n, s.k);
    } else {
      fmt::format_to(out, ",,,{},{},{},{},{},{},{},", s.batch, s.query, s.context, s.heads,
                     s.kv_heads, s.head_dim, s.window);
    }
    fmt::format_to(out, "{},{},{},{},{}\n", row.ranks, row.latency_us,
                   row.power_w > 0 ? fmt::to_string(row.power_w) : "", row.device, row.source);
  }
  return text;
}

}  // namespace orrery
