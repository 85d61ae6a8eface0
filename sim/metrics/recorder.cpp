// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sim/metrics/percentile.h"

namespace orrery {
namespace {

constexpr double kMillisecond = 1e9;  // in picoseconds
constexpr std::array<double, 3> kPercents = {50, 90, 99};

Spread spread_of_tokens(const DurationHistogram& histogram) {
  Spread spread;
  spread.count = histogram.count();
  if (spread.count == 0) return spread;
  spread.mean = histogram.mean() / kMillisecond;
  spread.std = histogram.standard_deviation() / kMillisecond;
  spread.p50 = histogram.percentile(kPercents[0]) / kMillisecond;
  spread.p90 = histogram.percentile(kPercents[1]) / kMillisecond;
  spread.p99 = histogram.percentile(kPercents[2]) / kMillisecond;
  return spread;
}

Spread spread_of_requests(std::vector<std::int64_t>& values) {
  Spread spread;
  spread.count = static_cast<std::int64_t>(values.size());
  if (values.empty()) return spread;
  spread.mean = mean_of(values) / kMillisecond;
  spread.std = standard_deviation_of(values) / kMillisecond;
  const std::vector<double> at = percentiles(values, kPercents);
  spread.p50 = at[0] / kMillisecond;
  spread.p90 = at[1] / kMillisecond;
  spread.p99 = at[2] / kMillisecond;
  return spread;
}

/// (E2EL - TTFT) / (tokens - 1) to the nearest picosecond.
Duration time_per_output_token(Duration ttft, Duration e2el, std::int32_t tokens) {
  const std::int64_t gaps = tokens - 1;
  return Duration(((e2el - ttft).count() + gaps / 2) / gaps);
}

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace

Recorder::Recorder(const Options& options) : options_(options) {
  replicas_.resize(static_cast<std::size_t>(options.replicas));
}

void Recorder::on_step(const StepRecord& step) {
  if (index_of(step.replica) >= replicas_.size()) [[unlikely]]
    replicas_.resize(index_of(step.replica) + 1);
  ReplicaTotals& replica = replicas_[step.replica];
  running_ += step.running - replica.running();
  waiting_ += step.waiting - replica.waiting();
  peak_running_ = std::max(peak_running_, running_);
  peak_waiting_ = std::max(peak_waiting_, waiting_);
  replica.add(step);
  last_applied_ = std::max(last_applied_, step.applied);
  last_visible_ = step.visible;
  if (measure_gaps_from_ == Instant::never()) [[unlikely]]
    measure_gaps_from_ = step.scheduled + options_.measure.warmup;
  if (gaps_of_step_ > 0) [[unlikely]]
    tokens_.add(step.visible, std::exchange(gaps_of_step_, 0));
  if (step.continuing_tokens == 0) return;
  tokens_.add(step.visible, step.continuing_tokens);
  if (step.visible < measure_gaps_from_) [[unlikely]]
    return;
  engine_itl_.add(step.engine_gap, step.continuing_tokens);
  client_itl_.add(step.client_gap, step.continuing_tokens);
}

void Recorder::on_gap(Duration engine_gap, Duration client_gap) {
  ++gaps_of_step_;
  if (last_visible_ < measure_gaps_from_) return;
  engine_itl_.add(engine_gap);
  client_itl_.add(client_gap);
}

void Recorder::on_leave(const RequestRecord& record, std::string_view reason) {
  ++counts_.requests;
  first_sent_ = std::min(first_sent_, record.sent);
  last_sent_ = std::max(last_sent_, record.sent);
  queue_.add(record);
  counts_.preemptions += record.preemptions;
  counts_.preempted_requests += record.preemptions > 0 ? 1 : 0;
  if (record.first_scheduled != Instant::never()) {
    ++counts_.admitted_requests;
    counts_.prefix_queries += record.input_tokens;
    counts_.prefix_hits += record.cached_tokens;
  }
  if (record.client_first_token != Instant::never()) tokens_.add(record.client_first_token, 1);
  if (record.client_last_token != Instant::never()) {
    last_token_ = std::max(last_token_, record.client_last_token);
  }
  if (record.status == RequestStatus::kRejected || record.status == RequestStatus::kUnfinished) {
    return count_not_completed(record, reason);
  }
  count_completed(record);
}

void Recorder::count_completed(const RequestRecord& record) {
  ++counts_.completed;
  counts_.total_input_tokens += record.input_tokens;
  counts_.total_output_tokens += record.output_tokens;
  if (options_.slo.given() && options_.slo.met_by(record)) {
    ++good_;
    good_output_tokens_ += record.output_tokens;
  }
  ORRERY_CHECK(record.first_scheduled != Instant::never());
  ORRERY_CHECK(record.last_token != Instant::never());
  ORRERY_CHECK(record.client_last_token != Instant::never());
  concurrency_.add(record.sent, 1);
  concurrency_.add(record.client_last_token + seconds(1), -1);
  const Completed times{record.sent,
                        record.client_first_token - record.sent,
                        record.client_last_token - record.sent,
                        record.first_token - record.queued,
                        record.last_token - record.queued,
                        record.first_scheduled - record.queued,
                        record.output_tokens};
  client_latency_ += times.client_e2el.count();
  engine_latency_ += times.engine_e2el.count();
  completed_.push_back(times);
}

void Recorder::count_not_completed(const RequestRecord& record, std::string_view reason) {
  if (record.status == RequestStatus::kRejected) {
    if (counts_.rejected++ == 0) first_rejection_ = reason;
    return;
  }
  if (counts_.unfinished++ == 0) first_unfinished_ = reason;
  counts_.unfinished_output_tokens += record.output_tokens;
  concurrency_.add(record.sent, 1);
}

bool Recorder::is_warmup(Instant sent) const {
  return sent - first_sent_ < options_.measure.warmup;
}

bool Recorder::is_cooldown(Instant sent) const {
  return !is_warmup(sent) && last_sent_ - sent < options_.measure.cooldown;
}

template <class Value>
Spread Recorder::spread_of(const Value& value_of) const {
  std::vector<std::int64_t> values;
  values.reserve(completed_.size());
  for (const Completed& request : completed_) {
    if (is_warmup(request.sent) || is_cooldown(request.sent)) continue;
    if (const std::optional<Duration> value = value_of(request)) values.push_back(value->count());
  }
  return spread_of_requests(values);
}

Duration Recorder::span() const {
  const Instant end = std::max(last_token_, last_applied_);
  return first_sent_ < end ? end - first_sent_ : Duration();
}

void Recorder::summarize_requests(Summary& s) const {
  s.slo = options_.slo;
  const double duration = first_sent_ < last_token_ ? to_seconds(last_token_ - first_sent_) : 0;
  s.duration_s = duration;
  s.request_throughput = ratio(static_cast<double>(s.completed), duration);
  s.output_throughput = ratio(static_cast<double>(s.total_output_tokens), duration);
  s.total_token_throughput =
      ratio(static_cast<double>(s.total_input_tokens + s.total_output_tokens), duration);
  if (s.slo.given()) {
    s.request_goodput = ratio(static_cast<double>(good_), duration);
    s.output_token_goodput = ratio(static_cast<double>(good_output_tokens_), duration);
    s.slo_attainment = ratio(static_cast<double>(good_), static_cast<double>(s.requests));
  }
  s.max_output_tokens_per_s = tokens_.peak();
  s.max_concurrent_requests = concurrency_.running_peak();
  s.frontend_share =
      1 - ratio(static_cast<double>(engine_latency_), static_cast<double>(client_latency_));
  if (client_latency_ == 0) s.frontend_share = 0;
  if (const auto trend = queue_.trend()) {
    s.saturated = trend->saturated;
    s.queue_growth_per_s = trend->growth_per_s;
    s.sent_per_s = trend->sent_per_s;
  }
}

void Recorder::summarize_latencies(Summary& s) const {
  for (const Completed& request : completed_) {
    if (is_warmup(request.sent)) {
      ++s.left_out_warmup;
    } else if (is_cooldown(request.sent)) {
      ++s.left_out_cooldown;
    } else {
      ++s.measured;
    }
  }
  using Value = std::optional<Duration>;
  s.client.ttft = spread_of([](const Completed& r) -> Value { return r.client_ttft; });
  s.client.e2el = spread_of([](const Completed& r) -> Value { return r.client_e2el; });
  s.client.tpot = spread_of([](const Completed& r) -> Value {
    if (r.output_tokens <= 1) return {};
    return time_per_output_token(r.client_ttft, r.client_e2el, r.output_tokens);
  });
  s.engine.ttft = spread_of([](const Completed& r) -> Value { return r.engine_ttft; });
  s.engine.e2el = spread_of([](const Completed& r) -> Value { return r.engine_e2el; });
  s.engine.tpot = spread_of([](const Completed& r) -> Value {
    if (r.output_tokens <= 1) return {};
    return time_per_output_token(r.engine_ttft, r.engine_e2el, r.output_tokens);
  });
  s.queue_time = spread_of([](const Completed& r) -> Value { return r.queue_time; });
  s.client.itl = spread_of_tokens(client_itl_);
  s.engine.itl = spread_of_tokens(engine_itl_);
}

void Recorder::summarize_replicas(Summary& s) const {
  s.replicas = static_cast<std::int64_t>(replicas_.size());
  Int128 used = 0, usable = 0, usable_occupied = 0, running = 0, waiting = 0;
  Int128 busy = 0, occupied = 0, device = 0, host = 0, extrapolated = 0;
  const Int128 time = span().count();
  for (ReplicaTotals replica : replicas_) {
    replica.finish();
    used += replica.used_block_time();
    usable += replica.usable_blocks() * time;
    usable_occupied += replica.usable_blocks() * replica.occupied();
    running += replica.running_time();
    waiting += replica.waiting_time();
    busy += replica.busy();
    occupied += replica.occupied();
    device += replica.device_time();
    host += replica.host_time();
    extrapolated += replica.extrapolated_time();
    s.steps += replica.steps();
    s.prefill_tokens += replica.prefill_tokens();
    s.decode_tokens += replica.decode_tokens();
    s.kv_usable_blocks += replica.usable_blocks();
    s.kv_usage.peak =
        std::max(s.kv_usage.peak, ratio(static_cast<double>(replica.peak_used_blocks()),
                                        static_cast<double>(replica.usable_blocks())));
  }
  const auto share = [](Int128 part, Int128 whole) {
    return ratio(static_cast<double>(part), static_cast<double>(whole));
  };
  s.kv_usage.mean = share(used, usable);
  s.kv_usage_occupied = share(used, usable_occupied);
  s.running = {share(running, time), static_cast<double>(peak_running_)};
  s.waiting = {share(waiting, time), static_cast<double>(peak_waiting_)};
  s.utilisation = share(busy, time * s.replicas);
  s.occupied = share(occupied, time * s.replicas);
  s.device_time_s = static_cast<double>(device) * 1e-12;
  s.host_time_s = static_cast<double>(host) * 1e-12;
  s.extrapolated_share = share(extrapolated, device);
}

void Recorder::add_remarks(Summary& s) const {
  const auto tell = [&s](std::int64_t count, std::string_view what, const std::string& first) {
    if (count == 0) return;
    s.remarks.push_back(fmt::format("{} {} {}{}{}", count, count == 1 ? "request" : "requests",
                                    what, first.empty() ? "" : "; the first: ", first));
  };
  tell(s.rejected, "rejected", first_rejection_);
  tell(s.unfinished, "left unfinished", first_unfinished_);
  if (s.left_out_warmup + s.left_out_cooldown > 0) {
    s.remarks.push_back(fmt::format(
        "latencies leave out {} requests of the warm-up and {} of the cool-down; inter-token "
        "latencies leave out the warm-up alone",
        s.left_out_warmup, s.left_out_cooldown));
  }
  if (s.requests > 1 && first_sent_ == last_sent_) {
    s.remarks.emplace_back(
        "all requests were sent at once: waiting times depend on how many they are");
  }
}

Summary Recorder::summary() const {
  Summary s = counts_;
  summarize_requests(s);
  summarize_latencies(s);
  summarize_replicas(s);
  add_remarks(s);
  return s;
}

}  // namespace orrery
