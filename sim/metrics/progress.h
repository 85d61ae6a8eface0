// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_PROGRESS_H_
#define ORRERY_SIM_METRICS_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string_view>

#include "sim/serving/observer.h"

namespace orrery {

/// A bar on a terminal. Who runs the simulation asks whether stderr is one, and brings the clock:
/// this room has none, so that no wall clock can reach a fact. The clock is read every 4096 steps
/// or 64 requests, and the bar drawn ten times a second.
class Progress final : public ServingObserver {
 public:
  /// `seconds` goes up with real time. `expected` requests, if known, make it a bar and not only a
  /// count.
  Progress(std::FILE* terminal, std::function<double()> seconds,
           std::optional<std::int64_t> expected);

  void on_step(const StepRecord& step) override {
    simulated_ = step.applied;
    if ((++steps_ & kStepMask) == 0) draw_if_due();
  }
  void on_leave(const RequestRecord& record, std::string_view reason) override;
  /// Takes the bar away.
  void close();

 private:
  static constexpr std::int64_t kStepMask = 4095;
  static constexpr std::int64_t kRequestMask = 63;

  void draw_if_due();
  void draw(double elapsed);

  std::FILE* terminal_;
  std::function<double()> seconds_;
  std::optional<std::int64_t> expected_;
  double began_;
  double drawn_;
  bool shown_ = false;
  Instant simulated_;
  std::int64_t steps_ = 0;
  std::int64_t left_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_PROGRESS_H_
