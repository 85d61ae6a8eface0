// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_OBSERVER_H_
#define ORRERY_SIM_SERVING_OBSERVER_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "sim/core/ids.h"
#include "sim/core/units.h"
#include "sim/serving/cost_model.h"
#include "sim/workload/request.h"

namespace orrery {

enum class RequestStatus : std::uint8_t { kFinishedLength, kFinishedEos, kRejected, kUnfinished };

/// `finished_length`, `finished_eos`, `rejected`, `unfinished`: the words of requests.csv.
[[nodiscard]] std::string_view name_of(RequestStatus status);

/// All that is known of a request when it leaves. Instants that did not happen are never().
struct RequestRecord {
  RequestId id{};
  ReplicaId replica{};
  RequestStatus status = RequestStatus::kUnfinished;
  std::int32_t input_tokens = 0;
  /// Tokens that were generated, which for a request that did not finish is less than its trace
  /// says.
  std::int32_t output_tokens = 0;
  /// Prompt tokens found in the prefix cache when first admitted.
  std::int32_t cached_tokens = 0;
  std::int32_t preemptions = 0;
  /// At the client: when it sent, and when it saw tokens.
  Instant sent;
  Instant client_first_token;
  Instant client_last_token;
  /// In the engine: after the frontend's tokenising, and when outputs were applied.
  Instant queued;
  Instant first_scheduled;
  Instant first_token;
  Instant last_token;
};

/// When a stage of a pipeline works on a step.
struct StageWork {
  Instant start;
  Instant end;
};

/// One engine step whose output has just been applied.
struct StepRecord {
  ReplicaId replica{};
  /// The replica's schedule() calls are numbered from 0, also those that schedule nothing.
  std::int64_t number = 0;
  /// schedule() ran; the device began; the device was done; the output was applied. The device of
  /// a pipeline begins with the first stage and is done with the last.
  Instant scheduled;
  Instant device_start;
  Instant device_end;
  Instant applied;
  /// When the clients saw this step's tokens.
  Instant visible;
  std::int64_t prefill_tokens = 0;
  std::int32_t decodes = 0;
  std::int32_t prefill_chunks = 0;
  std::int32_t new_blocks = 0;
  std::int32_t preempted = 0;
  std::int32_t admitted = 0;
  /// After schedule() returned.
  std::int32_t running = 0;
  std::int32_t waiting = 0;
  std::int64_t free_blocks = 0;
  std::int64_t usable_blocks = 0;
  /// Time on the device alone, of a pipeline with its hand-overs and without waits between stages;
  /// and the host's part of the step.
  Duration device_time;
  Duration host_time;
  float extrapolated_share = 0;
  /// Of a pipeline, whose steps overlap: stage by stage. It lives as long as the call that tells
  /// it.
  std::span<const StageWork> stages;
  /// Tokens of requests that also had one in the step before (of a pipeline, as many steps before
  /// as it has stages): each has the gap below.
  std::int32_t continuing_tokens = 0;
  Duration engine_gap;
  Duration client_gap;
};

/// Told of facts, in order of time; the room of metrics implements it. An observer never changes a
/// run. `requests` asks for the fine-grained calls, which cost a call an event each.
class ServingObserver {
 public:
  virtual ~ServingObserver() = default;

  virtual void on_step(const StepRecord& step) { static_cast<void>(step); }
  /// A gap between two consecutive tokens of one request that is not one of on_step's.
  virtual void on_gap(Duration engine_gap, Duration client_gap) {
    static_cast<void>(engine_gap), static_cast<void>(client_gap);
  }
  /// The request is done, rejected, or (when the run ends) left unfinished. `reason` says why it
  /// was rejected or not finished; empty otherwise.
  virtual void on_leave(const RequestRecord& record, std::string_view reason) {
    static_cast<void>(record), static_cast<void>(reason);
  }

  /// Whether the calls below are wanted.
  [[nodiscard]] virtual bool wants_events() const { return false; }
  virtual void on_queued(ReplicaId, RequestId, Instant) {}
  virtual void on_admitted(ReplicaId, RequestId, Instant, std::int32_t cached_tokens) {
    static_cast<void>(cached_tokens);
  }
  virtual void on_first_token(ReplicaId, RequestId, Instant) {}
  virtual void on_preempted(ReplicaId, RequestId, Instant) {}
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_OBSERVER_H_
