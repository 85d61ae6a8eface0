// SPDX-License-Identifier: Apache-2.0
//
// What other programs read: the summary and the timeline. One file, because nlohmann's header is
// slow to compile.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/errors.h"
#include "sim/metrics/recorder.h"
#include "sim/metrics/summary.h"
#include "sim/metrics/timeline.h"
#include "tests/unit/metrics/records.h"

namespace orrery {
namespace {

using nlohmann::json;
using testing::at_ms;
using testing::finished_request;
using testing::Life;
using testing::sent_request;
using testing::TemporaryFolder;
using testing::text_of;

TEST_CASE("summary.json: the names of vllm bench serve, and ours beside them") {
  Recorder::Options options;
  options.slo.ttft = milliseconds(500);
  Recorder recorder(options);
  recorder.on_leave(finished_request(0, Life{at_ms(0), at_ms(1), at_ms(10), at_ms(30), 3}), {});
  Summary summary = recorder.summary();
  summary.fingerprint = 0xabc;
  summary.version = "0.1.0";
  summary.config_json = R"({"replicas": 1})";
  summary.host = {2.0, 0.5, 1 << 20, {{"scheduler_asked", 0.125}}};
  summary.verdict = "idle: the device was busy 12 %";
  const json got = json::parse(summary_json(summary));
  for (const char* name :
       {"duration", "completed", "failed", "total_input_tokens", "total_output_tokens",
        "request_throughput", "request_goodput", "output_throughput", "total_token_throughput",
        "max_output_tokens_per_s", "max_concurrent_requests", "preemptions", "utilisation", "steps",
        "sim_wall_s", "sim_cpu_s"}) {
    CHECK_MESSAGE(got.contains(name), name);
    CHECK_MESSAGE(got[name].is_number(), name);
  }
  for (const char* side : {"", "engine_"}) {
    for (const char* metric : {"ttft", "tpot", "itl", "e2el"}) {
      for (const char* statistic : {"mean", "median", "std", "p50", "p90", "p99"}) {
        const std::string name = std::string(side) + statistic + "_" + metric + "_ms";
        CHECK_MESSAGE(got.contains(name), name);
      }
    }
  }
  CHECK(got["mean_ttft_ms"] == 10);
  CHECK(got["median_e2el_ms"] == 30);
  CHECK(got["mean_tpot_ms"] == 10);
  CHECK(got["mean_itl_ms"].is_null());  // no step told a gap: null, not a made-up 0
  CHECK(got["slo_attainment"] == 1);
  CHECK(got["slo"]["ttft_ms"] == 500);
  CHECK(got["slo"]["tpot_ms"].is_null());
  CHECK(got["kv_usage"].contains("mean"));
  CHECK(got["kv_usage"].contains("peak"));
  CHECK(got["prefix_cache"]["queries"] == 1);
  CHECK(got["prefix_cache"]["hits"] == 0);
  CHECK(got["prefix_cache"]["hit_rate"] == 0);
  CHECK(got["fingerprint"] == "0000000000000abc");
  CHECK(got["config"]["replicas"] == 1);
  CHECK(got["host"]["sim_wall_s"] == 2);
  CHECK(got["host"]["peak_rss_bytes"] == 1 << 20);
  CHECK(got["host"]["step_shares"]["scheduler_asked"] == 0.125);
  CHECK(got["verdict"] == "idle: the device was busy 12 %");
  CHECK_FALSE(got.contains("energy"));
}

TEST_CASE("summary.json: without an SLO goodput is null, and a file has the same text") {
  const TemporaryFolder folder;
  const Summary summary = Recorder({}).summary();
  const json got = json::parse(summary_json(summary));
  CHECK(got["request_goodput"].is_null());
  CHECK_FALSE(got.contains("slo"));
  CHECK(got["mean_ttft_ms"].is_null());
  write_summary_json(summary, folder.path("summary.json"));
  CHECK(text_of(folder.path("summary.json")) == summary_json(summary));
  CHECK_THROWS_AS(write_summary_json(summary, folder.path("no/summary.json")), ConfigError);
}

/// The events of a request as `b queued@1.000000` (a b begins, an e ends), in the file's order.
std::vector<std::string> marks_of(const json& trace, int id) {
  std::vector<std::string> marks;
  for (const json& event : trace["traceEvents"]) {
    if (event.value("id", -1) != id) continue;
    marks.push_back(event["ph"].get<std::string>() + " " + event["name"].get<std::string>() + "@" +
                    std::to_string(event["ts"].get<double>()));
  }
  return marks;
}

TEST_CASE("timeline: steps, counters and the phases of requests") {
  const TemporaryFolder folder;
  for (const char* name : {"t.json", "t.json.gz"}) {
    Timeline timeline(folder.path(name));
    CHECK(timeline.wants_events());
    const ReplicaId replica{1};
    const auto us = [](std::int64_t n) { return Instant::at(microseconds(n)); };
    timeline.on_queued(replica, RequestId{5}, us(1));
    timeline.on_admitted(replica, RequestId{5}, us(2), 0);
    StepRecord step;
    step.replica = replica;
    step.scheduled = us(2), step.device_start = us(3),
    step.device_end = Instant::at(picoseconds(7'000'001));
    step.applied = us(8);
    step.prefill_tokens = 64, step.running = 1, step.usable_blocks = 10, step.free_blocks = 6;
    timeline.on_first_token(replica, RequestId{5}, us(8));
    timeline.on_step(step);
    timeline.on_preempted(replica, RequestId{5}, us(9));
    timeline.on_admitted(replica, RequestId{5}, us(12), 32);
    step.decodes = 3, step.scheduled = us(12), step.device_start = us(13), step.device_end = us(14);
    timeline.on_step(step);
    RequestRecord done = finished_request(5, Life{us(0), us(2), us(8), us(20)});
    done.replica = replica;
    timeline.on_leave(done, {});
    timeline.on_queued(replica, RequestId{6}, us(15));
    RequestRecord cut = sent_request(6, us(14));
    cut.replica = replica;
    timeline.on_leave(cut, "the run was cut");
    RequestRecord refused = sent_request(7, us(16));
    refused.status = RequestStatus::kRejected;
    refused.replica = replica;
    timeline.on_leave(refused, "too \"long\"");
    timeline.on_leave(sent_request(8, us(30)), "it never reached the engine");
    timeline.close();

    const json trace = json::parse(text_of(folder.path(name)));
    CHECK(marks_of(trace, 5) ==
          std::vector<std::string>{"b request 5@1.000000", "b queued@1.000000", "e queued@2.000000",
                                   "b prefill@2.000000", "e prefill@8.000000", "b decode@8.000000",
                                   "e decode@9.000000", "b preempted@9.000000",
                                   "e preempted@12.000000", "b resumed@12.000000",
                                   "e resumed@20.000000", "e request 5@20.000000"});
    // Not finished: its slices end at the latest time that was told, 20 us.
    CHECK(marks_of(trace, 6) == std::vector<std::string>{"b request 6@15.000000",
                                                         "b queued@15.000000", "e queued@20.000000",
                                                         "e request 6@20.000000"});
    CHECK(marks_of(trace, 7) == std::vector<std::string>{"n rejected@16.000000"});
    CHECK(marks_of(trace, 8).empty());
    std::map<std::string, int> kinds;
    std::vector<std::string> steps;
    for (const json& event : trace["traceEvents"]) {
      CHECK(event["pid"] == 2);
      ++kinds[event["ph"].get<std::string>()];
      if (event["ph"] == "X") steps.push_back(event["name"].get<std::string>());
    }
    CHECK(steps == std::vector<std::string>{"prefill", "prefill + decode"});
    CHECK(kinds["C"] ==
          3);  // blocks, running, waiting: once each, for the second step has the same
    CHECK(kinds["M"] == 2);  // the replica's name and its thread's
  }
  // 3 to 7.000001 us: exact in the text, which a double would round.
  CHECK(text_of(folder.path("t.json")).find("\"ts\":3.000000,\"dur\":4.000001,") !=
        std::string::npos);
}

TEST_CASE("timeline: a run in which nothing happened is valid, too") {
  const TemporaryFolder folder;
  Timeline timeline(folder.path("t.json"));
  timeline.close();
  CHECK(json::parse(text_of(folder.path("t.json")))["traceEvents"].empty());
}

TEST_CASE("timeline: a long run stays valid JSON across buffers") {
  const TemporaryFolder folder;
  Timeline timeline(folder.path("t.json.gz"));
  StepRecord step;
  for (int i = 0; i < 5'000; ++i) {
    step.number = i;
    step.scheduled = step.device_start = at_ms(i);
    step.device_end = step.applied = at_ms(i + 1);
    step.running = i;
    timeline.on_step(step);
  }
  timeline.close();
  // A step and `running` each, 2 names, blocks and waiting once.
  CHECK(json::parse(text_of(folder.path("t.json.gz")))["traceEvents"].size() == 10'004);
}

}  // namespace
}  // namespace orrery
