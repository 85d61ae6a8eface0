// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_OBSERVERS_H_
#define ORRERY_SIM_METRICS_OBSERVERS_H_

#include <string_view>
#include <vector>

#include "sim/serving/observer.h"

namespace orrery {

/// Tells several observers, in the order in which they were added. Hand `observer()` to a run: with
/// one observer it is that one itself, so that nothing is called twice.
class Observers final : public ServingObserver {
 public:
  /// Outlives the run.
  void add(ServingObserver& observer) {
    all_.push_back(&observer);
    if (observer.wants_events()) wanting_events_.push_back(&observer);
  }
  [[nodiscard]] ServingObserver& observer() { return all_.size() == 1 ? *all_.front() : *this; }

  void on_step(const StepRecord& step) override {
    for (ServingObserver* one : all_) one->on_step(step);
  }
  void on_gap(Duration engine_gap, Duration client_gap) override {
    for (ServingObserver* one : all_) one->on_gap(engine_gap, client_gap);
  }
  void on_leave(const RequestRecord& record, std::string_view reason) override {
    for (ServingObserver* one : all_) one->on_leave(record, reason);
  }
  [[nodiscard]] bool wants_events() const override { return !wanting_events_.empty(); }
  void on_queued(ReplicaId replica, RequestId request, Instant now) override {
    for (ServingObserver* one : wanting_events_) one->on_queued(replica, request, now);
  }
  void on_admitted(ReplicaId replica, RequestId request, Instant now,
                   std::int32_t cached_tokens) override {
    for (ServingObserver* one : wanting_events_) {
      one->on_admitted(replica, request, now, cached_tokens);
    }
  }
  void on_first_token(ReplicaId replica, RequestId request, Instant now) override {
    for (ServingObserver* one : wanting_events_) one->on_first_token(replica, request, now);
  }
  void on_preempted(ReplicaId replica, RequestId request, Instant now) override {
    for (ServingObserver* one : wanting_events_) one->on_preempted(replica, request, now);
  }

 private:
  std::vector<ServingObserver*> all_;
  std::vector<ServingObserver*> wanting_events_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_OBSERVERS_H_
