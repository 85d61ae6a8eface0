// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_RECORDER_H_
#define ORRERY_SIM_METRICS_RECORDER_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sim/core/ids.h"
#include "sim/metrics/by_second.h"
#include "sim/metrics/histogram.h"
#include "sim/metrics/queue_growth.h"
#include "sim/metrics/replica_totals.h"
#include "sim/metrics/slo.h"
#include "sim/metrics/summary.h"
#include "sim/serving/observer.h"

namespace orrery {

/// The observer every run has. It keeps 56 bytes for each completed request, because percentiles
/// over requests are exact, and a fixed 1 MB besides (and 16 bytes a simulated second).
///
/// The measure window leaves out requests by when they were sent. ITL is about tokens: those that
/// clients saw within `warmup` of the first step are left out, and cooldown does not touch it.
class Recorder final : public ServingObserver {
 public:
  struct Options {
    Slo slo;
    MeasureWindow measure;
    /// So that a replica which never took a step counts as idle.
    std::int32_t replicas = 1;
  };

  explicit Recorder(const Options& options);

  void on_step(const StepRecord& step) override;
  void on_gap(Duration engine_gap, Duration client_gap) override;
  void on_leave(const RequestRecord& record, std::string_view reason) override;

  /// All that was observed so far. Costs a sort-like pass over the requests.
  [[nodiscard]] Summary summary() const;

 private:
  /// What exact percentiles of a completed request need.
  struct Completed {
    Instant sent;
    Duration client_ttft;
    Duration client_e2el;
    Duration engine_ttft;
    Duration engine_e2el;
    Duration queue_time;
    std::int32_t output_tokens = 0;
  };

  void count_completed(const RequestRecord& record);
  void count_not_completed(const RequestRecord& record, std::string_view reason);
  [[nodiscard]] bool is_warmup(Instant sent) const;
  [[nodiscard]] bool is_cooldown(Instant sent) const;
  template <class Value>
  [[nodiscard]] Spread spread_of(const Value& value_of) const;
  void summarize_requests(Summary& s) const;
  void summarize_latencies(Summary& s) const;
  void summarize_replicas(Summary& s) const;
  void add_remarks(Summary& s) const;
  /// First send to the end of what was observed, the time all shares and levels are about.
  [[nodiscard]] Duration span() const;

  Options options_;

  // Steps: touched at each of them.
  IdVector<ReplicaId, ReplicaTotals> replicas_;
  DurationHistogram client_itl_;
  DurationHistogram engine_itl_;
  BySecond tokens_;
  /// Gaps count from this instant on; known with the first step.
  Instant measure_gaps_from_ = Instant::never();
  Instant last_visible_;
  /// Tokens told by on_gap since the last step; a replica tells them before the step they belong
  /// to.
  std::int64_t gaps_of_step_ = 0;
  Instant last_applied_;
  std::int64_t running_ = 0;
  std::int64_t waiting_ = 0;
  std::int64_t peak_running_ = 0;
  std::int64_t peak_waiting_ = 0;

  // Requests: touched once each.
  std::deque<Completed> completed_;
  BySecond concurrency_;
  QueueGrowth queue_;
  Instant first_sent_ = Instant::never();
  Instant last_sent_;
  Instant last_token_;
  Int128 client_latency_ = 0;
  Int128 engine_latency_ = 0;
  std::string first_rejection_;
  std::string first_unfinished_;
  std::int64_t good_ = 0;
  std::int64_t good_output_tokens_ = 0;
  /// Only what can be counted as it comes.
  Summary counts_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_RECORDER_H_
