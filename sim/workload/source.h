// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_SOURCE_H_
#define ORRERY_SIM_WORKLOAD_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/workload/request.h"

namespace orrery {

/// Gives requests one by one in order of arrival, so that a trace of any length never lives in
/// memory. Ids are handed out from 0 in the order of pop(). Not thread-safe.
class RequestSource {
 public:
  virtual ~RequestSource() = default;

  /// When the next request arrives; empty if none is known now. In a closed loop that may change
  /// with on_done(). Never earlier than an arrival that pop() has already given.
  [[nodiscard]] virtual std::optional<Instant> next_arrival() = 0;

  /// Fills `request` (whose vectors are reused) with the one next_arrival() spoke of.
  virtual void pop(Request& request) = 0;

  /// The client has the last token of `request`, or the word that it was refused: `generated`
  /// tokens came. A closed loop or a session may have a new arrival from now on, at `now` or later.
  virtual void on_done(const Request& request, std::int32_t generated, Instant now) {
    static_cast<void>(request), static_cast<void>(generated), static_cast<void>(now);
  }
  /// Whether on_done() does anything; if not, the caller may skip it.
  [[nodiscard]] virtual bool wants_done() const { return false; }

  /// How many requests will come in all, if known beforehand: for the progress bar only.
  [[nodiscard]] virtual std::optional<std::int64_t> expected_requests() const { return {}; }

  /// What a result must say of this workload: rows skipped and why, prefix reuse finer than the
  /// trace shows, knowledge granted. One sentence each, complete once next_arrival() is empty.
  [[nodiscard]] virtual std::vector<std::string> remarks() const { return {}; }
};

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_SOURCE_H_
