// SPDX-License-Identifier: Apache-2.0
//
// What limits a run, and what to try next: the first and the last of the three lines a result ends
// with. The rules are asked in this order; the first that holds is the bound.
//
//   KV-bound        at least 1 % of the admitted requests were preempted; or on average a request
//                   waits while at least 90 % of the blocks are in use
//   frontend-bound  at least 25 % of the clients' latency passes before and after the engine
//   host-bound      there was somebody to serve for at least half of the time, and meanwhile the
//                   device waited for at least 30 % of it
//   compute-bound   the device was busy for at least 80 % of the time, and on average a request
//                   waits or over 1 % of the requests miss the SLO. Busy alone says little: with
//                   continuous batching one request keeps a device busy that could serve many
//   idle            it was busy for less than 50 %
//   balanced        none of these
//
// A run that is not stationary (queue_growth.h) is first of all `saturated`, and then names its
// bound unless that is balanced.
#ifndef ORRERY_SIM_METRICS_VERDICT_H_
#define ORRERY_SIM_METRICS_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "sim/metrics/summary.h"

namespace orrery {

/// What a next command may change: only what the scenario has.
struct ScenarioFacts {
  /// As the user gave it, to be put into the command.
  std::string path;
  std::int64_t replicas = 1;
  std::optional<std::int64_t> num_gpu_blocks_override;
  std::optional<double> gpu_memory_utilization;
  std::optional<std::int64_t> tensor_parallel;
  std::optional<bool> async_scheduling;
  /// `key.path=value` for the same workload with half as much load again; empty if it has no such
  /// key.
  std::string more_load;
};

/// `KV-bound`, `idle`, ...: the bound's name in a verdict.
[[nodiscard]] std::string_view name_of(Bound bound);

[[nodiscard]] Bound bound_of(const Summary& summary);

/// `KV-bound: 3 % preempted`, `idle: the device was busy 12 %`,
/// `saturated: the queue grows 2.3 requests/s (compute-bound: the device was busy 99 %)`.
[[nodiscard]] std::string verdict_of(const Summary& summary);

/// One command that moves the bound, or asks about it:
///   saturated       as many replicas as would serve what was sent, unless it is KV-bound
///   KV-bound        a quarter more blocks if they are given as a number; else 95 % of the memory;
///                   else twice the tensor parallelism; else one replica more
///   frontend-bound  one replica, so one frontend, more
///   host-bound      async scheduling if it is off; else the step that is taken on average,
///                   operator by operator
///   compute-bound   one replica more if an SLO is missed by over 1 %; else half as much load again
///   idle            as few replicas as would be 60 % busy, if that is fewer; else more load
///   balanced        half as much load again
[[nodiscard]] std::string next_command(const Summary& summary, const ScenarioFacts& scenario);

/// Sets bound, verdict and next.
void conclude(Summary& summary, const ScenarioFacts& scenario);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_VERDICT_H_
