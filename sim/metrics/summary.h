// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_METRICS_SUMMARY_H_
#define ORRERY_SIM_METRICS_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/metrics/slo.h"

namespace orrery {

/// How a latency is spread over requests (over tokens for ITL), in milliseconds. Exact, but for
/// ITL, whose percentiles and std are within 0.05 % (DurationHistogram).
struct Spread {
  std::int64_t count = 0;
  double mean = 0;
  double std = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};

/// TTFT: to the first token. TPOT: (E2EL - TTFT) / (tokens - 1), requests of one token left out.
/// ITL: every gap between two consecutive tokens of a request. E2EL: to the last token.
struct Latencies {
  Spread ttft;
  Spread tpot;
  Spread itl;
  Spread e2el;
};

/// A number that holds for a while, weighted by how long; peak is its greatest value.
struct Level {
  double mean = 0;
  double peak = 0;
};

/// What limits a run, in the order in which it is asked (verdict.h).
enum class Bound : std::uint8_t {
  kKv,
  kFrontend,
  kHost,
  kCompute,
  kIdle,
  kBalanced,
};

/// What the machine that ran the simulation did. Never a fact of the run.
struct HostFacts {
  double sim_wall_s = 0;
  double sim_cpu_s = 0;
  std::int64_t peak_rss_bytes = 0;
  /// Shares of steps for which a kind of work was skipped, 0 to 1, by name (`scheduler_asked`).
  std::vector<std::pair<std::string, double>> step_shares;
};

/// What memory gives one use of it, where it was clocked by pattern: useful bytes.
struct MemoryFact {
  std::string use;
  std::string pattern;
  double gb_per_s = 0;
  /// Over sampling and over address maps.
  double low_gb_per_s = 0;
  double high_gb_per_s = 0;
  std::string bound;
};

/// Everything a run says about itself. Recorder::summary() fills what was observed; who runs it
/// adds fingerprint, version, config, host, remarks and trust; conclude() (verdict.h) adds the
/// verdict and what to try next.
struct Summary {
  /// All requests that were sent = completed + rejected + unfinished.
  std::int64_t requests = 0;
  std::int64_t completed = 0;
  std::int64_t rejected = 0;
  std::int64_t unfinished = 0;
  /// Completed requests in the latency statistics, and those left out of them.
  std::int64_t measured = 0;
  std::int64_t left_out_warmup = 0;
  std::int64_t left_out_cooldown = 0;

  /// First send to last token at a client.
  double duration_s = 0;
  /// Of completed requests, as `vllm bench serve` counts.
  std::int64_t total_input_tokens = 0;
  std::int64_t total_output_tokens = 0;
  /// What requests that did not finish had generated.
  std::int64_t unfinished_output_tokens = 0;
  /// Per second of duration_s.
  double request_throughput = 0;
  double output_throughput = 0;
  double total_token_throughput = 0;

  Slo slo;
  /// Set if an SLO is. Requests, and output tokens of requests, that met it, per second; and the
  /// share that met it of all requests, unfinished and rejected ones included.
  std::optional<double> request_goodput;
  std::optional<double> output_token_goodput;
  std::optional<double> slo_attainment;

  /// Over whole seconds of simulated time, as `vllm bench serve` has them.
  std::int64_t max_output_tokens_per_s = 0;
  std::int64_t max_concurrent_requests = 0;

  Latencies client;
  Latencies engine;
  /// In the engine, from the queue to the first step.
  Spread queue_time;

  std::int64_t preemptions = 0;
  std::int64_t preempted_requests = 0;
  /// Requests that were admitted at least once.
  std::int64_t admitted_requests = 0;
  /// Tokens: prompts at their first admission, and what of them was in the prefix cache.
  std::int64_t prefix_queries = 0;
  std::int64_t prefix_hits = 0;

  /// Share of KV blocks in use (a cached block that nobody holds is free), from first send to last
  /// token; the peak is that of the fullest replica.
  Level kv_usage;
  std::int64_t kv_usable_blocks = 0;
  /// The same mean over the time in which there was somebody to serve.
  double kv_usage_occupied = 0;
  /// Requests in all replicas together.
  Level running;
  Level waiting;

  std::int64_t replicas = 1;
  std::int64_t steps = 0;
  std::int64_t prefill_tokens = 0;
  std::int64_t decode_tokens = 0;
  /// Shares of the time from first send to last token: of the devices at work, and of the replicas
  /// having somebody to serve.
  double utilisation = 0;
  double occupied = 0;
  /// Sums over the steps.
  double device_time_s = 0;
  double host_time_s = 0;
  /// Share of the device's time that rests on figures outside what was measured.
  double extrapolated_share = 0;
  /// Share of the clients' latency that passes before and after the engine.
  double frontend_share = 0;

  bool saturated = false;
  double queue_growth_per_s = 0;
  double sent_per_s = 0;

  /// Empty where memory was not clocked; and how many patterns were asked for them.
  std::vector<MemoryFact> memory;
  std::int64_t memory_patterns = 0;

  std::uint64_t fingerprint = 0;
  std::string version;
  /// The whole configuration as JSON.
  std::string config_json;
  HostFacts host;
  std::vector<std::string> remarks;
  Bound bound = Bound::kBalanced;
  std::string verdict;
  std::string trust;
  std::string next;

  [[nodiscard]] double prefix_hit_rate() const {
    return prefix_queries == 0
               ? 0
               : static_cast<double>(prefix_hits) / static_cast<double>(prefix_queries);
  }
};

/// One JSON object with the names of `vllm bench serve`, and a newline. Statistics of nothing are
/// null. A latency without prefix is the clients', `engine_` marks the engine's.
[[nodiscard]] std::string summary_json(const Summary& summary);

/// The same into a file; ConfigError if it cannot be written.
void write_summary_json(const Summary& summary, const std::string& path);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_SUMMARY_H_
