// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_CSV_ROWS_H_
#define ORRERY_SIM_WORKLOAD_CSV_ROWS_H_

#include <memory>

#include "sim/workload/trace_formats.h"

namespace orrery {

/// Readers of the comma-separated formats. Each reads the header at once and refuses columns that
/// the format does not have.
[[nodiscard]] std::unique_ptr<RowReader> open_azure(LineReader lines, const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_burstgpt(LineReader lines,
                                                       const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_plain(LineReader lines, const FormatOptions& options);
[[nodiscard]] std::unique_ptr<RowReader> open_lengths(LineReader lines,
                                                      const FormatOptions& options);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_CSV_ROWS_H_
