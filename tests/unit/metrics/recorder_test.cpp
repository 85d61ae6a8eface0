// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/recorder.h"

#include <doctest/doctest.h>

#include "tests/unit/metrics/records.h"

namespace orrery {
namespace {

using doctest::Approx;
using testing::at_ms;
using testing::finished_request;
using testing::Life;
using testing::sent_request;

Recorder::Options slo_of(std::int64_t ttft_ms, std::int64_t tpot_ms) {
  Recorder::Options options;
  options.slo.ttft = milliseconds(ttft_ms);
  options.slo.tpot = milliseconds(tpot_ms);
  return options;
}

/// A step of 10 ms: 1 ms on the host, 9 ms on the device, seen by clients 1 ms after.
StepRecord step_at(std::int64_t ms) {
  StepRecord step;
  step.scheduled = at_ms(ms);
  step.device_start = at_ms(ms + 1);
  step.device_end = step.applied = at_ms(ms + 10);
  step.visible = at_ms(ms + 11);
  step.device_time = milliseconds(9);
  step.host_time = milliseconds(1);
  step.usable_blocks = step.free_blocks = 10;
  return step;
}

/// Four requests on one replica, times in ms:
///   A  sent 0, queued 1, in steps 1-11, 11-21, 21-31: three tokens, at clients 12, 22, 32
///   B  sent 10, queued 11, in step 21-31: one token, at the client 32; 16 of 50 tokens cached
///   C  sent 15, rejected
///   D  sent 20, still waiting when the run ends
void play(Recorder& recorder) {
  StepRecord first = step_at(1);
  first.prefill_tokens = 100, first.prefill_chunks = 1, first.admitted = 1, first.running = 1;
  first.free_blocks = 4;
  recorder.on_step(first);
  StepRecord second = step_at(11);
  second.decodes = 1, second.running = 1, second.waiting = 1, second.free_blocks = 3;
  second.continuing_tokens = 1;
  second.engine_gap = milliseconds(10), second.client_gap = milliseconds(10);
  RequestRecord c = sent_request(2, at_ms(15));
  c.status = RequestStatus::kRejected;
  recorder.on_leave(c, "the prompt is too long");
  recorder.on_step(second);
  StepRecord third = step_at(21);
  third.prefill_tokens = 34, third.prefill_chunks = 1, third.decodes = 1, third.admitted = 1;
  third.running = 2, third.waiting = 1, third.free_blocks = 0;
  third.continuing_tokens = 1;
  third.engine_gap = third.client_gap = milliseconds(10);
  third.extrapolated_share = 0.5F;

  RequestRecord a = finished_request(0, Life{at_ms(0), at_ms(1), at_ms(11), at_ms(31), 3});
  a.queued = at_ms(1), a.input_tokens = 100;
  a.client_first_token = at_ms(12), a.client_last_token = at_ms(32);
  recorder.on_leave(a, {});
  RequestRecord b = finished_request(1, Life{at_ms(10), at_ms(21), at_ms(31), at_ms(31), 1});
  b.status = RequestStatus::kFinishedEos;
  b.queued = at_ms(11), b.input_tokens = 50, b.cached_tokens = 16;
  b.client_first_token = b.client_last_token = at_ms(32);
  recorder.on_leave(b, {});
  recorder.on_step(third);
  recorder.on_leave(sent_request(3, at_ms(20)), "the run was cut");
}

TEST_CASE("recorder: counts and throughput") {
  Recorder recorder(slo_of(20, 10));
  play(recorder);
  const Summary s = recorder.summary();
  CHECK(s.requests == 4);
  CHECK(s.completed == 2);
  CHECK(s.rejected == 1);
  CHECK(s.unfinished == 1);
  CHECK(s.total_input_tokens == 150);
  CHECK(s.total_output_tokens == 4);
  // From A's send at 0 to the last token at the clients at 32 ms.
  CHECK(s.duration_s == Approx(0.032));
  CHECK(s.request_throughput == Approx(62.5));        // 2 / 0.032
  CHECK(s.output_throughput == Approx(125));          // 4 / 0.032
  CHECK(s.total_token_throughput == Approx(4812.5));  // 154 / 0.032
  CHECK(s.max_output_tokens_per_s == 4);              // all in second 0
  CHECK(s.max_concurrent_requests == 3);              // A, B and D; C was refused
  CHECK(s.prefix_queries == 150);                     // D was never admitted
  CHECK(s.prefix_hits == 16);
  REQUIRE(s.remarks.size() == 2);
  CHECK(s.remarks[0] == "1 request rejected; the first: the prompt is too long");
  CHECK(s.remarks[1] == "1 request left unfinished; the first: the run was cut");
}

TEST_CASE("recorder: latencies at the client and in the engine") {
  Recorder recorder({});
  play(recorder);
  const Summary s = recorder.summary();
  // TTFT: A 12 - 0, B 32 - 10 = 22. Mean 17, deviation 5; p90 at 0.9 between them: 12 + 9 = 21.
  CHECK(s.client.ttft.count == 2);
  CHECK(s.client.ttft.mean == Approx(17));
  CHECK(s.client.ttft.std == Approx(5));
  CHECK(s.client.ttft.p50 == Approx(17));
  CHECK(s.client.ttft.p90 == Approx(21));
  CHECK(s.client.ttft.p99 == Approx(21.9));
  CHECK(s.client.e2el.mean == Approx(27));  // A 32, B 22
  // In the engine: A 11 - 1 and 31 - 1, B 31 - 11 twice; queue A 0, B 21 - 11.
  CHECK(s.engine.ttft.mean == Approx(15));
  CHECK(s.engine.e2el.mean == Approx(25));
  CHECK(s.queue_time.mean == Approx(5));
  // B has one token, so no TPOT; A's is (32 - 12) / 2.
  CHECK(s.client.tpot.count == 1);
  CHECK(s.client.tpot.mean == Approx(10));
  CHECK(s.engine.tpot.mean == Approx(10));
  CHECK(s.client.itl.count == 2);  // A's two gaps
  CHECK(s.client.itl.mean == 10);
  CHECK(s.client.itl.p99 == 10);
  CHECK(s.frontend_share == Approx(4.0 / 54));  // clients 32 + 22, the engine 30 + 20
}

TEST_CASE("recorder: goodput counts every request, and one token has no TPOT to miss") {
  Recorder strict(slo_of(20, 10));
  play(strict);
  // A: TTFT 12 <= 20, TPOT 10 <= 10. B: TTFT 22. C and D count as missed: 1 of 4.
  CHECK(*strict.summary().slo_attainment == 0.25);
  CHECK(*strict.summary().request_goodput == Approx(31.25));
  CHECK(*strict.summary().output_token_goodput == Approx(93.75));  // A's 3 / 0.032
  Recorder loose(slo_of(22, 10));
  play(loose);
  CHECK(*loose.summary().slo_attainment == 0.5);
  Recorder tight(slo_of(22, 9));
  play(tight);
  CHECK(*tight.summary().slo_attainment == 0.25);  // A misses TPOT, B has none
  Recorder none({});
  play(none);
  CHECK_FALSE(none.summary().slo_attainment);
  CHECK_FALSE(none.summary().request_goodput);
}

TEST_CASE("recorder: a bound on TPOT is compared without rounding") {
  Slo slo;
  slo.tpot = picoseconds(10);
  // Three gaps in 30 ps hold, in 31 ps do not, though 31 / 3 rounds to 10.
  const Instant first = Instant::at(picoseconds(5));
  CHECK(slo.met_by(finished_request(0, Life{{}, {}, first, first + picoseconds(30), 4})));
  CHECK_FALSE(slo.met_by(finished_request(0, Life{{}, {}, first, first + picoseconds(31), 4})));
  slo = {};
  slo.e2el = picoseconds(35);
  CHECK(slo.met_by(finished_request(0, Life{{}, {}, first, first + picoseconds(30), 4})));
  CHECK_FALSE(slo.met_by(finished_request(0, Life{{}, {}, first, first + picoseconds(31), 4})));
}

TEST_CASE("recorder: what the steps add up to, over the 32 ms from first send to last token") {
  Recorder recorder({});
  play(recorder);
  const Summary s = recorder.summary();
  CHECK(s.steps == 3);
  CHECK(s.prefill_tokens == 134);
  CHECK(s.decode_tokens == 2);
  // 6, 7 and 10 of 10 blocks for 10 ms each.
  CHECK(s.kv_usage.mean == Approx(230.0 / 320));
  CHECK(s.kv_usage_occupied == Approx(230.0 / 300));
  CHECK(s.kv_usage.peak == 1);
  CHECK(s.running.mean == Approx(40.0 / 32));  // 1, 1, 2 for 10 ms each
  CHECK(s.running.peak == 2);
  CHECK(s.waiting.mean == Approx(20.0 / 32));
  CHECK(s.waiting.peak == 1);
  CHECK(s.utilisation == Approx(27.0 / 32));
  CHECK(s.occupied == Approx(30.0 / 32));
  CHECK(s.device_time_s == Approx(0.027));
  CHECK(s.host_time_s == Approx(0.003));
  CHECK(s.extrapolated_share == Approx(0.5 / 3));  // half of one of three equal steps
}

TEST_CASE("recorder: a replica that never stepped is idle, and peaks are of the sum") {
  Recorder::Options options;
  options.replicas = 3;
  Recorder recorder(options);
  StepRecord step = step_at(0);
  step.running = 4, step.admitted = 4, step.waiting = 2;
  recorder.on_step(step);
  step.replica = ReplicaId{1};
  step.running = 3;
  recorder.on_step(step);
  step.replica = ReplicaId{0};
  step.scheduled = at_ms(10), step.running = 1, step.admitted = 0, step.waiting = 0;
  recorder.on_step(step);
  recorder.on_leave(finished_request(0, Life{at_ms(0), at_ms(0), at_ms(10), at_ms(10)}), {});
  const Summary s = recorder.summary();
  CHECK(s.replicas == 3);
  CHECK(s.running.peak == 7);
  CHECK(s.waiting.peak == 4);
  CHECK(s.utilisation == Approx(18.0 / 30));  // two of three devices for 9 of 10 ms
}

TEST_CASE(
    "replica totals: blocks are held to the next step, and to the end of the last before idling") {
  ReplicaTotals totals;
  StepRecord step = step_at(0);
  step.free_blocks = 5, step.running = 1, step.admitted = 1;
  totals.add(step);
  // Somebody stayed: 5 blocks until 12 ms, though the step was applied at 10.
  step = step_at(12);
  step.free_blocks = 4, step.running = 1;
  totals.add(step);
  // Whoever runs at 100 ms came then: 6 blocks until 22 ms only.
  step = step_at(100);
  step.free_blocks = 9, step.running = 2, step.admitted = 2;
  totals.add(step);
  // One was preempted and nobody else ran, yet it was there in between: 1 block until 115 ms.
  step = step_at(115);
  step.free_blocks = 8, step.running = 1, step.admitted = 1, step.preempted = 1;
  totals.add(step);
  totals.finish();
  const std::int64_t ms = milliseconds(1).count();
  CHECK(totals.used_block_time() == (5 * 12 + 6 * 10 + 1 * 15 + 2 * 10) * ms);
  CHECK(totals.occupied() == (12 + 10 + 15 + 10) * ms);
}

TEST_CASE("replica totals: a device that overlaps steps is not busy twice") {
  ReplicaTotals totals;
  StepRecord step = step_at(0);
  step.device_start = at_ms(0), step.device_end = at_ms(10);
  totals.add(step);
  step.scheduled = at_ms(5), step.device_start = at_ms(5), step.device_end = at_ms(15);
  totals.add(step);
  CHECK(totals.busy() == milliseconds(15).count());
  CHECK(totals.device_time() == milliseconds(18).count());
}

TEST_CASE("recorder: warm-up and cool-down are of sends after the first and before the last") {
  Recorder::Options options;
  options.measure = {seconds(2), seconds(3)};
  options.slo.ttft = seconds(1000);
  Recorder recorder(options);
  // Sent at 100 .. 109 s, out of order; TTFT is 1 .. 10 s. Left out: 100 and 101 s; 107, 108, 109.
  for (const std::uint32_t i : {9U, 0U, 5U, 1U, 2U, 8U, 3U, 4U, 7U, 6U}) {
    const Instant sent = Instant::at(seconds(100 + i));
    const Instant token = sent + seconds(1 + i);
    recorder.on_leave(finished_request(i, Life{sent, sent, token, token}), {});
  }
  const Summary s = recorder.summary();
  CHECK(s.left_out_warmup == 2);
  CHECK(s.left_out_cooldown == 3);
  CHECK(s.measured == 5);
  CHECK(s.client.ttft.count == 5);
  CHECK(s.client.ttft.mean == Approx(5000));  // 3, 4, 5, 6, 7 s
  CHECK(s.completed == 10);
  CHECK(*s.slo_attainment == 1);  // of all, not of the window
  REQUIRE(s.remarks.size() == 1);
  CHECK(s.remarks[0].find("leave out 2 requests of the warm-up and 3 of the cool-down") !=
        std::string::npos);
}

TEST_CASE("recorder: gaps within the warm-up are left out, and gaps of their own are counted") {
  Recorder::Options options;
  options.measure.warmup = milliseconds(50);
  Recorder recorder(options);
  // The first step is at 1000 ms, so gaps count from 1050 ms on; tokens are visible 11 ms later.
  for (std::int64_t ms = 1000; ms < 1100; ms += 10) {
    StepRecord step = step_at(ms);
    step.continuing_tokens = 4;
    step.engine_gap = milliseconds(10), step.client_gap = milliseconds(11);
    recorder.on_gap(milliseconds(30), milliseconds(31));
    recorder.on_step(step);
  }
  const Summary s = recorder.summary();
  // Steps from 1040 on are visible at 1051 or later: 6 of 10. A gap goes by the step before: 5.
  CHECK(s.engine.itl.count == 6 * 4 + 5);
  CHECK(s.engine.itl.mean == Approx((24 * 10 + 5 * 30) / 29.0));
  CHECK(s.client.itl.mean == Approx((24 * 11 + 5 * 31) / 29.0));
  CHECK(s.max_output_tokens_per_s == 50);  // ten steps of 4 + 1, all in second 1
}

TEST_CASE("recorder: peaks by the second") {
  Recorder recorder({});
  // Requests over [0.5, 1.5], [1.9, 3.0] and [2.0, 2.1] s touch seconds 0-1, 1-3 and 2: two in
  // seconds 1 and 2. First tokens fall into seconds 1, 3 and 2.
  recorder.on_leave(finished_request(0, Life{at_ms(500), at_ms(500), at_ms(1500), at_ms(1500), 1}),
                    {});
  recorder.on_leave(
      finished_request(1, Life{at_ms(1900), at_ms(1900), at_ms(3000), at_ms(3000), 1}), {});
  recorder.on_leave(
      finished_request(2, Life{at_ms(2000), at_ms(2000), at_ms(2100), at_ms(2100), 1}), {});
  StepRecord step = step_at(2900);
  step.continuing_tokens = 7;
  step.visible = at_ms(2999);
  recorder.on_step(step);
  CHECK(recorder.summary().max_concurrent_requests == 2);
  CHECK(recorder.summary().max_output_tokens_per_s == 8);  // second 2: 1 + 7
}

TEST_CASE("recorder: nothing happened") {
  const Summary s = Recorder({}).summary();
  CHECK(s.requests == 0);
  CHECK(s.duration_s == 0);
  CHECK(s.request_throughput == 0);
  CHECK(s.client.ttft.count == 0);
  CHECK(s.utilisation == 0);
  CHECK_FALSE(s.saturated);
}

TEST_CASE("recorder: preemptions are counted by event and by request") {
  Recorder recorder({});
  for (std::uint32_t i = 0; i < 4; ++i) {
    RequestRecord record = finished_request(i, Life{at_ms(i), at_ms(i), at_ms(9), at_ms(9)});
    record.preemptions = i < 2 ? 3 : 0;
    recorder.on_leave(record, {});
  }
  CHECK(recorder.summary().preemptions == 6);
  CHECK(recorder.summary().preempted_requests == 2);
  CHECK(recorder.summary().admitted_requests == 4);
}

}  // namespace
}  // namespace orrery
