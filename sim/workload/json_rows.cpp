// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/json_rows.h"

#include <string>
#include <utility>

#include "sim/workload/json_line.h"
#include "sim/workload/row_reader_base.h"

namespace orrery {
namespace {

/// What the JSON formats differ in.
struct Layout {
  std::string time;
  std::string input;
  std::string output;
  /// Empty: the format has no prefix blocks.
  std::string hash_ids;
  /// Decimal digits between the file's unit of time and a picosecond.
  int time_digits = 12;
  double multiplier = 1;
};

class JsonReader final : public RowReaderBase {
 public:
  JsonReader(LineReader lines, ZeroTokens zero_tokens, Layout layout)
      : RowReaderBase(std::move(lines), zero_tokens), layout_(std::move(layout)) {}

  bool next(TraceRow& row) override {
    std::string_view line;
    while (lines_.next(line)) {
      row.clear();
      row.line = lines_.line_number();
      read(line, row);
      if (has_tokens(row, layout_.input, layout_.output)) return true;
    }
    return false;
  }

 private:
  enum Seen : unsigned { kTime = 1, kInput = 2, kOutput = 4, kHashes = 8 };

  void read(std::string_view line, TraceRow& row) {
    JsonLine json(lines_, line);
    unsigned seen = 0;
    while (json.next_key()) {
      const std::string_view key = json.key();
      if (key == layout_.time) {
        mark(seen, kTime, key);
        row.time = read_time(json.number());
      } else if (key == layout_.input) {
        mark(seen, kInput, key);
        row.input_tokens = tokens(key, json.number());
      } else if (key == layout_.output) {
        mark(seen, kOutput, key);
        row.output_tokens = tokens(key, json.number());
      } else if (!layout_.hash_ids.empty() && key == layout_.hash_ids) {
        mark(seen, kHashes, key);
        json.whole_numbers(row.hash_ids);
      } else {
        json.skip();
      }
    }
    demand(seen, kTime, layout_.time);
    demand(seen, kInput, layout_.input);
    demand(seen, kOutput, layout_.output);
    if (!layout_.hash_ids.empty()) demand(seen, kHashes, layout_.hash_ids);
  }
  void mark(unsigned& seen, Seen which, std::string_view key) const {
    if ((seen & which) != 0) lines_.fail(key, "stands twice");
    seen |= which;
  }
  void demand(unsigned seen, Seen which, std::string_view key) const {
    if ((seen & which) == 0) lines_.fail(key, "is missing");
  }
  [[nodiscard]] TraceTime read_time(std::string_view text) const {
    const TraceTime value = time(layout_.time, text, layout_.time_digits);
    if (layout_.multiplier == 1) return value;
    const std::optional<TraceTime> scaled = scale_time(value, layout_.multiplier);
    if (!scaled) lines_.fail(layout_.time, quoted(text) + " is too late a time");
    return *scaled;
  }

  Layout layout_;
};

std::unique_ptr<RowReader> open(LineReader lines, const FormatOptions& options, Layout layout) {
  return std::make_unique<JsonReader>(std::move(lines), options.zero_tokens, std::move(layout));
}

}  // namespace

std::unique_ptr<RowReader> open_mooncake(LineReader lines, const FormatOptions& options) {
  return open(std::move(lines), options,
              {"timestamp", "input_length", "output_length", "hash_ids", 9, 1});
}
std::unique_ptr<RowReader> open_timed_trace(LineReader lines, const FormatOptions& options) {
  return open(std::move(lines), options,
              {options.timestamp_label, options.input_label, options.output_label,
               options.hash_label, 12, options.sec_multiplier});
}
std::unique_ptr<RowReader> open_block_ids(LineReader lines, const FormatOptions& options) {
  return open(std::move(lines), options,
              {"timestamp_ns", "input_length", "output_length", "hash_ids", 3, 1});
}
std::unique_ptr<RowReader> open_bench_requests(LineReader lines, const FormatOptions& options) {
  return open(std::move(lines), options, {"arrival_time", "input_toks", "output_toks", "", 12, 1});
}

}  // namespace orrery
