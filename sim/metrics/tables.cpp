// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/tables.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "sim/metrics/figures.h"

namespace orrery {
namespace {

class Table {
 public:
  /// A line of a label and free text.
  void line(std::string_view label, std::string_view text) {
    fmt::format_to(std::back_inserter(text_), "{:<16}{}\n", label, text);
  }
  void head(std::string_view label) {
    fmt::format_to(std::back_inserter(text_), "{:<16}{:>11}{:>11}{:>11}{:>11}{:>11}\n", label,
                   "mean", "std", "p50", "p90", "p99");
  }
  void spread(std::string_view label, const Spread& spread, bool p99_is_told = true) {
    if (spread.count == 0) return line(label, fmt::format("{:>11}", "none"));
    fmt::format_to(std::back_inserter(text_), "{:<16}{:>11}{:>11}{:>11}{:>11}{:>11}\n", label,
                   figure(spread.mean), figure(spread.std), figure(spread.p50), figure(spread.p90),
                   p99_is_told ? figure(spread.p99) : "saturated");
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string slo_text(const Slo& slo) {
  std::string text;
  const auto add = [&](std::string_view name, const std::optional<Duration>& bound) {
    if (!bound) return;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, human(*bound));
  };
  add("TTFT", slo.ttft);
  add("TPOT", slo.tpot);
  add("E2EL", slo.e2el);
  return text;
}

void put_requests(Table& table, const Summary& s) {
  std::string counts =
      fmt::format("{} sent, {} completed", grouped(s.requests), grouped(s.completed));
  if (s.rejected > 0) counts += fmt::format(", {} rejected", grouped(s.rejected));
  if (s.unfinished > 0) counts += fmt::format(", {} unfinished", grouped(s.unfinished));
  table.line("requests",
             counts + fmt::format(", in {} s from first send to last token", figure(s.duration_s)));
  table.line("tokens", fmt::format("{} in, {} out", grouped(s.total_input_tokens),
                                   grouped(s.total_output_tokens)));
  table.line("throughput", fmt::format("{} requests/s, {} output tokens/s, {} tokens/s in all",
                                       figure(s.request_throughput), figure(s.output_throughput),
                                       figure(s.total_token_throughput)));
  if (s.request_goodput) {
    table.line("goodput", fmt::format("{} requests/s within {}; {} of all requests",
                                      figure(*s.request_goodput), slo_text(s.slo),
                                      percent(*s.slo_attainment)));
  }
}

void put_latencies(Table& table, const Summary& s) {
  const bool steady = !s.saturated;
  table.head("latency, ms");
  table.spread("client TTFT", s.client.ttft, steady);
  table.spread("client TPOT", s.client.tpot);
  table.spread("client ITL", s.client.itl);
  table.spread("client E2E", s.client.e2el, steady);
  table.spread("engine TTFT", s.engine.ttft, steady);
  table.spread("engine TPOT", s.engine.tpot);
  table.spread("engine ITL", s.engine.itl);
  table.spread("engine E2E", s.engine.e2el, steady);
  table.spread("engine queue", s.queue_time, steady);
}

void put_engine(Table& table, const Summary& s) {
  table.line("KV blocks", fmt::format("{} in use on average, {} at most, of {}; {} preemptions",
                                      percent(s.kv_usage.mean), percent(s.kv_usage.peak),
                                      grouped(s.kv_usable_blocks), grouped(s.preemptions)));
  table.line("prefix cache", fmt::format("{} of {} prompt tokens hit", percent(s.prefix_hit_rate()),
                                         grouped(s.prefix_queries)));
  table.line("in the engine", fmt::format("{} running and {} waiting on average, {} and {} at most",
                                          figure(s.running.mean), figure(s.waiting.mean),
                                          grouped(static_cast<std::int64_t>(s.running.peak)),
                                          grouped(static_cast<std::int64_t>(s.waiting.peak))));
  std::string device = fmt::format("busy {}, {} steps", percent(s.utilisation), grouped(s.steps));
  if (s.replicas > 1) device += fmt::format(" of {} replicas", s.replicas);
  if (s.extrapolated_share > 0) {
    device += fmt::format("; {} of its time is extrapolated", percent(s.extrapolated_share));
  }
  table.line("device", device);
  for (const MemoryFact& fact : s.memory) {
    table.line(fact.use, fmt::format("{:.0f} GB/s, {:.0f} to {:.0f}, bound by {}", fact.gb_per_s,
                                     fact.low_gb_per_s, fact.high_gb_per_s, fact.bound));
  }
  // What to compare two runs by: the hash of all that happened, and of what made it happen.
  table.line("fingerprint", fmt::format("{:016x}, orrery {}", s.fingerprint, s.version));
}

}  // namespace

std::string summary_table(const Summary& s) {
  Table table;
  put_requests(table, s);
  put_latencies(table, s);
  put_engine(table, s);
  for (const std::string& remark : s.remarks) table.line("remark", remark);
  return table.take();
}

std::string closing_lines(const Summary& s) {
  return fmt::format("verdict: {}\ntrust: {}\nnext: {}\n", s.verdict, s.trust, s.next);
}

}  // namespace orrery
