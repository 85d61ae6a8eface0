// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_REPLICA_TOTALS_H_
#define ORRERY_SIM_METRICS_REPLICA_TOTALS_H_

#include <algorithm>
#include <cstdint>

#include "sim/core/units.h"
#include "sim/serving/observer.h"

namespace orrery {

/// The integral over time of a number that changes now and then. A call that changes nothing, as
/// most are, is one comparison.
class LevelOverTime {
 public:
  /// From `now` on it is `value`. `now` never goes back.
  void set(std::int64_t now, std::int64_t value) {
    if (value == value_) return;
    integral_ += static_cast<Int128>(value_) * (now - since_);
    since_ = now;
    value_ = value;
  }
  [[nodiscard]] std::int64_t value() const { return value_; }
  /// Until the last change.
  [[nodiscard]] Int128 integral() const { return integral_; }

 private:
  std::int64_t value_ = 0;
  std::int64_t since_ = 0;
  Int128 integral_ = 0;
};

/// What one replica's steps add up to. Integers only: it is written at every engine step.
///
/// What a step says of blocks and queues holds from its schedule() to the next one. If the next
/// one found nobody running, the replica was empty from the moment this step was applied.
class ReplicaTotals {
 public:
  void add(const StepRecord& step) {
    const std::int64_t now = step.scheduled.picoseconds();
    const bool nobody_stayed = step.running - step.admitted + step.preempted == 0;
    if (nobody_stayed && applied_ < now) empty_at(applied_);
    used_.set(now, step.usable_blocks - step.free_blocks);
    running_.set(now, step.running);
    waiting_.set(now, step.waiting);
    occupied_.set(now, 1);
    peak_used_ = std::max(peak_used_, used_.value());
    usable_ = step.usable_blocks;
    applied_ = step.applied.picoseconds();
    add_work(step);
  }
  /// Ends the last step's time once no step follows.
  void finish() { empty_at(applied_); }

  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] std::int64_t prefill_tokens() const { return prefill_tokens_; }
  [[nodiscard]] std::int64_t decode_tokens() const { return decode_tokens_; }
  /// Picoseconds in which the device worked on at least one step; of a pipeline, the mean of its
  /// stages' (whose steps are rounded down to a picosecond).
  [[nodiscard]] std::int64_t busy() const { return busy_; }
  /// Picoseconds in which the replica had somebody to serve.
  [[nodiscard]] Int128 occupied() const { return occupied_.integral(); }
  /// Sums over the steps; with steps in flight at once they may exceed the time that passed.
  [[nodiscard]] std::int64_t device_time() const { return device_time_; }
  [[nodiscard]] std::int64_t host_time() const { return host_time_; }
  [[nodiscard]] std::int64_t extrapolated_time() const { return extrapolated_; }
  [[nodiscard]] std::int64_t usable_blocks() const { return usable_; }
  [[nodiscard]] std::int64_t peak_used_blocks() const { return peak_used_; }
  /// As the last step left it.
  [[nodiscard]] std::int64_t running() const { return running_.value(); }
  [[nodiscard]] std::int64_t waiting() const { return waiting_.value(); }
  /// Integrals over time, in picoseconds times blocks or requests; whole after finish().
  [[nodiscard]] Int128 used_block_time() const { return used_.integral(); }
  [[nodiscard]] Int128 running_time() const { return running_.integral(); }
  [[nodiscard]] Int128 waiting_time() const { return waiting_.integral(); }

 private:
  void empty_at(std::int64_t when) {
    used_.set(when, 0);
    running_.set(when, 0);
    waiting_.set(when, 0);
    occupied_.set(when, 0);
  }
  void add_work(const StepRecord& step) {
    ++steps_;
    prefill_tokens_ += step.prefill_tokens;
    decode_tokens_ += step.decodes;
    device_time_ += step.device_time.count();
    host_time_ += step.host_time.count();
    if (step.stages.empty()) {
      const std::int64_t begin = std::max(step.device_start.picoseconds(), device_free_);
      device_free_ = std::max(device_free_, step.device_end.picoseconds());
      busy_ += std::max(device_free_ - begin, std::int64_t{0});
    } else {
      add_stages(step.stages);
    }
    if (step.extrapolated_share > 0) [[unlikely]]
      extrapolated_ += static_cast<std::int64_t>(static_cast<double>(step.extrapolated_share) *
                                                 static_cast<double>(step.device_time.count()));
  }

  void add_stages(std::span<const StageWork> stages) {
    Duration work;
    for (const StageWork& stage : stages) work += stage.end - stage.start;
    busy_ += work.count() / static_cast<std::int64_t>(stages.size());
  }

  LevelOverTime used_;
  LevelOverTime running_;
  LevelOverTime waiting_;
  LevelOverTime occupied_;
  std::int64_t applied_ = 0;
  std::int64_t device_free_ = INT64_MIN;
  std::int64_t usable_ = 0;
  std::int64_t peak_used_ = 0;
  std::int64_t steps_ = 0;
  std::int64_t prefill_tokens_ = 0;
  std::int64_t decode_tokens_ = 0;
  std::int64_t device_time_ = 0;
  std::int64_t host_time_ = 0;
  std::int64_t busy_ = 0;
  std::int64_t extrapolated_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_REPLICA_TOTALS_H_
