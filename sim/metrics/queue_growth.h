// SPDX-License-Identifier: Apache-2.0
//
// Is the run stationary? In an overloaded system the p99 depends on how long the trace is, so a
// result must say that the queue grows instead.
//
// The rule. Q(t) counts the requests that were sent and wait: at the frontend or in the engine's
// queue for their first step, or after their last token for the frontend to stream it. Requests
// that run are not in it, so a batch that fills up is no growth. Let H be the second half of the
// arrival span, from the middle between first and last send to the last send, N the requests sent
// in it, and g the slope of the least-squares line through Q over H. The run is saturated if
//   1. the line rises by at least 2 % of N over H (completions lag arrivals by that much),
//   2. and by at least 2 sqrt(N) (what a queue of Poisson arrivals wanders by on its own),
//   3. and Q never falls in the last quarter of the span to its mean over the quarter before it
//      (a queue that comes and goes does).
// If all are sent at once there is no span to look at, and nothing is said.
#ifndef ORRERY_SIM_METRICS_QUEUE_GROWTH_H_
#define ORRERY_SIM_METRICS_QUEUE_GROWTH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/core/units.h"
#include "sim/serving/observer.h"

namespace orrery {

struct QueueTrend {
  bool saturated = false;
  /// Slope of the line through Q over the second half of the arrival span. May be negative.
  double growth_per_s = 0;
  /// Requests sent per second in that half.
  double sent_per_s = 0;
};

/// Follows Q in bins of equal width whose width doubles whenever time runs out of them, so that it
/// takes 128 KiB for a run of any length. Records may come in any order.
class QueueGrowth {
 public:
  QueueGrowth();

  /// A request that left. Rejected ones never queued.
  void add(const RequestRecord& record);

  /// Empty if there is no arrival span, or it is too short against the run to see (under 8 bins
  /// a half: all sent within a 250th of the time until the last one left).
  [[nodiscard]] std::optional<QueueTrend> trend() const;

 private:
  struct Bin {
    std::int64_t sent = 0;
    /// Requests that began to wait, less those that stopped.
    std::int64_t change = 0;
  };
  static constexpr std::size_t kBins = 8192;

  [[nodiscard]] Bin& bin_of(Instant when);
  void halve();
  [[nodiscard]] std::size_t index_of_time(Instant when) const {
    return static_cast<std::size_t>(when.picoseconds() >> width_bits_);
  }

  std::vector<Bin> bins_;
  /// A bin is 2^width_bits_ ps wide; the first are 2^20 ps, about a microsecond.
  int width_bits_ = 20;
  Instant first_sent_ = Instant::never();
  Instant last_sent_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_QUEUE_GROWTH_H_
