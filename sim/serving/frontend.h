// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_FRONTEND_H_
#define ORRERY_SIM_SERVING_FRONTEND_H_

#include <algorithm>
#include <cstdint>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// The API process as a serial server: it parses and tokenises a request before the engine sees it,
/// and turns a step's tokens into text and sends them before the clients see them. Both kinds of
/// work queue for the same process.
struct FrontendOptions {
  Duration per_request;
  Duration per_input_token;
  Duration per_step;
  Duration per_output_token;

  /// The same on a host whose CPU takes `factor` times as long.
  [[nodiscard]] FrontendOptions scaled(double factor) const {
    const auto times = [factor](Duration time) {
      return picoseconds(
          static_cast<std::int64_t>(static_cast<double>(time.count()) * factor + 0.5));
    };
    return {times(per_request), times(per_input_token), times(per_step), times(per_output_token)};
  }

  void describe(Describer& d) {
    d.field("per_request", per_request, Range::not_negative(),
            "CPU time to accept a request: HTTP, JSON, validation.");
    d.field("per_input_token", per_input_token, Range::not_negative(),
            "CPU time to tokenise, per prompt token.");
    d.field("per_step", per_step, Range::not_negative(), "CPU time to receive one step's outputs.");
    d.field("per_output_token", per_output_token, Range::not_negative(),
            "CPU time to detokenise and stream one token.");
  }
};

class Frontend {
 public:
  explicit Frontend(const FrontendOptions& options) : options_(options) {}

  /// When the engine's queue gets a request that a client sends now.
  [[nodiscard]] Instant accept(Instant now, std::int32_t input_tokens) {
    return serve(now, options_.per_request + options_.per_input_token * input_tokens);
  }
  /// When the clients see the tokens of a step. They are handled in one batch, so all are seen when
  /// the last is done.
  [[nodiscard]] Instant deliver(Instant now, std::int64_t tokens) {
    if (tokens == 0) return now;
    return serve(now, options_.per_step + options_.per_output_token * tokens);
  }
  /// All the time it was busy.
  [[nodiscard]] Duration busy() const { return busy_; }

 private:
  Instant serve(Instant now, Duration work) {
    free_at_ = std::max(free_at_, now) + work;
    busy_ += work;
    return free_at_;
  }

  FrontendOptions options_;
  Instant free_at_;
  Duration busy_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_FRONTEND_H_
