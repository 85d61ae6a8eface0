// SPDX-License-Identifier: Apache-2.0
#include "models/calibration/fits_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::string_view kTitle = "orrery kernel fits 2";
constexpr char kFirstLetter = '!';
constexpr char kLastLetter = '~';

void write_boosted(std::string& text, std::string_view name, const Boosted& boosted) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "ensemble {} {} {} {}\n", name, boosted.unit, boosted.borders.size(),
                 boosted.trees.size());
  for (const std::vector<float>& borders : boosted.borders) {
    text += "borders";
    for (const float border : borders) fmt::format_to(out, " {}", border);
    text += '\n';
  }
  for (const Boosted::Tree& tree : boosted.trees) {
    for (const Boosted::Question& q : tree.questions) {
      text += static_cast<char>(kFirstLetter + q.feature);
      text += static_cast<char>(kFirstLetter + q.border);
    }
    text += ' ';
    for (const std::int8_t answer : tree.answers) {
      text += static_cast<char>(kFirstLetter + Boosted::kMostAnswer + answer);
    }
    text += '\n';
  }
}

void write_record(std::string& text, const FitRecord& record) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "fit {} {} {}\ndevice {}\nsource {}\n", name_of(record.set.op),
                 record.set.dtype, record.set.kv_dtype.empty() ? "-" : record.set.kv_dtype,
                 record.device, record.source);
  for (const auto& [name, value] : record.parameters) {
    fmt::format_to(out, "parameter {} {}\n", name, value);
  }
  for (std::size_t i = 0; i < kShapeNames.size(); ++i) {
    if (record.range.high[i] == 0) continue;
    fmt::format_to(out, "range {} {} {}\n", kShapeNames[i], record.range.low[i],
                   record.range.high[i]);
  }
  const HeldOut& h = record.held_out;
  fmt::format_to(out, "held_out {} {} {} {} {} {} {}\nwiden {} {}\n",
                 h.by_size ? "sizes" : "shapes", h.rows, h.families, h.median, h.p90, h.coverage,
                 h.half_width, record.widen, record.widen_outside);
  write_boosted(text, "residual", record.residual);
  write_boosted(text, "spread", record.spread);
}

/// Words of one line after another.
class Lines {
 public:
  Lines(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  bool next() {
    if (text_.empty()) return false;
    const std::size_t end = std::min(text_.find('\n'), text_.size());
    rest_ = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++line_;
    return true;
  }
  void need() {
    if (!next()) fail("the file ends here");
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  std::string_view word() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }
  template <class Number>
  Number number() {
    const std::string_view text = word();
    Number value{};
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size()) {
      fail(fmt::format("'{}' is not a number", text));
    }
    return value;
  }
  void expect(std::string_view wanted) {
    const std::string_view found = word();
    if (found != wanted) fail(fmt::format("'{}' stands where '{}' belongs", found, wanted));
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw ConfigError({name_, line_, 0}, "calibration", what);
  }

 private:
  std::string_view text_;
  std::string name_;
  std::string_view rest_;
  int line_ = 0;
};

/// The letter's number, below `count`.
int letter(const Lines& lines, char c, std::size_t count) {
  if (c < kFirstLetter || c > kLastLetter || static_cast<std::size_t>(c - kFirstLetter) >= count) {
    lines.fail(fmt::format("'{}' is not a letter that can stand here", c));
  }
  return c - kFirstLetter;
}

Boosted::Tree read_tree(Lines& lines, const Boosted& boosted) {
  Boosted::Tree tree;
  const std::string_view questions = lines.word();
  const std::string_view answers = lines.word();
  if (questions.size() % 2 != 0 || questions.size() > 32 ||
      answers.size() != std::size_t{1} << (questions.size() / 2)) {
    lines.fail("a tree of d questions has 2^d answers");
  }
  for (std::size_t i = 0; i < questions.size(); i += 2) {
    const int feature = letter(lines, questions[i], boosted.borders.size());
    const auto& borders = boosted.borders[static_cast<std::size_t>(feature)];
    const int border = letter(lines, questions[i + 1], borders.size());
    tree.questions.push_back(
        {static_cast<std::uint8_t>(feature), static_cast<std::uint8_t>(border)});
  }
  for (const char c : answers) {
    const int answer = letter(lines, c, 2 * Boosted::kMostAnswer + 1) - Boosted::kMostAnswer;
    tree.answers.push_back(static_cast<std::int8_t>(answer));
  }
  return tree;
}

