// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/core/hash.h"
#include "sim/workload/row_reader_base.h"
#include "sim/workload/wall_clock.h"

namespace orrery {
namespace {

constexpr std::size_t kMostColumns = 8;
constexpr std::size_t kAbsent = kMostColumns;

/// One line cut at its commas. Quotes around a field are taken off; published traces have no
/// commas inside them.
struct Fields {
  std::array<std::string_view, kMostColumns> text;
  std::size_t count = 0;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

/// Counts all fields, keeps the first kMostColumns.
Fields split(std::string_view line) {
  Fields fields;
  for (;;) {
    const std::size_t comma = line.find(',');
    if (fields.count < kMostColumns) fields.text[fields.count] = trimmed(line.substr(0, comma));
    ++fields.count;
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

struct Column {
  std::string_view name;
  bool required = true;
};

/// A reader over a header that must consist of known columns, each at most once.
class CsvReader : public RowReaderBase {
 public:
  CsvReader(LineReader lines, ZeroTokens zero_tokens, std::span<const Column> columns)
      : RowReaderBase(std::move(lines), zero_tokens), columns_(columns) {
    read_header();
  }

 protected:
  bool next_line(TraceRow& row) {
    std::string_view line;
    if (!lines_.next(line)) return false;
    fields_ = split(line);
    if (fields_.count != header_count_) {
      lines_.fail(
          "", fmt::format("has {} fields where the header has {}", fields_.count, header_count_));
    }
    row.clear();
    row.line = lines_.line_number();
    return true;
  }
  [[nodiscard]] bool has(std::size_t column) const { return at_[column] != kAbsent; }
  [[nodiscard]] std::string_view text(std::size_t column) const {
    return fields_.text[at_[column]];
  }
  [[nodiscard]] std::string_view name(std::size_t column) const { return columns_[column].name; }
  [[nodiscard]] std::int32_t tokens_of(std::size_t column) const {
    return tokens(name(column), text(column));
  }
  void read_session(std::size_t column, TraceRow& row) const {
    if (!has(column) || text(column).empty()) return;
    row.has_session = true;
    row.session = hash_text(text(column));
  }

 private:
  void read_header() {
    std::string_view line;
    if (!lines_.next(line)) lines_.fail("", "the file is empty; its first line names the columns");
    const Fields header = split(line);
    at_.fill(kAbsent);
    header_count_ = header.count;
    for (std::size_t i = 0; i < std::min(header.count, kMostColumns); ++i) place(header.text[i], i);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].required && !has(c)) {
        lines_.fail(name(c), "is missing from the header; " + expected());
      }
    }
    if (header.count > kMostColumns) lines_.fail("", "the header has too many columns");
  }
  void place(std::string_view title, std::size_t i) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].name != title) continue;
      if (has(c)) lines_.fail(title, "stands twice in the header");
      at_[c] = i;
      return;
    }
    std::vector<std::string_view> known;
    for (const Column& column : columns_) known.push_back(column.name);
    lines_.fail(
        "", "the header has an unknown column " + quoted(title) + "; " + known_names(title, known));
  }
  [[nodiscard]] std::string expected() const {
    std::string list = "columns:";
    for (const Column& column : columns_) {
      list += fmt::format("{} {}{}", list.ends_with(':') ? "" : ",", column.name,
                          column.required ? "" : " (optional)");
    }
    return list;
  }

  std::span<const Column> columns_;
  std::array<std::size_t, kMostColumns> at_{};
  std::size_t header_count_ = 0;
  Fields fields_;
};

class AzureReader final : public CsvReader {
 public:
  explicit AzureReader(LineReader lines, const FormatOptions& options)
      : CsvReader(std::move(lines), options.zero_tokens, kColumns) {}

  bool next(TraceRow& row) override {
    while (next_line(row)) {
      const std::optional<TraceTime> when = parse_wall_clock(text(kTime));
      if (!when) {
        lines_.fail(name(kTime), quoted(text(kTime)) + " is not like 2023-11-16 18:17:03.9799600");
      }
      row.time = *when;
      row.input_tokens = tokens_of(kInput);
      row.output_tokens = tokens_of(kOutput);
      if (has_tokens(row, name(kInput), name(kOutput))) return true;
    }
    return false;
  }

 private:
  enum : std::size_t { kTime, kInput, kOutput };
  static constexpr Column kColumns[] = {{"TIMESTAMP"}, {"ContextTokens"}, {"GeneratedTokens"}};
};

