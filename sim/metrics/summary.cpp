// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "sim/metrics/text_file.h"

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

void put_spread(Json& json, std::string_view prefix, std::string_view metric,
                const Spread& spread) {
  const auto put = [&](std::string_view statistic, double value) {
    Json& field = json[fmt::format("{}{}_{}_ms", prefix, statistic, metric)];
    if (spread.count > 0) field = value;
  };
  put("mean", spread.mean);
  put("median", spread.p50);
  put("std", spread.std);
  put("p50", spread.p50);
  put("p90", spread.p90);
  put("p99", spread.p99);
}

void put_latencies(Json& json, std::string_view prefix, const Latencies& latencies) {
  put_spread(json, prefix, "ttft", latencies.ttft);
  put_spread(json, prefix, "tpot", latencies.tpot);
  put_spread(json, prefix, "itl", latencies.itl);
  put_spread(json, prefix, "e2el", latencies.e2el);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json bound_ms(const std::optional<Duration>& bound) {
  return bound ? Json(to_seconds(*bound) * 1e3) : Json(nullptr);
}

void put_requests(Json& json, const Summary& s) {
  json["duration"] = s.duration_s;
  json["num_prompts"] = s.requests;
  json["completed"] = s.completed;
  json["failed"] = s.rejected + s.unfinished;
  json["rejected"] = s.rejected;
  json["unfinished"] = s.unfinished;
  json["total_input_tokens"] = s.total_input_tokens;
  json["total_output_tokens"] = s.total_output_tokens;
  json["unfinished_output_tokens"] = s.unfinished_output_tokens;
  json["request_throughput"] = s.request_throughput;
  json["request_goodput"] = or_null(s.request_goodput);
  json["output_token_goodput"] = or_null(s.output_token_goodput);
  json["slo_attainment"] = or_null(s.slo_attainment);
  if (s.slo.given()) {
    json["slo"] = {{"ttft_ms", bound_ms(s.slo.ttft)},
                   {"tpot_ms", bound_ms(s.slo.tpot)},
                   {"e2el_ms", bound_ms(s.slo.e2el)}};
  }
  json["output_throughput"] = s.output_throughput;
  json["total_token_throughput"] = s.total_token_throughput;
  json["max_output_tokens_per_s"] = s.max_output_tokens_per_s;
  json["max_concurrent_requests"] = s.max_concurrent_requests;
}

void put_engine(Json& json, const Summary& s) {
  json["preemptions"] = s.preemptions;
  json["preempted_requests"] = s.preempted_requests;
  json["prefix_cache"] = {
      {"queries", s.prefix_queries}, {"hits", s.prefix_hits}, {"hit_rate", s.prefix_hit_rate()}};
  json["kv_usage"] = {
      {"mean", s.kv_usage.mean}, {"peak", s.kv_usage.peak}, {"usable_blocks", s.kv_usable_blocks}};
  json["running"] = {{"mean", s.running.mean}, {"peak", s.running.peak}};
  json["waiting"] = {{"mean", s.waiting.mean}, {"peak", s.waiting.peak}};
  json["replicas"] = s.replicas;
  json["utilisation"] = s.utilisation;
  json["occupied_share"] = s.occupied;
  json["device_time_s"] = s.device_time_s;
  json["host_time_s"] = s.host_time_s;
  json["extrapolated_share"] = s.extrapolated_share;
  json["steps"] = s.steps;
  json["prefill_tokens"] = s.prefill_tokens;
  json["decode_tokens"] = s.decode_tokens;
}

void put_memory(Json& json, const Summary& s) {
  if (s.memory.empty()) return;
  Json rates = Json::array();
  for (const MemoryFact& fact : s.memory) {
    rates.push_back({{"use", fact.use},
                     {"pattern", fact.pattern},
                     {"gb_per_s", fact.gb_per_s},
                     {"low_gb_per_s", fact.low_gb_per_s},
                     {"high_gb_per_s", fact.high_gb_per_s},
                     {"bound", fact.bound}});
  }
  json["memory"] = {{"patterns", s.memory_patterns}, {"rates", std::move(rates)}};
}

void put_host(Json& json, const HostFacts& host, std::int64_t steps) {
  // Also at the top, where DESIGN's list of names has them.
  json["sim_wall_s"] = host.sim_wall_s;
  json["sim_cpu_s"] = host.sim_cpu_s;
  Json object = {{"sim_wall_s", host.sim_wall_s},
                 {"sim_cpu_s", host.sim_cpu_s},
                 {"peak_rss_bytes", host.peak_rss_bytes}};
  object["steps_per_cpu_s"] =
      host.sim_cpu_s > 0 ? Json(static_cast<double>(steps) / host.sim_cpu_s) : Json(nullptr);
  Json shares = Json::object();
  for (const auto& [name, share] : host.step_shares) shares[name] = share;
  object["step_shares"] = std::move(shares);
  json["host"] = std::move(object);
}

}  // namespace

std::string summary_json(const Summary& s) {
  Json json = Json::object();
  put_requests(json, s);
  put_latencies(json, "", s.client);
  put_latencies(json, "engine_", s.engine);
  put_spread(json, "engine_", "queue_time", s.queue_time);
  json["measured"] = {{"requests", s.measured},
                      {"left_out_warmup", s.left_out_warmup},
                      {"left_out_cooldown", s.left_out_cooldown}};
  put_engine(json, s);
  put_memory(json, s);
  json["saturated"] = s.saturated;
  json["queue_growth_per_s"] = s.queue_growth_per_s;
  json["fingerprint"] = fmt::format("{:016x}", s.fingerprint);
  json["version"] = s.version;
  json["config"] = s.config_json.empty() ? Json(nullptr) : Json::parse(s.config_json);
  put_host(json, s.host, s.steps);
  json["remarks"] = s.remarks;
  json["verdict"] = s.verdict;
  json["trust"] = s.trust;
  json["next"] = s.next;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_summary_json(const Summary& summary, const std::string& path) {
  TextFile file(path);
  file.write(summary_json(summary));
  file.close();
}

}  // namespace orrery