Boosted read_boosted(Lines& lines, std::string_view name) {
  Boosted boosted;
  lines.need();
  lines.expect("ensemble");
  lines.expect(name);
  boosted.unit = lines.number<double>();
  const auto features = lines.number<std::size_t>();
  const auto trees = lines.number<std::size_t>();
  if (features > kMostFeatures) lines.fail("has more features than any operator");
  for (std::size_t f = 0; f < features; ++f) {
    lines.need();
    lines.expect("borders");
    boosted.borders.emplace_back();
    while (!lines.rest().empty()) boosted.borders.back().push_back(lines.number<float>());
  }
  for (std::size_t t = 0; t < trees; ++t) {
    lines.need();
    boosted.trees.push_back(read_tree(lines, boosted));
  }
  return boosted;
}

KernelSet read_set(Lines& lines) {
  lines.expect("fit");
  const std::string_view op = lines.word();
  const auto at = std::find(kMeasuredOpNames.begin(), kMeasuredOpNames.end(), op);
  if (at == kMeasuredOpNames.end()) lines.fail(fmt::format("'{}' is not an operator", op));
  KernelSet set;
  set.op = static_cast<MeasuredOp>(at - kMeasuredOpNames.begin());
  set.dtype = lines.word();
  set.kv_dtype = lines.word();
  if (set.kv_dtype == "-") set.kv_dtype.clear();
  return set;
}

void read_range(Lines& lines, MeasuredRange& range) {
  const std::string_view name = lines.word();
  const auto at = std::find(kShapeNames.begin(), kShapeNames.end(), name);
  if (at == kShapeNames.end()) lines.fail(fmt::format("'{}' is not a dimension", name));
  const auto i = static_cast<std::size_t>(at - kShapeNames.begin());
  range.low[i] = lines.number<std::int64_t>();
  range.high[i] = lines.number<std::int64_t>();
}

FitRecord read_record(Lines& lines) {
  FitRecord record;
  record.set = read_set(lines);
  lines.need();
  lines.expect("device");
  record.device = lines.rest();
  lines.need();
  lines.expect("source");
  record.source = lines.rest();
  for (;;) {
    lines.need();
    const std::string_view what = lines.word();
    if (what == "held_out") break;
    if (what == "parameter") {
      const std::string name(lines.word());
      record.parameters.emplace_back(name, lines.number<double>());
    } else if (what == "range") {
      read_range(lines, record.range);
    } else {
      lines.fail(fmt::format("'{}' is none of parameter, range, held_out", what));
    }
  }
  HeldOut& held_out = record.held_out;
  const std::string_view by = lines.word();
  if (by != "sizes" && by != "shapes") lines.fail("held_out is by shapes or sizes");
  held_out.by_size = by == "sizes";
  held_out.rows = lines.number<std::int64_t>();
  held_out.families = lines.number<std::int64_t>();
  for (double* value :
       {&held_out.median, &held_out.p90, &held_out.coverage, &held_out.half_width}) {
    *value = lines.number<double>();
  }
  lines.need();
  lines.expect("widen");
  record.widen = lines.number<double>();
  record.widen_outside = lines.number<double>();
  record.residual = read_boosted(lines, "residual");
  record.spread = read_boosted(lines, "spread");
  return record;
}

}  // namespace

std::string write_fits(const std::vector<FitRecord>& records) {
  std::string text(kTitle);
  text += '\n';
  for (const FitRecord& record : records) write_record(text, record);
  return text;
}

std::vector<FitRecord> read_fits(std::string_view text, const std::string& name) {
  Lines lines(text, name);
  if (!lines.next() || lines.rest() != kTitle) {
    lines.fail(fmt::format("does not begin with '{}'", kTitle));
  }
  std::vector<FitRecord> records;
  while (lines.next()) records.push_back(read_record(lines));
  return records;
}

}  // namespace orrery