class BurstGptReader final : public CsvReader {
 public:
  explicit BurstGptReader(LineReader lines, const FormatOptions& options)
      : CsvReader(std::move(lines), options.zero_tokens, kColumns), model_(options.model) {}

  bool next(TraceRow& row) override {
    while (next_line(row)) {
      row.time = time(name(kTime), text(kTime), 12);
      row.input_tokens = tokens_of(kInput);
      row.output_tokens = tokens_of(kOutput);
      static_cast<void>(tokens_of(kTotal));
      read_session(kSession, row);
      if (!model_.empty() && text(kModel) != model_) {
        ++other_models_;
      } else if (row.output_tokens == 0) {
        ++failed_;  // how the trace records a request that got no answer
      } else if (has_tokens(row, name(kInput), name(kOutput))) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] std::vector<std::string> remarks() const override {
    std::vector<std::string> result = CsvReader::remarks();
    if (failed_ > 0) {
      result.push_back(
          fmt::format("{} rows with 0 response tokens (failed requests) were skipped.", failed_));
    }
    if (other_models_ > 0) {
      result.push_back(
          fmt::format("{} rows of models other than {} were skipped.", other_models_, model_));
    }
    return result;
  }

 private:
  enum : std::size_t { kTime, kSession, kElapsed, kModel, kInput, kOutput, kTotal, kLog };
  static constexpr Column kColumns[] = {
      {"Timestamp"},      {"Session ID", false}, {"Elapsed time", false}, {"Model"},
      {"Request tokens"}, {"Response tokens"},   {"Total tokens"},        {"Log Type"}};
  std::string model_;
  std::int64_t failed_ = 0;
  std::int64_t other_models_ = 0;
};

class PlainReader final : public CsvReader {
 public:
  explicit PlainReader(LineReader lines, const FormatOptions& options)
      : CsvReader(std::move(lines), options.zero_tokens, kColumns) {}

  bool next(TraceRow& row) override {
    while (next_line(row)) {
      row.time = time(name(kTime), text(kTime), 12);
      row.input_tokens = tokens_of(kInput);
      row.output_tokens = tokens_of(kOutput);
      if (has(kMax) && !text(kMax).empty()) row.max_tokens = tokens_of(kMax);
      read_session(kSession, row);
      if (has(kPriority) && !text(kPriority).empty()) row.priority = priority();
      if (has_tokens(row, name(kInput), name(kOutput))) return true;
    }
    return false;
  }

 private:
  enum : std::size_t { kTime, kInput, kOutput, kMax, kSession, kPriority };
  static constexpr Column kColumns[] = {{"arrival_s"},      {"input_tokens"},
                                        {"output_tokens"},  {"max_tokens", false},
                                        {"session", false}, {"priority", false}};

  [[nodiscard]] std::int32_t priority() const {
    std::string_view digits = text(kPriority);
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    const std::optional<std::uint64_t> value = parse_whole(digits);
    if (!value || *value > INT32_MAX) {
      lines_.fail(name(kPriority), quoted(text(kPriority)) + " is not a whole number that fits");
    }
    const auto magnitude = static_cast<std::int32_t>(*value);
    return negative ? -magnitude : magnitude;
  }
};

class LengthsReader final : public CsvReader {
 public:
  explicit LengthsReader(LineReader lines, const FormatOptions& options)
      : CsvReader(std::move(lines), options.zero_tokens, kColumns) {}

  bool next(TraceRow& row) override {
    while (next_line(row)) {
      row.input_tokens = tokens_of(kInput);
      row.output_tokens = has(kOutput) ? tokens_of(kOutput) : 1;
      const bool used = has_tokens(row, name(kInput), name(kOutput));
      if (!has(kOutput)) row.output_tokens = 0;
      if (used) return true;
    }
    return false;
  }

 private:
  enum : std::size_t { kInput, kOutput };
  static constexpr Column kColumns[] = {{"input_length"}, {"output_length", false}};
};

}  // namespace

std::unique_ptr<RowReader> open_azure(LineReader lines, const FormatOptions& options) {
  return std::make_unique<AzureReader>(std::move(lines), options);
}
std::unique_ptr<RowReader> open_burstgpt(LineReader lines, const FormatOptions& options) {
  return std::make_unique<BurstGptReader>(std::move(lines), options);
}
std::unique_ptr<RowReader> open_plain(LineReader lines, const FormatOptions& options) {
  return std::make_unique<PlainReader>(std::move(lines), options);
}
std::unique_ptr<RowReader> open_lengths(LineReader lines, const FormatOptions& options) {
  return std::make_unique<LengthsReader>(std::move(lines), options);
}

}  // namespace orrery
