// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_TABLES_H_
#define ORRERY_SIM_METRICS_TABLES_H_

#include <string>

#include "sim/metrics/summary.h"

namespace orrery {

/// What a run says to people: counts, throughput, goodput, latencies at the client and in the
/// engine, KV cache, device, remarks. In a saturated run the p99 of what includes waiting says
/// `saturated`, because its value would be that of the trace's length.
[[nodiscard]] std::string summary_table(const Summary& summary);

/// `verdict:`, `trust:` and `next:`, the three lines a result ends with.
[[nodiscard]] std::string closing_lines(const Summary& summary);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_TABLES_H_
