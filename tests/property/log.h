// SPDX-License-Identifier: Apache-2.0
//
// Everything a run tells through its public ports, kept for checkers to go through afterwards.
#ifndef ORRERY_TESTS_PROPERTY_LOG_H_
#define ORRERY_TESTS_PROPERTY_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/serving/replica.h"

namespace orrery::property {

/// A request that the engine read, a schedule() call, or the application of its output, in the
/// order in which they happened. With skips on, `shares` leaves out steady decodes.
struct LogEntry {
  enum class Kind : std::uint8_t { kQueued, kSchedule, kApply };
  struct Share {
    RequestId request;
    std::int32_t tokens;
    std::int32_t computed_before;
  };
  struct Admitted {
    RequestId request;
    std::int32_t cached_tokens;
    bool resumed;
  };
  Kind kind = Kind::kSchedule;
  std::int64_t number = 0;
  Instant when;
  RequestId queued{};
  std::vector<Share> shares;
  std::vector<Admitted> admitted;
  std::vector<RequestId> preempted;
  std::vector<RequestId> finished;
  std::vector<RequestId> running;  // after the call
  std::int64_t free_blocks = 0;
  std::size_t waiting = 0;
};

/// The order in which the API processes were given work: a request that was sent, or a step's
/// output.
struct FrontendWork {
  bool arrival = false;
  RequestId request{};
  std::size_t replica = 0;
  std::int64_t step = 0;
};

/// What the observer heard.
struct Heard {
  struct Gap {
    Duration engine;
    Duration client;
  };
  struct Leaving {
    RequestRecord record;
    std::string reason;
  };
  std::vector<StepRecord> steps;  // without their stages, which live no longer than the call
  std::vector<std::vector<StageWork>> stages;
  std::vector<Gap> gaps;
  std::vector<Leaving> leaving;
};

class Listener : public ServingObserver {
 public:
  void on_step(const StepRecord& step) override {
    heard.steps.push_back(step);
    heard.steps.back().stages = {};
    heard.stages.emplace_back(step.stages.begin(), step.stages.end());
  }
  void on_gap(Duration engine, Duration client) override { heard.gaps.push_back({engine, client}); }
  void on_leave(const RequestRecord& record, std::string_view reason) override {
    heard.leaving.push_back({record, std::string(reason)});
  }
  Heard heard;
};

/// The same, asking for the fine-grained calls as well and watching that time never runs back.
class EventListener final : public Listener {
 public:
  explicit EventListener(std::vector<std::vector<LogEntry>>& logs) : logs_(logs) {}

  struct Event {
    char kind;  // q(ueued), a(dmitted), f(irst token), p(reempted)
    ReplicaId replica;
    RequestId request;
    Instant when;
    std::int32_t cached_tokens;
  };
  [[nodiscard]] bool wants_events() const override { return true; }
  void on_step(const StepRecord& step) override {
    see(step.applied);
    Listener::on_step(step);
  }
  void on_queued(ReplicaId replica, RequestId request, Instant when) override {
    events.push_back({'q', replica, request, when, 0});
    LogEntry entry;
    entry.kind = LogEntry::Kind::kQueued;
    entry.when = when;
    entry.queued = request;
    logs_[index_of(replica)].push_back(std::move(entry));
  }
  void on_admitted(ReplicaId replica, RequestId request, Instant when,
                   std::int32_t cached_tokens) override {
    see(when);
    events.push_back({'a', replica, request, when, cached_tokens});
  }
  void on_first_token(ReplicaId replica, RequestId request, Instant when) override {
    see(when);
    events.push_back({'f', replica, request, when, 0});
  }
  void on_preempted(ReplicaId replica, RequestId request, Instant when) override {
    see(when);
    events.push_back({'p', replica, request, when, 0});
  }
  std::vector<Event> events;
  bool ran_back = false;

 private:
  void see(Instant when) {
    if (when < newest_) ran_back = true;
    newest_ = when;
  }
  std::vector<std::vector<LogEntry>>& logs_;
  Instant newest_;
};

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_LOG_H_
