// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/verdict.h"

#include <doctest/doctest.h>

#include "sim/metrics/figures.h"
#include "sim/metrics/tables.h"

namespace orrery {
namespace {

/// 1000 requests on a device that is busy 70 % of a time that is all work.
Summary steady_run() {
  Summary s;
  s.requests = s.completed = s.admitted_requests = 1000;
  s.total_input_tokens = 200'000, s.total_output_tokens = 100'000;
  s.steps = 10'000, s.decode_tokens = 95'000;
  s.utilisation = 0.75;
  s.occupied = 1;
  return s;
}

ScenarioFacts scenario() {
  ScenarioFacts facts;
  facts.path = "s.yaml";
  return facts;
}

TEST_CASE("figures: percent and digits") {
  CHECK(percent(0) == "0 %");
  CHECK(percent(0.0002) == "0.02 %");
  CHECK(percent(0.004) == "0.4 %");
  CHECK(percent(0.03) == "3 %");
  CHECK(percent(0.0312) == "3.1 %");
  CHECK(percent(0.0999) == "10 %");
  CHECK(percent(0.12) == "12 %");
  CHECK(percent(0.9999) == "99.9 %");  // not all of them
  CHECK(percent(1) == "100 %");
  CHECK(figure(0.1234) == "0.123");
  CHECK(figure(12.345) == "12.35");
  CHECK(figure(12345.6) == "12,346");
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(grouped(999) == "999");
}

TEST_CASE("verdict: each bound at its threshold, in order of priority") {
  Summary s = steady_run();
  CHECK(bound_of(s) == Bound::kBalanced);
  s.utilisation = 0.80;
  CHECK(bound_of(s) == Bound::kBalanced);  // busy with whoever is there, and nobody waits
  s.waiting.mean = 1;
  CHECK(bound_of(s) == Bound::kCompute);
  s.waiting.mean = 0;
  s.slo_attainment = 0.98;
  CHECK(bound_of(s) == Bound::kCompute);
  s.slo_attainment.reset();
  s.utilisation = 0.49;
  s.occupied = 0.49;  // it had nobody to serve: the device waited for nothing
  CHECK(bound_of(s) == Bound::kIdle);
  s.utilisation = 0.70;
  s.occupied = 1;  // 30 % of the time there was work, and the device waited
  CHECK(bound_of(s) == Bound::kHost);
  s.frontend_share = 0.25;
  CHECK(bound_of(s) == Bound::kFrontend);
  s.preempted_requests = 9;
  CHECK(bound_of(s) == Bound::kFrontend);
  s.preempted_requests = 10;
  CHECK(bound_of(s) == Bound::kKv);
  s.preempted_requests = 0;
  s.waiting.mean = 1;
  s.kv_usage_occupied = 0.90;
  CHECK(bound_of(s) == Bound::kKv);
  s.waiting.mean = 0.9;
  CHECK(bound_of(s) == Bound::kFrontend);
}

TEST_CASE("verdict: its words") {
  Summary s = steady_run();
  const auto verdict = [&s] {
    conclude(s, scenario());
    return s.verdict;
  };
  CHECK(verdict() == "balanced: the device was busy 75 %, 0.000 requests wait on average");
  s.preempted_requests = 30;
  CHECK(verdict() == "KV-bound: 3 % preempted");
  s.preempted_requests = 0;
  s.waiting.mean = 12, s.kv_usage_occupied = 0.97;
  CHECK(verdict() == "KV-bound: 97 % of the blocks in use while 12.00 requests wait");
  s = steady_run();
  s.utilisation = 0.12, s.occupied = 0.13;
  CHECK(verdict() == "idle: the device was busy 12 %");
  s.occupied = 0.6;
  CHECK(verdict() == "host-bound: the device waited 80 % of the time there was work");
  s.frontend_share = 0.4;
  CHECK(verdict() == "frontend-bound: 40 % of the latency passes outside the engine");
  s = steady_run();
  s.saturated = true;
  s.queue_growth_per_s = 2.34;
  CHECK(verdict() == "saturated: the queue grows 2.340 requests/s");
  s.utilisation = 0.99, s.waiting.mean = 100;
  CHECK(verdict() ==
        "saturated: the queue grows 2.340 requests/s (compute-bound: the device was busy 99 %)");
}

TEST_CASE("next: the command that moves the bound") {
  Summary s = steady_run();
  ScenarioFacts facts = scenario();
  const auto next = [&] {
    conclude(s, facts);
    return s.next;
  };
  CHECK(next() == "orrery explain s.yaml --decode 64@2048");  // no key is known for more load
  facts.more_load = "workload.trace.rate_scale=1.5";
  CHECK(next() == "orrery run s.yaml --set workload.trace.rate_scale=1.5");
  s.preempted_requests = 500;
  // Nothing is known that gives more KV to the one replica.
  CHECK(next() == "orrery run s.yaml --set replicas=2");
  facts.tensor_parallel = 2;
  CHECK(next() == "orrery run s.yaml --set plan.tensor_parallel=4");
  facts.gpu_memory_utilization = 0.95;
  CHECK(next() == "orrery run s.yaml --set plan.tensor_parallel=4");
  facts.gpu_memory_utilization = 0.9;
  CHECK(next() == "orrery run s.yaml --set engine.gpu_memory_utilization=0.95");
  facts.num_gpu_blocks_override = 2588;
  CHECK(next() == "orrery run s.yaml --set engine.num_gpu_blocks_override=3235");  // 2588 * 1.25

  s = steady_run();
  facts = scenario();
  facts.more_load = "workload.trace.rate_scale=1.5";
  facts.replicas = 2;
  s.saturated = true;
  s.sent_per_s = 10, s.queue_growth_per_s = 4;
  CHECK(next() == "orrery run s.yaml --set replicas=4");  // 2 serve 6/s; 10/s need 3.33
  s.saturated = false;
  s.utilisation = 0.9, s.waiting.mean = 1;
  CHECK(next() == "orrery run s.yaml --set workload.trace.rate_scale=1.5");
  s.slo_attainment = 0.98;
  CHECK(next() == "orrery run s.yaml --set replicas=3");
  s.slo_attainment = 0.995;
  CHECK(next() == "orrery run s.yaml --set workload.trace.rate_scale=1.5");
  s.utilisation = 0.5;
  // 9.5 decodes a step; 200 tokens in and half of 100 out.
  CHECK(next() == "orrery explain s.yaml --decode 9@250");
  facts.async_scheduling = true;
  CHECK(next() == "orrery explain s.yaml --decode 9@250");
  facts.async_scheduling = false;
  CHECK(next() == "orrery run s.yaml --set engine.async_scheduling=true");
  s.frontend_share = 0.5;
  CHECK(next() == "orrery run s.yaml --set replicas=3");
  s = steady_run();
  s.utilisation = s.occupied = 0.1;
  facts.replicas = 8;
  CHECK(next() == "orrery run s.yaml --set replicas=2");  // 8 * 0.1 / 0.6 = 1.33
  facts.replicas = 1;
  CHECK(next() == "orrery run s.yaml --set workload.trace.rate_scale=1.5");
}

TEST_CASE("table: lines are aligned, and a saturated run has no p99 of waiting") {
  Summary s = steady_run();
  s.client.ttft = s.client.itl = s.queue_time = {1000, 12.5, 1, 11, 20, 1234.5};
  s.trust = "roofline, not calibrated";
  std::string table = summary_table(s);
  CHECK(table.find("latency, ms            mean        std        p50        p90        p99\n") !=
        std::string::npos);
  const std::string values = "      12.50      1.000      11.00      20.00      ";
  CHECK(table.find("client TTFT     " + values.substr(0, 50) + "1,235\n") != std::string::npos);
  CHECK(table.find("client TPOT            none\n") != std::string::npos);
  s.saturated = true;
  table = summary_table(s);
  CHECK(table.find("client TTFT     " + values.substr(0, 46) + "saturated\n") != std::string::npos);
  CHECK(table.find("engine queue    " + values.substr(0, 46) + "saturated\n") != std::string::npos);
  CHECK(table.find("client ITL      " + values.substr(0, 50) + "1,235\n") != std::string::npos);
  conclude(s, scenario());
  CHECK(closing_lines(s) ==
        "verdict: " + s.verdict + "\ntrust: roofline, not calibrated\nnext: " + s.next + "\n");
}

}  // namespace
}  // namespace orrery
