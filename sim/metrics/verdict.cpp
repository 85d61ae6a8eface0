// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/metrics/figures.h"

namespace orrery {
namespace {

constexpr double kPreemptedShare = 0.01;
constexpr double kFullKv = 0.90;
constexpr double kFrontendShare = 0.25;
constexpr double kOccupied = 0.50;
constexpr double kDeviceWaits = 0.30;
constexpr double kBusy = 0.80;
constexpr double kIdle = 0.50;
constexpr double kMissed = 0.01;
constexpr double kMostMemory = 0.95;
constexpr double kAimedBusy = 0.60;

double preempted_share(const Summary& s) {
  if (s.admitted_requests == 0) return 0;
  return static_cast<double>(s.preempted_requests) / static_cast<double>(s.admitted_requests);
}

bool misses_slo(const Summary& s) { return s.slo_attainment && *s.slo_attainment < 1 - kMissed; }

/// Share of the time with somebody to serve in which the device did nothing.
double device_waits(const Summary& s) {
  return s.occupied > 0 ? 1 - s.utilisation / s.occupied : 0;
}

std::string evidence(const Summary& s) {
  switch (s.bound) {
    case Bound::kKv:
      if (preempted_share(s) >= kPreemptedShare) {
        return percent(preempted_share(s)) + " preempted";
      }
      return fmt::format("{} of the blocks in use while {} requests wait",
                         percent(s.kv_usage_occupied), figure(s.waiting.mean));
    case Bound::kFrontend:
      return percent(s.frontend_share) + " of the latency passes outside the engine";
    case Bound::kHost:
      return fmt::format("the device waited {} of the time there was work",
                         percent(device_waits(s)));
    case Bound::kBalanced:
      return fmt::format("the device was busy {}, {} requests wait on average",
                         percent(s.utilisation), figure(s.waiting.mean));
    case Bound::kCompute:
    case Bound::kIdle:
      break;
  }
  return "the device was busy " + percent(s.utilisation);
}

std::string bound_text(const Summary& s) {
  return std::string(name_of(s.bound)) + ": " + evidence(s);
}

std::string run_with(const ScenarioFacts& scenario, std::string_view setting) {
  return fmt::format("orrery run {} --set {}", scenario.path, setting);
}

/// Nothing is short: how much more would it take?
std::string more_load(const ScenarioFacts& scenario) {
  return scenario.more_load.empty() ? "orrery explain " + scenario.path + " --decode 64@2048"
                                    : run_with(scenario, scenario.more_load);
}

std::string with_replicas(const ScenarioFacts& scenario, double wanted) {
  return run_with(scenario,
                  fmt::format("replicas={}", static_cast<std::int64_t>(std::ceil(wanted))));
}

std::string more_kv(const ScenarioFacts& scenario) {
  if (const auto blocks = scenario.num_gpu_blocks_override) {
    const std::int64_t more = *blocks + (*blocks + 3) / 4;
    return run_with(scenario, fmt::format("engine.num_gpu_blocks_override={}", more));
  }
  if (scenario.gpu_memory_utilization && *scenario.gpu_memory_utilization < kMostMemory) {
    return run_with(scenario, fmt::format("engine.gpu_memory_utilization={}", kMostMemory));
  }
  if (const auto tensor_parallel = scenario.tensor_parallel) {
    return run_with(scenario, fmt::format("plan.tensor_parallel={}", 2 * *tensor_parallel));
  }
  return with_replicas(scenario, static_cast<double>(scenario.replicas) + 1);
}

/// The mean step's decodes, at the context in the middle of the mean request's output.
std::string explain_mean_step(const Summary& s, const ScenarioFacts& scenario) {
  const std::int64_t decodes = std::max<std::int64_t>(1, s.decode_tokens / s.steps);
  const std::int64_t requests = std::max<std::int64_t>(1, s.completed);
  const std::int64_t context =
      std::max<std::int64_t>(1, (s.total_input_tokens + s.total_output_tokens / 2) / requests);
  return fmt::format("orrery explain {} --decode {}@{}", scenario.path, decodes, context);
}

std::string next_when_idle(const Summary& s, const ScenarioFacts& scenario) {
  const double wanted =
      std::max(1.0, std::ceil(static_cast<double>(scenario.replicas) * s.utilisation / kAimedBusy));
  if (wanted < static_cast<double>(scenario.replicas)) return with_replicas(scenario, wanted);
  return more_load(scenario);
}

}  // namespace

std::string_view name_of(Bound bound) {
  switch (bound) {
    case Bound::kKv:
      return "KV-bound";
    case Bound::kFrontend:
      return "frontend-bound";
    case Bound::kHost:
      return "host-bound";
    case Bound::kCompute:
      return "compute-bound";
    case Bound::kIdle:
      return "idle";
    case Bound::kBalanced:
      break;
  }
  return "balanced";
}

Bound bound_of(const Summary& s) {
  const bool full = s.waiting.mean >= 1 && s.kv_usage_occupied >= kFullKv;
  if (preempted_share(s) >= kPreemptedShare || full) return Bound::kKv;
  if (s.frontend_share >= kFrontendShare) return Bound::kFrontend;
  if (s.occupied >= kOccupied && device_waits(s) >= kDeviceWaits) return Bound::kHost;
  if (s.utilisation >= kBusy && (s.waiting.mean >= 1 || misses_slo(s))) return Bound::kCompute;
  return s.utilisation < kIdle ? Bound::kIdle : Bound::kBalanced;
}

std::string verdict_of(const Summary& s) {
  if (!s.saturated) return bound_text(s);
  const std::string growth =
      fmt::format("saturated: the queue grows {} requests/s", figure(s.queue_growth_per_s));
  return s.bound == Bound::kBalanced ? growth : growth + " (" + bound_text(s) + ")";
}

std::string next_command(const Summary& s, const ScenarioFacts& scenario) {
  const auto replicas = static_cast<double>(scenario.replicas);
  if (s.bound == Bound::kKv) return more_kv(scenario);
  if (s.saturated) {
    const double served = s.sent_per_s - s.queue_growth_per_s;
    return with_replicas(scenario, served > 0 ? replicas * s.sent_per_s / served : 2 * replicas);
  }
  switch (s.bound) {
    case Bound::kFrontend:
      return with_replicas(scenario, replicas + 1);
    case Bound::kHost:
      if (scenario.async_scheduling && !*scenario.async_scheduling) {
        return run_with(scenario, "engine.async_scheduling=true");
      }
      return explain_mean_step(s, scenario);
    case Bound::kCompute:
      if (misses_slo(s)) return with_replicas(scenario, replicas + 1);
      break;
    case Bound::kIdle:
      return next_when_idle(s, scenario);
    case Bound::kKv:
    case Bound::kBalanced:
      break;
  }
  return more_load(scenario);
}

void conclude(Summary& summary, const ScenarioFacts& scenario) {
  summary.bound = bound_of(summary);
  summary.verdict = verdict_of(summary);
  summary.next = next_command(summary, scenario);
}

}  // namespace orrery
