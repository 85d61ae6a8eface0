// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/session_starts.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace orrery {
namespace {

class ByClock final : public SessionStarts {
 public:
  ByClock(std::unique_ptr<Arrivals> arrivals, std::optional<std::int64_t> sessions,
          std::optional<Duration> duration)
      : arrivals_(std::move(arrivals)), left_(sessions), duration_(duration) {
    fetch();
  }
  std::optional<Instant> peek() override { return next_; }
  void take() override { fetch(); }
  void on_over(Instant, RequestId) override {}
  [[nodiscard]] bool is_closed_loop() const override { return false; }

 private:
  void fetch() {
    next_.reset();
    if (left_ && (*left_)-- == 0) {
      left_ = 0;
      return;
    }
    const std::optional<Duration> when = arrivals_->next();
    if (when && (!duration_ || *when < *duration_)) next_ = Instant::at(*when);
  }

  std::unique_ptr<Arrivals> arrivals_;
  std::optional<std::int64_t> left_;
  std::optional<Duration> duration_;
  std::optional<Instant> next_;
};

class ByClients final : public SessionStarts {
 public:
  ByClients(const ClientsOptions& options, std::int64_t sessions, std::uint64_t seed)
      : think_(options.think),
        left_(sessions),
        think_draws_(seed, "workload.closed_loop", "think_time") {
    const std::int64_t clients = std::min(options.clients, sessions);
    for (std::int64_t i = 0; i < clients; ++i) ready_.push(ramped(options, i));
  }
  std::optional<Instant> peek() override {
    if (left_ == 0 || ready_.empty()) return {};
    return ready_.top();
  }
  void take() override {
    ready_.pop();
    --left_;
  }
  void on_over(Instant now, RequestId last) override {
    if (left_ > 0) ready_.push(now + think_.at(think_draws_.keyed(index_of(last))));
  }
  [[nodiscard]] bool is_closed_loop() const override { return true; }

 private:
  static Instant ramped(const ClientsOptions& options, std::int64_t client) {
    const Int128 offset = static_cast<Int128>(options.ramp_up.count()) * client / options.clients;
    return Instant::at(Duration(static_cast<std::int64_t>(offset)));
  }

  ThinkOptions think_;
  std::int64_t left_;
  RandomStream think_draws_;
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> ready_;
};

}  // namespace

std::unique_ptr<SessionStarts> start_by_clock(std::unique_ptr<Arrivals> arrivals,
                                              std::optional<std::int64_t> sessions,
                                              std::optional<Duration> duration) {
  return std::make_unique<ByClock>(std::move(arrivals), sessions, duration);
}

std::unique_ptr<SessionStarts> start_by_clients(const ClientsOptions& options,
                                                std::int64_t sessions, std::uint64_t seed) {
  return std::make_unique<ByClients>(options, sessions, seed);
}

}  // namespace orrery
