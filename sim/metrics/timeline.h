// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_TIMELINE_H_
#define ORRERY_SIM_METRICS_TIMELINE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/core/ids.h"
#include "sim/metrics/text_file.h"
#include "sim/serving/observer.h"

namespace orrery {

/// Writes what happened as Chrome trace events (JSON), which Perfetto and chrome://tracing open;
/// gzipped if the path ends in `.gz`. Written as it happens, so memory is a few bytes a request.
///
/// A replica is a process. Its thread `steps` has a slice an engine step, named by what is in the
/// batch; its counters are KV blocks in use, running and waiting; each of its requests is an
/// asynchronous slice cut into queued, prefill, decode, and, where it was preempted, preempted and
/// resumed (which recomputes and goes on decoding). Times are microseconds with picoseconds behind
/// the dot, so exact.
class Timeline final : public ServingObserver {
 public:
  explicit Timeline(std::string path);

  void on_step(const StepRecord& step) override;
  void on_leave(const RequestRecord& record, std::string_view reason) override;
  [[nodiscard]] bool wants_events() const override { return true; }
  void on_queued(ReplicaId replica, RequestId request, Instant now) override;
  void on_admitted(ReplicaId replica, RequestId request, Instant now,
                   std::int32_t cached_tokens) override;
  void on_first_token(ReplicaId replica, RequestId request, Instant now) override;
  void on_preempted(ReplicaId replica, RequestId request, Instant now) override;
  /// Makes it whole; before, the JSON has no end.
  void close();

 private:
  /// What a request is doing, and the names of its slices.
  enum class Phase : std::uint8_t { kNone, kQueued, kPrefill, kDecode, kPreempted, kResumed };
  struct RequestState {
    Phase phase = Phase::kNone;
    bool has_token = false;
  };
  struct Counters {
    bool named = false;
    std::int64_t used_blocks = -1;
    std::int64_t running = -1;
    std::int64_t waiting = -1;
  };

  [[nodiscard]] static std::string_view name_of_phase(Phase phase);
  [[nodiscard]] RequestState& state_of(RequestId request);
  [[nodiscard]] Counters& counters_of(ReplicaId replica);
  void name_replica(ReplicaId replica);
  /// Begins an event up to its time; finish_event ends it with `rest`.
  [[nodiscard]] char* begin_event(char kind, ReplicaId replica, Instant when);
  void finish_event(char* out, std::string_view rest);
  void count(ReplicaId replica, Instant when, std::string_view name, std::int64_t& shown,
             std::int64_t value);
  /// `kind` is b (begins), e (ends) or n (instant).
  void draw(const StepRecord& step, const StageWork& work, std::int64_t row);
  void mark(char kind, ReplicaId replica, RequestId request, Instant when, std::string_view name);
  void outer(char kind, ReplicaId replica, RequestId request, Instant when);
  void enter(ReplicaId replica, RequestId request, Instant when, Phase phase);

  TextFile file_;
  bool any_ = false;
  IdVector<ReplicaId, Counters> counters_;
  IdVector<RequestId, RequestState> requests_;
  /// The latest time told: where a request that did not finish ends.
  Instant latest_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_TIMELINE_H_
