// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/log_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "sim/core/errors.h"
#include "sim/workload/line_reader.h"

namespace orrery {
namespace {

constexpr std::string_view kIteration = "Iteration(";
constexpr std::string_view kUsage = "GPU KV cache usage: ";
/// Blocks in use hold half a block less than they could, for each request; 16 is vLLM's default.
constexpr double kHalfBlock = 7.5;

/// A line read from left to right; what does not fit is refused where it stands.
class Cursor {
 public:
  Cursor(const LineReader& lines, std::string_view line, std::size_t at)
      : lines_(lines), line_(line), at_(at) {}

  void expect(std::string_view text) {
    if (!line_.substr(at_).starts_with(text)) refuse("expected '" + std::string(text) + "'");
    at_ += text.size();
  }
  void skip_to(std::string_view text) {
    const std::size_t found = line_.find(text, at_);
    if (found == std::string_view::npos) refuse("'" + std::string(text) + "' does not follow");
    at_ = found + text.size();
  }
  [[nodiscard]] std::int64_t count() {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(line_.data() + at_, line_.data() + line_.size(), value);
    if (error != std::errc() || value < 0) refuse("expected a whole number");
    at_ = static_cast<std::size_t>(end - line_.data());
    return value;
  }
  [[nodiscard]] double number() {
    double value = 0;
    const auto [end, error] = std::from_chars(line_.data() + at_, line_.data() + line_.size(),
                                              value, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(value) || value < 0) refuse("expected a number");
    at_ = static_cast<std::size_t>(end - line_.data());
    return value;
  }
  /// `41,408`.
  [[nodiscard]] std::int64_t grouped_count() {
    std::int64_t value = count();
    while (at_ + 3 < line_.size() && line_[at_] == ',') {
      ++at_;
      value = value * 1000 + count();
    }
    return value;
  }
  [[nodiscard]] bool rest_starts_with(std::string_view text) const {
    return line_.substr(at_).starts_with(text);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw TraceError(Position{lines_.name(), lines_.line_number(), static_cast<int>(at_ + 1)}, {},
                     what);
  }

  const LineReader& lines_;
  std::string_view line_;
  std::size_t at_;
};

bool two_digits(std::string_view text, std::size_t at, int& value) {
  if (at + 2 > text.size()) return false;
  const char tens = text[at];
  const char ones = text[at + 1];
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return false;
  value = 10 * (tens - '0') + (ones - '0');
  return true;
}

/// `11-21 10:00:00`, with a fraction where the format has one: seconds from the year's begin. The
/// calendar is a leap year's, which differs from others by whole days only.
std::optional<double> time_in(std::string_view prefix) {
  constexpr std::array<int, 12> kDaysBefore = {0,   31,  60,  91,  121, 152,
                                               182, 213, 244, 274, 305, 335};
  for (std::size_t at = 0; at + 14 <= prefix.size(); ++at) {
    std::array<int, 5> part{};
    bool fits = prefix[at + 2] == '-' && prefix[at + 5] == ' ' && prefix[at + 8] == ':' &&
                prefix[at + 11] == ':';
    for (std::size_t i = 0; fits && i < part.size(); ++i) {
      fits = two_digits(prefix, at + 3 * i, part[i]);
    }
    if (!fits || part[0] < 1 || part[0] > 12) continue;
    const int days = kDaysBefore[static_cast<std::size_t>(part[0] - 1)] + part[1];
    double seconds = ((days * 24.0 + part[2]) * 60 + part[3]) * 60 + part[4];
    if (at + 14 < prefix.size() && (prefix[at + 14] == '.' || prefix[at + 14] == ',')) {
      double scale = 0.1;
      for (std::size_t i = at + 15; i < prefix.size() && prefix[i] >= '0' && prefix[i] <= '9';
           ++i) {
        seconds += scale * (prefix[i] - '0');
        scale /= 10;
      }
    }
    return seconds;
  }
  return std::nullopt;
}

/// What was in use when a periodic line was written, and after how many steps that was.
struct UsagePoint {
  std::size_t steps;
  double kv_tokens;
};

class Reader {
 public:
  explicit Reader(LineReader& lines) : lines_(lines) {}

  EngineLog read() {
    std::string_view line;
    while (lines_.next(line)) read_line(line);
    log_.engines = static_cast<std::int64_t>(engines_.size());
    spread_usage();
    return std::move(log_);
  }

