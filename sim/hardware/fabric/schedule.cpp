// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/schedule.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>

#include "sim/core/check.h"

namespace orrery {
namespace {

class Run {
 public:
  Run(Machine& fabric, std::span<const Schedule> schedules)
      : fabric_(fabric), ends_(schedules.size()) {
    for (std::uint32_t of = 0; of < schedules.size(); ++of) add(schedules[of], of);
  }

  std::vector<Duration> to_end() {
    for (std::uint32_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].waits_for == 0) begin(i, Instant());
    }
    std::vector<Ticket> done;
    while (!due_.empty() || fabric_.next() != Instant::never()) {
      const Instant now = std::min(fabric_.next(), due_.empty() ? Instant::never() : due_.top().at);
      done.clear();
      fabric_.advance(now, done);
      for (const Ticket ticket : done) finish(flows_.at(ticket), now);
      while (!due_.empty() && due_.top().at <= now) {
        const std::uint32_t job = due_.top().job;
        due_.pop();
        launch(job, now);
      }
    }
    ORRERY_CHECK(finished_ == jobs_.size());
    return ends_;
  }

 private:
  struct Job {
    const Step* step = nullptr;
    std::uint32_t schedule = 0;
    std::size_t waits_for = 0;
    std::vector<std::uint32_t> wakes;
  };
  struct Due {
    Instant at;
    std::uint32_t job = 0;
    friend bool operator>(const Due& a, const Due& b) {
      return std::tie(a.at, a.job) > std::tie(b.at, b.job);
    }
  };

  void add(const Schedule& schedule, std::uint32_t of) {
    const auto first = static_cast<std::uint32_t>(jobs_.size());
    for (const Step& step : schedule) {
      const auto job = static_cast<std::uint32_t>(jobs_.size());
      jobs_.push_back({&step, of, step.after.size(), {}});
      for (const std::uint32_t earlier : step.after) {
        ORRERY_CHECK(first + earlier < job);
        jobs_[first + earlier].wakes.push_back(job);
      }
    }
  }

  void begin(std::uint32_t job, Instant now) { due_.push({now + jobs_[job].step->before, job}); }

  void launch(std::uint32_t job, Instant now) {
    const Step& step = *jobs_[job].step;
    if (step.from == step.to) {
      finish(job, now);
    } else {
      flows_.emplace(fabric_.submit({step.from, step.to, step.wire}, now), job);
    }
  }

  void finish(std::uint32_t job, Instant now) {
    ++finished_;
    Duration& end = ends_[jobs_[job].schedule];
    end = std::max(end, now.since_start());
    for (const std::uint32_t next : jobs_[job].wakes) {
      if (--jobs_[next].waits_for == 0) begin(next, now);
    }
  }

  Machine& fabric_;
  std::vector<Duration> ends_;
  std::vector<Job> jobs_;
  std::map<Ticket, std::uint32_t> flows_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::size_t finished_ = 0;
};

}  // namespace

std::vector<Duration> run_schedules(Machine& fabric, std::span<const Schedule> schedules) {
  return Run(fabric, schedules).to_end();
}

Duration run_schedule(Machine& fabric, const Schedule& schedule) {
  return run_schedules(fabric, std::span(&schedule, 1)).front();
}

}  // namespace orrery
