// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/row_stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery {
namespace {

class Stage : public RowReader {
 public:
  explicit Stage(std::unique_ptr<RowReader> rows) : rows_(std::move(rows)) {}
  [[nodiscard]] std::vector<std::string> remarks() const override { return rows_->remarks(); }
  [[nodiscard]] const std::string& file() const override { return rows_->file(); }

 protected:
  std::unique_ptr<RowReader> rows_;
};

class CheckedOrder final : public Stage {
 public:
  using Stage::Stage;
  bool next(TraceRow& row) override {
    if (!rows_->next(row)) return false;
    if (row.time < last_) {
      fail(row, "", "arrives before the row above it; sort: true orders the rows");
    }
    last_ = row.time;
    return true;
  }

 private:
  TraceTime last_ = -kTraceTimeLimit;
};

/// Rows by time, those of one time by line.
class RowHeap {
 public:
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] TraceTime first_time() const { return rows_.front().time; }
  void push(TraceRow& row) {
    rows_.push_back(std::move(row));
    std::push_heap(rows_.begin(), rows_.end(), later);
  }
  void pop(TraceRow& row) {
    std::pop_heap(rows_.begin(), rows_.end(), later);
    row = std::move(rows_.back());
    rows_.pop_back();
  }

 private:
  static bool later(const TraceRow& a, const TraceRow& b) {
    return a.time != b.time ? a.time > b.time : a.line > b.line;
  }
  std::vector<TraceRow> rows_;
};

class Reordered final : public Stage {
 public:
  Reordered(std::unique_ptr<RowReader> rows, std::optional<Duration> window)
      : Stage(std::move(rows)), window_(window) {}

  bool next(TraceRow& row) override {
    while (!ended_ && (heap_.empty() || !first_is_certain())) take_row(row);
    if (heap_.empty()) return false;
    heap_.pop(row);
    given_ = row.time;
    return true;
  }
  [[nodiscard]] std::vector<std::string> remarks() const override {
    std::vector<std::string> result = Stage::remarks();
    if (moved_ > 0) {
      result.push_back(fmt::format("{} rows stood out of order and were sorted in.", moved_));
    }
    return result;
  }

 private:
  [[nodiscard]] bool first_is_certain() const {
    return window_ && heap_.first_time() <= latest_ - window_->count();
  }
  void take_row(TraceRow& row) {
    if (!rows_->next(row)) {
      ended_ = true;
      return;
    }
    if (row.time < given_) {
      fail(row, "",
           "arrives more than the reorder window (" + exact_seconds(*window_) +
               " s) before a row above it; sort: true orders all rows");
    }
    if (row.time < latest_) ++moved_;
    latest_ = std::max(latest_, row.time);
    heap_.push(row);
  }

  std::optional<Duration> window_;
  RowHeap heap_;
  TraceTime latest_ = -kTraceTimeLimit;
  TraceTime given_ = -kTraceTimeLimit;
  std::int64_t moved_ = 0;
  bool ended_ = false;
};

class Window final : public Stage {
 public:
  Window(std::unique_ptr<RowReader> rows, const WindowOptions& options,
         const RandomStream& sampling)
      : Stage(std::move(rows)), options_(options), sampling_(sampling) {}

  bool next(TraceRow& row) override {
    while (!ended_ && rows_->next(row)) {
      if (first_ && options_.rebase) base_ = row.time;
      first_ = false;
      row.time -= base_ + options_.start.count();
      if (row.time < 0) {
        ++before_;
        continue;
      }
      ended_ = options_.duration && row.time >= options_.duration->count();
      if (ended_) return false;
      if (sampled(row)) return true;
    }
    return false;
  }
  [[nodiscard]] std::vector<std::string> remarks() const override {
    std::vector<std::string> result = Stage::remarks();
    if (before_ > 0) {
      result.push_back(fmt::format("{} rows before the window's start were left out.", before_));
    }
    if (ended_) result.emplace_back("Rows behind the window's end were not read.");
    if (not_sampled_ > 0) {
      result.push_back(
          fmt::format("Of {} rows, {} were sampled.", not_sampled_ + sampled_, sampled_));
    }
    return result;
  }

 private:
  bool sampled(const TraceRow& row) {
    if (options_.sample >= 1) return true;
    const auto key = static_cast<std::uint64_t>(row.line);
    const bool kept = sampling_.keyed(key).uniform() < options_.sample;
    ++(kept ? sampled_ : not_sampled_);
    return kept;
  }

  WindowOptions options_;
  RandomStream sampling_;
  TraceTime base_ = 0;
  bool first_ = true;
  bool ended_ = false;
  std::int64_t before_ = 0;
  std::int64_t sampled_ = 0;
  std::int64_t not_sampled_ = 0;
};

class Jitter final : public Stage {
 public:
  Jitter(std::unique_ptr<RowReader> rows, Duration step, const RandomStream& draws)
      : Stage(std::move(rows)), step_(step), draws_(draws) {}

  bool next(TraceRow& row) override {
    // No row moves back, so what is not later than the last row read is certain.
    while (!ended_ && (heap_.empty() || heap_.first_time() > read_)) take_row(row);
    if (heap_.empty()) return false;
    heap_.pop(row);
    return true;
  }
  [[nodiscard]] std::vector<std::string> remarks() const override {
    std::vector<std::string> result = Stage::remarks();
    result.push_back(fmt::format("Arrivals are spread evenly over {} s after the recorded time.",
                                 exact_seconds(step_)));
    return result;
  }

 private:
  void take_row(TraceRow& row) {
    if (!rows_->next(row)) {
      ended_ = true;
      return;
    }
    read_ = row.time;
    RandomStream draw = draws_.keyed(static_cast<std::uint64_t>(row.line));
    row.time += static_cast<TraceTime>(draw.below(static_cast<std::uint64_t>(step_.count())));
    heap_.push(row);
  }

  Duration step_;
  RandomStream draws_;
  RowHeap heap_;
  TraceTime read_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<RowReader> check_order(std::unique_ptr<RowReader> rows) {
  return std::make_unique<CheckedOrder>(std::move(rows));
}

std::unique_ptr<RowReader> reorder(std::unique_ptr<RowReader> rows,
                                   std::optional<Duration> window) {
  return std::make_unique<Reordered>(std::move(rows), window);
}

std::unique_ptr<RowReader> cut_window(std::unique_ptr<RowReader> rows, const WindowOptions& options,
                                      const RandomStream& sampling) {
  return std::make_unique<Window>(std::move(rows), options, sampling);
}

std::unique_ptr<RowReader> jitter(std::unique_ptr<RowReader> rows, Duration step,
                                  const RandomStream& draws) {
  return std::make_unique<Jitter>(std::move(rows), step, draws);
}

}  // namespace orrery
