// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_JSON_ROWS_H_
#define ORRERY_SIM_WORKLOAD_JSON_ROWS_H_

#include <memory>

#include "sim/workload/trace_formats.h"

namespace orrery {

/// Readers of the formats with one JSON object a line. Keys that a format does not name are
/// skipped: published files carry further ones.
[[nodiscard]] std::unique_ptr<RowReader> open_mooncake(LineReader lines,
                                                       const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_timed_trace(LineReader lines,
                                                          const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_block_ids(LineReader lines,
                                                        const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_bench_requests(LineReader lines,
                                                             const FormatOptions& options);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_JSON_ROWS_H_
