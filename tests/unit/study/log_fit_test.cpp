// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/log_fit.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "models/step_law_cost.h"
#include "sim/core/errors.h"
#include "sim/study/catalogue.h"

namespace orrery {
namespace {

EngineLog read(const std::string& text) { return read_engine_log_text(text, "engine.log"); }

std::string iteration(int number, const std::string& counts, const std::string& rest) {
  return fmt::format(
      "(EngineCore_DP0 pid=9) INFO 11-21 10:00:07 [core.py:388] Iteration({}): {}, {}", number,
      counts, rest);
}

const std::string kCounts =
    "1 context requests, 512 context tokens, 9 generation requests, 9 generation tokens";

TEST_CASE("an iteration line is read wherever it stands, and a dummy is not a step") {
  const EngineLog log = read(
      "INFO 11-21 10:00:00 [core.py:97] Initializing: model='org/name', dtype=torch.bfloat16\n"
      "INFO 11-21 10:00:01 [vllm.py:624] Asynchronous scheduling is enabled.\n" +
      iteration(7, kCounts, "iteration elapsed time: 12.34 ms") + "\nsomething else\n" +
      iteration(8, kCounts, "2 encoder inputs, iteration elapsed time: 3.00 ms") + "\n" +
      iteration(9, kCounts, "iteration elapsed time: 1.00 ms (dummy)") + "\n" +
      "Iteration(0): 0 context requests, 0 context tokens, 3 generation requests, 3 generation "
      "tokens, iteration elapsed time: 4.50 ms\n");
  REQUIRE(log.steps.size() == 3);
  CHECK(log.dummies == 1);
  CHECK(log.model == "org/name");
  CHECK(log.async_scheduling == true);
  CHECK(log.steps[0].context_tokens == 512);
  CHECK(log.steps[0].generation_requests == 9);
  CHECK(log.steps[0].elapsed_ms == doctest::Approx(12.34));
  // 20 November days before the 21st count 21 in all; October ends with day 305 of a leap year.
  CHECK(*log.steps[0].logged_s == ((305 + 21) * 24.0 + 10) * 3600 + 7);
  CHECK(log.steps[1].elapsed_ms == doctest::Approx(3.0));
  // Another engine, whose lines bear no time.
  CHECK_FALSE(log.steps[2].logged_s);
  CHECK(log.steps[2].engine != log.steps[0].engine);
  CHECK(log.engines == 2);
}

TEST_CASE("KV use is spread between the periodic lines") {
  const auto usage = [](int running, const char* share) {
    return fmt::format(
        "INFO 11-21 10:00:09 [loggers.py:248] Engine 000: Running: {} reqs, Waiting: "
        "0 reqs, GPU KV cache usage: {}%, Prefix cache hit rate: 0.0%\n",
        running, share);
  };
  const std::string line = iteration(0, kCounts, "iteration elapsed time: 1.00 ms") + "\n";
  const EngineLog log = read("GPU KV cache size: 100,000 tokens\n" + line + usage(10, "10.0") +
                             line + line + usage(10, "12.0") + line);
  CHECK(log.kv_cache_tokens == 100'000);
  // 10 % of 100,000 tokens, less 7.5 for each request's open block; then two steps further 12 %.
  CHECK(*log.steps[0].kv_tokens == doctest::Approx(9'925));
  CHECK(*log.steps[1].kv_tokens == doctest::Approx(9'925));
  CHECK(*log.steps[2].kv_tokens == doctest::Approx(10'925));
  CHECK(*log.steps[3].kv_tokens == doctest::Approx(11'925));
}

TEST_CASE("a line that breaks off is refused where it does") {
  const auto refused = [](const std::string& line, const char* expected) {
    CHECK_THROWS_WITH_AS(static_cast<void>(read("fine\n" + line + "\n")), expected, TraceError);
  };
  refused("Iteration(x): 1", "engine.log:2:11: expected a whole number");
  refused("Iteration(1): 1 context requests, many", "engine.log:2:35: expected a whole number");
  refused("Iteration(1): 1 contexts", "engine.log:2:16: expected ' context requests, '");
  refused("Iteration(1): " + kCounts + ", and no more",
          "engine.log:2:97: 'iteration elapsed time: ' does not follow");
  refused("Iteration(1): " + kCounts + ", iteration elapsed time: nan ms",
          "engine.log:2:123: expected a number");
  refused("Running: 5 reqs, GPU KV cache usage: high", "engine.log:2:38: expected a number");
}

/// A log of a machine whose law is known: `waits` of it are what the loop waited, and the clock
/// shows the host's time beside them.
struct Truth {
  double step_us = 6'000;
  double token_us = 18;
  double free_tokens = 200;
  double request_us = 30;
  double kv_us = 0.01;
  double host_step_us = 800;
  double host_request_us = 5;
};

std::string log_of(const Truth& truth, int steps, bool async) {
  std::string text = "GPU KV cache size: 400,000 tokens\n";
  text +=
      async ? "Asynchronous scheduling is enabled.\n" : "Asynchronous scheduling is disabled.\n";
  double now = 36'000;
  for (int i = 0; i < steps; ++i) {
    // Batches that swell and shrink slowly, a prompt of varied length in every fifth step.
    const double phase = i / 700.0;
    const int decodes = 20 + static_cast<int>(15 * std::sin(phase));
    const double kv = decodes * (900 + 400 * std::sin(1.7 * phase));
    const int context = i % 5 == 0 ? 50 + (i * 37) % 1'500 : 0;
    const int requests = decodes + (context > 0 ? 1 : 0);
    if (i % 20 == 0) {
      text += fmt::format("Running: {} reqs, GPU KV cache usage: {:.3f}%\n", requests,
                          100 * (kv + 7.5 * requests) / 400'000);
    }
    const double decoded = kv * decodes / requests;
    const double device = truth.step_us +
                          truth.token_us * std::max(0.0, context + decodes - truth.free_tokens) +
                          truth.request_us * requests + truth.kv_us * decoded;
    const double host = truth.host_step_us + truth.host_request_us * requests;
    const double wait = async ? device - host : device;
    now += 1e-6 * (wait + host);
    const int second = static_cast<int>(now);
    text += fmt::format(
        "INFO 11-21 {:02}:{:02}:{:02} [core.py:388] Iteration({}): {} context requests, {} context "
        "tokens, {} generation requests, {} generation tokens, iteration elapsed time: {:.2f} ms\n",
        second / 3600, second / 60 % 60, second % 60, i, context > 0 ? 1 : 0, context, decodes,
        decodes, wait / 1'000);
  }
  return text;
}

double us(Duration time) { return 1e6 * to_seconds(time); }

void check_recovered(const Truth& truth, const StepLaw& law) {
  // A wait is rounded to 0.01 ms, 0.1 % of these steps, and KV use is a straight line between
  // periodic lines: the law is found to a hundredth, its small terms to a tenth.
  CHECK(us(law.step) == doctest::Approx(truth.step_us).epsilon(0.01));
  CHECK(us(law.token) == doctest::Approx(truth.token_us).epsilon(0.01));
  CHECK(static_cast<double>(law.free_tokens) == doctest::Approx(truth.free_tokens).epsilon(0.05));
  CHECK(us(law.request) == doctest::Approx(truth.request_us).epsilon(0.1));
  CHECK(us(law.kv_token) == doctest::Approx(truth.kv_us).epsilon(0.1));
}

TEST_CASE("a log of a known law gives it back, host and all") {
  const Truth truth;
  for (const bool async : {false, true}) {
    const LogFit fit = fit_log(read(log_of(truth, 20'000, async)));
    check_recovered(truth, fit.law);
    // Stretches of 10 s end within a step (10 ms) of a second's begin, so a stretch is wrong by at
    // most 0.1 % of its 1,000 steps of 10 ms: 10 us a step, less over sixteen stretches; a part of
    // it may go to the requests, of which there are about 20 a step.
    const double host = us(fit.law.host_step) + 20 * us(fit.law.host_request);
    CHECK(std::abs(host - (truth.host_step_us + 20 * truth.host_request_us)) < 10);
    CHECK(fit.held_out_steps == 5'000);
    CHECK(fit.median_abs_error < 0.005);
    CHECK(fit.remarks.empty());
    for (const FittedScalar& scalar : fit.scalars) {
      CHECK(scalar.low <= scalar.value);
      CHECK(scalar.value <= scalar.high);
    }
  }
}

TEST_CASE("what a log does not tell is said, not guessed") {
  std::string text;
  for (int i = 0; i < 400; ++i) {
    text += fmt::format(
        "Iteration({}): 0 context requests, 0 context tokens, {} generation requests, {} "
        "generation "
        "tokens, iteration elapsed time: {:.2f} ms\n",
        i, 1 + i % 30, 1 + i % 30, 5 + 0.1 * (1 + i % 30));
  }
  const LogFit fit = fit_log(read(text));
  CHECK(fit.law.kv_token == Duration());
  CHECK(fit.law.host_step == Duration());
  REQUIRE(fit.remarks.size() == 2);
  CHECK(fit.remarks[0].find("host_step and host_request are not fitted") != std::string::npos);
  CHECK(fit.remarks[1].find("kv_token is not fitted") != std::string::npos);
  CHECK(fit.median_abs_error < 0.005);
  CHECK_THROWS_WITH_AS(static_cast<void>(fit_log(
                           read("Iteration(0): " + kCounts + ", iteration elapsed time: 1 ms\n"))),
                       doctest::Contains("the log has 1 steps"), ConfigError);
}

TEST_CASE("the hardware with its steps is read back, and a step costs what the law says") {
  StepLaw law;
  law.step = microseconds(6'000);
  law.token = microseconds(20);
  law.free_tokens = 100;
  law.request = microseconds(30);
  law.kv_token = nanoseconds(10);
  law.host_step = microseconds(800);
  law.host_request = microseconds(5);
  law.sources = "somebody's log";
  const std::string base = std::string(ORRERY_SOURCE_DIR) + "/configs/hardware/h100-sxm.yaml";
  const auto out = std::filesystem::temp_directory_path() / "orrery_log_fit_test.yaml";
  write_with_steps(base, law, out.string());
  const GpuSpec gpu = load_gpu(out.string(), {});
  // A second time over what was written: the older steps give way.
  write_with_steps(out.string(), law, out.string());
  CHECK(load_gpu(out.string(), {}).steps->sources == "somebody's log");
  std::filesystem::remove(out);
  CHECK(gpu.calibration.empty());
  REQUIRE(gpu.steps);
  const auto cost = make_step_law_cost(*gpu.steps);
  BatchShape shape;
  shape.decodes = 10;
  shape.decode_context = 10'000;
  const std::vector<PrefillChunk> chunks = {{200, 0, true}};
  shape.chunks = chunks;
  shape.prefill_tokens = 200;
  // 6 ms + 110 tokens beyond 100 x 20 us + 11 requests x 30 us + 10,000 KV tokens x 10 ns.
  CHECK(cost->cost(shape).device == microseconds(6'000 + 2'200 + 330 + 100));
  CHECK(cost->cost(shape).host == microseconds(855));
  Breakdown breakdown;
  cost->explain(shape, breakdown);
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  CHECK(sum == cost->cost(shape).device);
  CHECK_THROWS_WITH_AS(write_with_steps(base, law, "out.txt"), "--out out.txt: has to end in .yaml",
                       ConfigError);
}

}  // namespace
}  // namespace orrery
