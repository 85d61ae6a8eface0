// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_SLO_H_
#define ORRERY_SIM_METRICS_SLO_H_

#include <optional>

#include "sim/core/units.h"
#include "sim/serving/observer.h"

namespace orrery {

class Describer;

/// What a client must see of one request, as `vllm bench serve --goodput` has it: every bound that
/// is given holds, "at most" included.
struct Slo {
  std::optional<Duration> ttft;
  std::optional<Duration> tpot;
  std::optional<Duration> e2el;

  void describe(Describer& d);

  [[nodiscard]] bool given() const { return ttft || tpot || e2el; }
  /// Client-side. A request of one token has no TPOT, so its TPOT cannot miss; one that did not
  /// finish misses.
  [[nodiscard]] bool met_by(const RequestRecord& record) const;
};

/// Which requests the latency statistics are about. Throughput, goodput and counts are always of
/// the whole run.
struct MeasureWindow {
  /// Requests sent earlier than this after the first one was sent are left out.
  Duration warmup;
  /// Requests sent later than this before the last one was sent are left out.
  Duration cooldown;

  void describe(Describer& d);
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_SLO_H_
