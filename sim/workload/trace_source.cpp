// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/trace_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/core/check.h"
#include "sim/core/random.h"
#include "sim/workload/row_stages.h"
#include "sim/workload/trace_prompts.h"

namespace orrery {
namespace {

/// The file and what the options do to its rows, in the order in which it must happen.
std::unique_ptr<RowReader> open_rows(const TraceOptions& options, LineReader lines,
                                     std::uint64_t seed) {
  const TraceFormat& format = options.trace_format();
  std::unique_ptr<RowReader> rows = format.open(std::move(lines), options.format_options());
  if (format.timed) {
    const Duration window = options.reorder_window.value_or(format.disorder);
    if (options.sort) {
      rows = reorder(std::move(rows), {});
    } else if (window > Duration()) {
      rows = reorder(std::move(rows), window);
    } else {
      rows = check_order(std::move(rows));
    }
  }
  rows =
      cut_window(std::move(rows), {format.rebase, options.start, options.duration, options.sample},
                 RandomStream(seed, "workload.trace", "sample"));
  if (options.jitter > Duration()) {
    rows = jitter(std::move(rows), options.jitter, RandomStream(seed, "workload.trace", "jitter"));
  }
  return rows;
}

/// Files are told apart by name and not by folder, so that a moved study gives the same requests.
std::string content_space(const TraceOptions& options) {
  return std::filesystem::path(options.path).filename().string();
}

class TraceSource final : public RequestSource {
 public:
  TraceSource(const TraceOptions& options, LineReader lines, std::string name,
              const std::filesystem::path& relative_to, std::uint64_t seed)
      : options_(options),
        name_(std::move(name)),
        rows_(open_rows(options, std::move(lines), seed)),
        max_tokens_(options.max_tokens),
        sessions_(options.sessions == SessionPrompts::kChained),
        blocks_(block_tokens(options), content_space(options)),
        has_blocks_(block_tokens(options) > 0),
        output_draws_(seed, "workload.trace", "output_tokens") {
    if (options.output_tokens) outputs_ = make_lengths(*options.output_tokens, relative_to);
    if (options.arrivals) {
      arrivals_ =
          make_arrivals(*options.arrivals, {}, RandomStream(seed, "workload.trace", "arrivals"));
    }
    fetch();
    if (ended_) throw TraceError(name_ + ": gives no request" + why_empty());
  }

  std::optional<Instant> next_arrival() override {
    if (ended_) return {};
    return arrival_;
  }

  void pop(Request& request) override {
    ORRERY_CHECK(!ended_);
    request.id = RequestId{ids_++};
    request.arrival = arrival_;
    request.input_tokens = row_.input_tokens;
    request.output_tokens = output_tokens(request.id);
    request.priority = row_.priority;
    request.session = kNoSession;
    request.prompt.clear();
    max_tokens_.apply(request, row_.max_tokens);
    if (has_blocks_) blocks_.fill(row_, *rows_, request);
    sessions_.fill(row_, request);
    fetch();
  }

  [[nodiscard]] std::optional<std::int64_t> expected_requests() const override {
    return options_.limit;
  }

  [[nodiscard]] std::vector<std::string> remarks() const override {
    std::vector<std::string> result = rows_->remarks();
    for (const auto& more : {blocks_.remarks(), sessions_.remarks(), max_tokens_.remarks()}) {
      result.insert(result.end(), more.begin(), more.end());
    }
    if (arrivals_ended_) {
      result.push_back(
          fmt::format("The arrival process ended after {} requests, before the trace.", ids_));
    }
    add_step_remark(result);
    return result;
  }

 private:
  static std::int32_t block_tokens(const TraceOptions& options) {
    if (options.trace_format().name != "timed-trace") return options.trace_format().block_tokens;
    return options.hash_label.empty() ? 0 : static_cast<std::int32_t>(options.chunk_hash_size);
  }

  void fetch() {
    if (options_.limit && std::int64_t{ids_} >= *options_.limit) {
      ended_ = true;
    } else if (ids_ == std::numeric_limits<std::uint32_t>::max()) {
      throw TraceError(name_ + ": has more requests than there are ids");
    } else if (!rows_->next(row_)) {
      ended_ = true;
    } else if (arrivals_) {
      take_arrival();
    } else {
      arrival_ = scaled_arrival();
      if (ids_ == 0 || row_.time != last_time_) ++instants_;
      last_time_ = row_.time;
    }
  }
  void take_arrival() {
    const std::optional<Duration> when = arrivals_->next();
    arrivals_ended_ = !when;
    ended_ = !when;
    if (when) arrival_ = Instant::at(*when);
  }
  [[nodiscard]] Instant scaled_arrival() const {
    const std::optional<TraceTime> scaled =
        options_.rate_scale == 1 ? row_.time : divide_time(row_.time, options_.rate_scale);
    // never() is not a time at which anything arrives.
    if (!scaled || *scaled >= std::numeric_limits<std::int64_t>::max()) {
      rows_->fail(row_, "",
                  "arrives more than 106 days after the start, beyond which time is not kept; "
                  "replay the trace in windows (start, duration)");
    }
    return Instant::at(Duration(static_cast<std::int64_t>(*scaled)));
  }
  [[nodiscard]] std::int32_t output_tokens(RequestId id) const {
    std::int32_t tokens = row_.output_tokens;
    if (tokens == 0 && outputs_ == nullptr) {
      rows_->fail(row_, "output_length",
                  "is missing; trace.output_tokens must give a distribution");
    }
    if (tokens == 0) tokens = outputs_->at(output_draws_.keyed(index_of(id)).normal());
    if (options_.output_scale == 1) return tokens;
    const double scaled = std::floor(tokens * options_.output_scale + 0.5);
    return static_cast<std::int32_t>(std::clamp(scaled, 1.0, static_cast<double>(1 << 30)));
  }

  /// Such a trace says less about bursts than it seems to.
  void add_step_remark(std::vector<std::string>& result) const {
    if (arrivals_ || options_.jitter > Duration() || ids_ < 10 || instants_ * 2 >= ids_) return;
    result.push_back(
        fmt::format("{} requests arrive at only {} instants, as the trace's clock has it; `jitter` "
                    "would spread them.",
                    ids_, instants_));
  }
  [[nodiscard]] std::string why_empty() const {
    std::string why;
    for (const std::string& remark : rows_->remarks()) why += (why.empty() ? ": " : " ") + remark;
    return why;
  }

  TraceOptions options_;
  std::string name_;
  std::unique_ptr<RowReader> rows_;
  std::unique_ptr<Arrivals> arrivals_;
  std::unique_ptr<Lengths> outputs_;
  MaxTokensRule max_tokens_;
  SessionTurns sessions_;
  BlockPrompts blocks_;
  bool has_blocks_;
  RandomStream output_draws_;

  /// The row that next_arrival() speaks of.
  TraceRow row_;
  Instant arrival_;
  bool ended_ = false;
  bool arrivals_ended_ = false;
  std::uint32_t ids_ = 0;
  std::uint32_t instants_ = 0;
  TraceTime last_time_ = 0;
};

}  // namespace

std::unique_ptr<RequestSource> open_trace(const TraceOptions& options,
                                          std::unique_ptr<ByteSource> bytes,
                                          const std::string& name,
                                          const std::filesystem::path& relative_to,
                                          std::uint64_t seed) {
  return std::make_unique<TraceSource>(options, LineReader(std::move(bytes), name), name,
                                       relative_to, seed);
}

}  // namespace orrery
