// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_WORKLOAD_SESSION_STARTS_H_
#define ORRERY_SIM_WORKLOAD_SESSION_STARTS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "sim/core/ids.h"
#include "sim/core/units.h"
#include "sim/workload/arrivals.h"
#include "sim/workload/content.h"

namespace orrery {

/// When new conversations (or single requests) begin.
class SessionStarts {
 public:
  virtual ~SessionStarts() = default;
  /// Empty if none is known now.
  [[nodiscard]] virtual std::optional<Instant> peek() = 0;
  virtual void take() = 0;
  /// A conversation's last answer, of request `last`, is there.
  virtual void on_over(Instant now, RequestId last) = 0;
  /// Whether on_over() can bring a new start.
  [[nodiscard]] virtual bool is_closed_loop() const = 0;
};

/// By the clock, whatever the servers do: `sessions` of them if given, until `duration` if given.
[[nodiscard]] std::unique_ptr<SessionStarts> start_by_clock(std::unique_ptr<Arrivals> arrivals,
                                                            std::optional<std::int64_t> sessions,
                                                            std::optional<Duration> duration);

struct ClientsOptions {
  std::int64_t clients = 1;
  /// The first conversations start evenly spread over this.
  Duration ramp_up;
  /// Between a client's conversations.
  ThinkOptions think;
};

/// By clients, each of which begins the next one a think time after the last one's end.
[[nodiscard]] std::unique_ptr<SessionStarts> start_by_clients(const ClientsOptions& options,
                                                              std::int64_t sessions,
                                                              std::uint64_t seed);

}  // namespace orrery

#endif  // ORRERY_SIM_WORKLOAD_SESSION_STARTS_H_
