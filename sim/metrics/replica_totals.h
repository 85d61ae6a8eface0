// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_REPLICA_TOTALS_H_
#define ORRERY_SIM_METRICS_REPLICA_TOTALS_H_

#include <algorithm>
#include <cstdint>

#include "sim/core/units.h"
#include "sim/serving/observer.h"

namespace orrery {

/// What one replica's steps add up to. Integers only: it is written at every engine step.
///
/// What a step says of blocks and queues holds from its schedule() to the next one. If the next
/// one found nobody running, the replica was empty from the moment this step was applied.
class ReplicaTotals {
 public:
  void add(const StepRecord& step) {
    close_until(step.scheduled, step.running - step.admitted + step.preempted > 0);
    const std::int64_t begin = std::max(step.device_start.picoseconds(), device_free_);
    const std::int64_t end = step.device_end.picoseconds();
    busy_ += std::max(end - begin, std::int64_t{0});
    device_free_ = std::max(device_free_, end);
    device_time_ += step.device_time.count();
    host_time_ += step.host_time.count();
    if (step.extrapolated_share > 0) [[unlikely]]
      add_extrapolated(step);

    ++steps_;
    prefill_tokens_ += step.prefill_tokens;
    decode_tokens_ += step.decodes;
    since_ = step.scheduled.picoseconds();
    applied_ = step.applied.picoseconds();
    usable_ = step.usable_blocks;
    used_ = step.usable_blocks - step.free_blocks;
    running_ = step.running;
    waiting_ = step.waiting;
    peak_used_ = std::max(peak_used_, used_);
  }
  /// Ends the last step's time once no step follows.
  void finish() {
    if (steps_ > 0) close_until(Instant::at(Duration(applied_)), false);
  }

  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] std::int64_t prefill_tokens() const { return prefill_tokens_; }
  [[nodiscard]] std::int64_t decode_tokens() const { return decode_tokens_; }
  /// Picoseconds in which the device worked on at least one step.
  [[nodiscard]] std::int64_t busy() const { return busy_; }
  /// Picoseconds in which the replica had somebody to serve.
  [[nodiscard]] std::int64_t occupied() const { return occupied_; }
  /// Sums over the steps; with steps in flight at once they may exceed the time that passed.
  [[nodiscard]] std::int64_t device_time() const { return device_time_; }
  [[nodiscard]] std::int64_t host_time() const { return host_time_; }
  [[nodiscard]] std::int64_t extrapolated_time() const { return extrapolated_; }
  [[nodiscard]] std::int64_t usable_blocks() const { return usable_; }
  [[nodiscard]] std::int64_t peak_used_blocks() const { return peak_used_; }
  /// As the last step left it.
  [[nodiscard]] std::int64_t running() const { return running_; }
  [[nodiscard]] std::int64_t waiting() const { return waiting_; }
  /// Integrals over time, in picoseconds times blocks or requests.
  [[nodiscard]] Int128 used_block_time() const { return used_time_; }
  [[nodiscard]] Int128 running_time() const { return running_time_; }
  [[nodiscard]] Int128 waiting_time() const { return waiting_time_; }

 private:
  void close_until(Instant until, bool somebody_stayed) {
    if (steps_ == 0) return;
    std::int64_t end = until.picoseconds();
    if (!somebody_stayed && applied_ < end) end = applied_;
    const std::int64_t held = end - since_;
    occupied_ += held;
    used_time_ += static_cast<Int128>(used_) * held;
    running_time_ += static_cast<Int128>(running_) * held;
    waiting_time_ += static_cast<Int128>(waiting_) * held;
  }
  void add_extrapolated(const StepRecord& step) {
    extrapolated_ += static_cast<std::int64_t>(static_cast<double>(step.extrapolated_share) *
                                               static_cast<double>(step.device_time.count()));
  }

  std::int64_t since_ = 0;
  std::int64_t applied_ = 0;
  std::int64_t device_free_ = INT64_MIN;
  std::int64_t used_ = 0;
  std::int64_t running_ = 0;
  std::int64_t waiting_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t busy_ = 0;
  std::int64_t occupied_ = 0;
  std::int64_t device_time_ = 0;
  std::int64_t host_time_ = 0;
  std::int64_t prefill_tokens_ = 0;
  std::int64_t decode_tokens_ = 0;
  std::int64_t extrapolated_ = 0;
  std::int64_t usable_ = 0;
  std::int64_t peak_used_ = 0;
  Int128 used_time_ = 0;
  Int128 running_time_ = 0;
  Int128 waiting_time_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_REPLICA_TOTALS_H_
