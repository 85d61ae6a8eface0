// SPDX-License-Identifier: Apache-2.0
//
// What happens to rows between their file and the requests: each stage is a RowReader over another.
#ifndef ORRERY_SIM_WORKLOAD_ROW_STAGES_H_
#define ORRERY_SIM_WORKLOAD_ROW_STAGES_H_

#include <memory>
#include <optional>

#include "sim/core/random.h"
#include "sim/core/units.h"
#include "sim/workload/trace_row.h"

namespace orrery {

/// Refuses a row that arrives before the one above it.
[[nodiscard]] std::unique_ptr<RowReader> check_order(std::unique_ptr<RowReader> rows);

/// Orders rows by time, those of one time as they stand in the file. Holds the rows of one
/// `window`; a row that comes later than that is refused. Without a window all rows are held.
[[nodiscard]] std::unique_ptr<RowReader> reorder(std::unique_ptr<RowReader> rows,
                                                 std::optional<Duration> window);

struct WindowOptions {
  /// Count times from the first row.
  bool rebase = false;
  Duration start;
  std::optional<Duration> duration;
  /// Share of the rows to keep; drawn by the row, so that it does not matter what else is set.
  double sample = 1;
};

/// Keeps what lies in [start, start + duration), with times counted from `start`. Rows come in
/// order of time, so the first one behind the window ends the reading.
[[nodiscard]] std::unique_ptr<RowReader> cut_window(std::unique_ptr<RowReader> rows,
                                                    const WindowOptions& options,
                                                    const RandomStream& sampling);

/// Moves each row by a draw from [0, step), and orders them again. Rows come in order of time.
[[nodiscard]] std::unique_ptr<RowReader> jitter(std::unique_ptr<RowReader> rows, Duration step,
                                                const RandomStream& draws);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_ROW_STAGES_H_
