// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_STEPS_CSV_H_
#define ORRERY_SIM_METRICS_STEPS_CSV_H_

#include <string>
#include <string_view>

#include "sim/metrics/text_file.h"
#include "sim/serving/observer.h"

namespace orrery {

/// Writes steps.csv, one row an engine step in the order in which outputs were applied, gzipped if
/// the path ends in `.gz`. Columns:
///
///   replica, step               the replica's schedule() calls count from 0; a step that computed
///                               nothing has no row
///   scheduled_s                 schedule() ran
///   device_start_s, device_end_s, applied_s   the device began and was done; outputs were applied
///   visible_s                   clients saw this step's tokens
///   prefill_tokens, prefill_chunks, decodes   what was in the batch
///   admitted, preempted         requests, by this schedule()
///   running, waiting            requests, after it
///   new_blocks, used_blocks, usable_blocks    KV blocks taken by it; held after it; that there are
///   device_s, host_s            time on the device alone; the host's part of the step
///   extrapolated_share          of device_s, on figures outside what was measured
///   continuing_tokens           of requests that also had one in the step before, each with
///   engine_gap_s, client_gap_s  this gap to it
///
/// Seconds are exact decimals of picoseconds.
class StepsCsv final : public ServingObserver {
 public:
  static constexpr std::string_view kHeader =
      "replica,step,scheduled_s,device_start_s,device_end_s,applied_s,visible_s,prefill_tokens,"
      "prefill_chunks,decodes,admitted,preempted,running,waiting,new_blocks,used_blocks,"
      "usable_blocks,device_s,host_s,extrapolated_share,continuing_tokens,engine_gap_s,"
      "client_gap_s\n";

  explicit StepsCsv(std::string path);

  void on_step(const StepRecord& step) override;
  void close() { file_.close(); }

 private:
  TextFile file_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_STEPS_CSV_H_