 private:
  void read_line(std::string_view line) {
    const std::size_t iteration = line.find(kIteration);
    if (iteration != std::string_view::npos) return read_iteration(line, iteration);
    if (line.find(kUsage) != std::string_view::npos) return read_usage(line);
    if (const std::size_t at = line.find("GPU KV cache size: "); at != std::string_view::npos) {
      Cursor cursor(lines_, line, at);
      cursor.skip_to(": ");
      log_.kv_cache_tokens = cursor.grouped_count();
    }
    if (line.find("synchronous scheduling is enabled") != std::string_view::npos) {
      log_.async_scheduling = true;
    }
    if (line.find("synchronous scheduling is disabled") != std::string_view::npos) {
      log_.async_scheduling = false;
    }
    read_model(line);
  }

  void read_model(std::string_view line) {
    constexpr std::string_view kModel = "model='";
    const std::size_t at = line.find(kModel);
    if (at == std::string_view::npos || !log_.model.empty()) return;
    const std::string_view rest = line.substr(at + kModel.size());
    log_.model = rest.substr(0, rest.find('\''));
  }

  void read_iteration(std::string_view line, std::size_t at) {
    LoggedStep step;
    Cursor cursor(lines_, line, at + kIteration.size());
    static_cast<void>(cursor.count());
    cursor.expect("): ");
    step.context_requests = cursor.count();
    cursor.expect(" context requests, ");
    step.context_tokens = cursor.count();
    cursor.expect(" context tokens, ");
    step.generation_requests = cursor.count();
    cursor.expect(" generation requests, ");
    step.generation_tokens = cursor.count();
    cursor.expect(" generation tokens");
    // Later versions name encoder inputs here.
    cursor.skip_to("iteration elapsed time: ");
    step.elapsed_ms = cursor.number();
    cursor.expect(" ms");
    if (cursor.rest_starts_with(" (dummy)")) {
      ++log_.dummies;
      return;
    }
    const std::string_view prefix = line.substr(0, at);
    step.logged_s = time_in(prefix);
    step.engine = engine_of(prefix);
    log_.steps.push_back(step);
  }

  /// `(EngineCore_DP1 pid=77) INFO ...`: up to the brace that closes.
  std::size_t engine_of(std::string_view prefix) {
    const std::size_t close = prefix.starts_with('(') ? prefix.find(')') : std::string_view::npos;
    const std::string name(close == std::string_view::npos ? "" : prefix.substr(0, close));
    return engines_.emplace(name, engines_.size()).first->second;
  }

  void read_usage(std::string_view line) {
    Cursor running(lines_, line, 0);
    running.skip_to("Running: ");
    const auto requests = static_cast<double>(running.count());
    Cursor cursor(lines_, line, line.find(kUsage) + kUsage.size());
    const double share = cursor.number() / 100;
    cursor.expect("%");
    if (!log_.kv_cache_tokens) return;
    const double tokens = share * static_cast<double>(*log_.kv_cache_tokens);
    usage_.push_back({log_.steps.size(), std::max(0.0, tokens - kHalfBlock * requests)});
  }

  void spread_usage() {
    if (usage_.empty()) return;
    std::size_t after = 0;
    for (std::size_t i = 0; i < log_.steps.size(); ++i) {
      while (after < usage_.size() && usage_[after].steps <= i) ++after;
      const UsagePoint& low = usage_[after == 0 ? 0 : after - 1];
      const UsagePoint& high = usage_[std::min(after, usage_.size() - 1)];
      double share = 0;
      if (high.steps > low.steps) {
        share = static_cast<double>(i - low.steps) / static_cast<double>(high.steps - low.steps);
      }
      log_.steps[i].kv_tokens = low.kv_tokens + share * (high.kv_tokens - low.kv_tokens);
    }
  }

  LineReader& lines_;
  EngineLog log_;
  std::map<std::string, std::size_t> engines_;
  std::vector<UsagePoint> usage_;
};

}  // namespace

EngineLog read_engine_log(const std::string& path) {
  LineReader lines(open_file(path), path);
  return Reader(lines).read();
}

EngineLog read_engine_log_text(std::string_view text, const std::string& name) {
  LineReader lines(open_memory(text, name), name);
  return Reader(lines).read();
}

}  // namespace orrery
