// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_TRACE_ROW_H_
#define ORRERY_SIM_WORKLOAD_TRACE_ROW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/errors.h"
#include "sim/workload/decimal.h"

namespace orrery {

/// A row as its file has it, before windows, scales and ids. Reused from row to row.
struct TraceRow {
  /// On the file's own clock.
  TraceTime time = 0;
  std::int32_t input_tokens = 0;
  std::int32_t output_tokens = 0;
  /// 0: the file does not say.
  std::int32_t max_tokens = 0;
  std::int32_t priority = 0;
  /// The session's key in the file (its number, or a hash of its name); see has_session.
  std::uint64_t session = 0;
  bool has_session = false;
  /// Published ids of the prompt's blocks, head to tail.
  std::vector<std::uint64_t> hash_ids;
  /// Where the row stands, for error lines and as the key of draws about it.
  int line = 0;

  /// Forgets the row before, keeping the ids' memory.
  void clear() {
    std::vector<std::uint64_t> ids = std::move(hash_ids);
    ids.clear();
    *this = TraceRow{};
    hash_ids = std::move(ids);
  }
};

/// Gives the rows of one file in the order in which they stand there.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual bool next(TraceRow& row) = 0;
  /// What was left out so far and why, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> remarks() const { return {}; }
  /// The file's name as error lines have it.
  [[nodiscard]] virtual const std::string& file() const = 0;
  /// Refuses `row`, naming its file and line.
  [[noreturn]] void fail(const TraceRow& row, std::string_view column,
                         std::string_view what) const {
    throw TraceError(Position{file(), row.line, 0}, column, what);
  }
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_TRACE_ROW_H_
