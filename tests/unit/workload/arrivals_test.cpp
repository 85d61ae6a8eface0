// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/arrivals.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

ArrivalOptions options_of(const std::string& yaml) {
  ArrivalOptions options;
  read(parse_yaml(yaml, "s.yaml"), options, "arrivals");
  return options;
}

/// Up to `most` arrivals in seconds.
std::vector<double> times_of(const std::string& yaml, int most,
                             std::optional<std::int64_t> count = {}, std::uint64_t seed = 1) {
  const auto arrivals =
      make_arrivals(options_of(yaml), count, RandomStream(seed, "test", "arrivals"));
  std::vector<double> times;
  while (static_cast<int>(times.size()) < most) {
    const std::optional<Duration> when = arrivals->next();
    if (!when) break;
    times.push_back(to_seconds(*when));
  }
  return times;
}

std::vector<double> gaps_of(const std::vector<double>& times) {
  std::vector<double> gaps;
  for (std::size_t i = 0; i < times.size(); ++i)
    gaps.push_back(times[i] - (i > 0 ? times[i - 1] : 0));
  return gaps;
}

TEST_CASE("constant arrivals do not drift") {
  const auto times = times_of("{process: constant, rate: 3/s}", 3'000'000);
  CHECK(times[0] == doctest::Approx(1.0 / 3));
  CHECK(times[2'999'999] == doctest::Approx(1'000'000).epsilon(1e-15));
}

TEST_CASE("poisson: exponential gaps") {
  const auto gaps = gaps_of(times_of("{rate: 4/s}", 40'000));
  // 40,000 gaps: standard error 0.5 % of the mean; that of the cv about 0.7 %.
  CHECK(mean_of(gaps) == doctest::Approx(0.25).epsilon(0.02));
  CHECK(deviation_of(gaps) / mean_of(gaps) == doctest::Approx(1).epsilon(0.03));
}

TEST_CASE("gamma by burstiness and by cv is the same process") {
  // cv = burstiness^-1/2.
  const std::string burstiness = "{process: gamma, rate: 4/s, burstiness: 0.25, rescale: false}";
  const std::string cv = "{process: gamma, rate: 4/s, cv: 2, rescale: false}";
  CHECK(times_of(burstiness, 100) == times_of(cv, 100));
  const auto gaps = gaps_of(times_of(cv, 40'000));
  CHECK(mean_of(gaps) == doctest::Approx(0.25).epsilon(0.04));
  CHECK(deviation_of(gaps) / mean_of(gaps) == doctest::Approx(2).epsilon(0.05));
}

TEST_CASE("rescaled as vLLM does it: the last of n comes at n / rate, the gaps keep their ratios") {
  const std::string with = "{process: gamma, rate: 5/s, burstiness: 0.5}";
  const std::string without = "{process: gamma, rate: 5/s, burstiness: 0.5, rescale: false}";
  const auto scaled = times_of(with, 1000, 1000);
  const auto raw = times_of(without, 1000, 1000);
  CHECK(scaled.back() == doctest::Approx(200).epsilon(1e-12));
  CHECK(raw.back() != doctest::Approx(200).epsilon(1e-3));
  for (const std::size_t i : {std::size_t{0}, std::size_t{17}, std::size_t{500}}) {
    CHECK(scaled[i] / scaled.back() == doctest::Approx(raw[i] / raw.back()).epsilon(1e-9));
  }
  // Without a known number there is nothing to stretch to.
  CHECK(times_of(with, 1000) == raw);
  CHECK(times_of("{rate: 5/s, rescale: true}", 1000, 1000).back() ==
        doctest::Approx(200).epsilon(1e-12));
}

TEST_CASE("stages follow each other and end") {
  const std::string yaml =
      "{process: constant, stages: [{rate: 2/s, duration: 10s}, {rate: 0/s, duration: 5s}, "
      "{rate: 10/s, duration: 1s}]}";
  const auto times = times_of(yaml, 1000);
  // 20 arrivals by 10 s, none until 15 s, 10 more by 16 s.
  REQUIRE(times.size() == 30);
  CHECK(times[0] == doctest::Approx(0.5));
  CHECK(times[19] == doctest::Approx(10));
  CHECK(times[20] == doctest::Approx(15.1));
  CHECK(times[29] == doctest::Approx(16));
}

TEST_CASE("the words of the process stages are poisson in stages") {
  const std::string stages =
      "stages: [{rate: 20/s, duration: 1000s}, {rate: 5/s, duration: 1000s}]";
  const auto times = times_of("{process: stages, " + stages + "}", 1'000'000);
  CHECK(times == times_of("{" + stages + "}", 1'000'000));
  std::int64_t early = 0;
  for (const double t : times) early += t < 1000 ? 1 : 0;
  // Poisson of mean 20,000 (deviation 141) and 5,000 (71).
  CHECK(std::abs(early - 20'000) < 4 * 141);
  CHECK(std::abs(static_cast<std::int64_t>(times.size()) - early - 5'000) < 4 * 71);
}

TEST_CASE("a ramp over time: where the integral of the rate is k") {
  // Linear 0 to 4/s over 8 s: t^2 / 4 = k, so arrival k comes at 2 sqrt(k); 16 in all.
  const auto linear =
      times_of("{process: constant, stages: [{rate: 0/s, end_rate: 4/s, duration: 8s}]}", 100);
  REQUIRE(linear.size() == 16);
  CHECK(linear[0] == doctest::Approx(2));
  CHECK(linear[8] == doctest::Approx(6));
  CHECK(linear[15] == doctest::Approx(8));
  // 1 to e^2 /s over 2 s is e^t: e^t - 1 = k, so arrival k comes at ln(1 + k); 6 of 6.39.
  const auto exponential = times_of(
      "{process: constant, stages: [{rate: 1/s, end_rate: 7.38905609893065/s, duration: 2s, "
      "shape: exponential}]}",
      100);
  REQUIRE(exponential.size() == 6);
  CHECK(exponential[0] == doctest::Approx(std::log(2.0)));
  CHECK(exponential[5] == doctest::Approx(std::log(7.0)));
}

TEST_CASE("vLLM's ramp: the rate follows the request's number") {
  // 1, 2, 3 /s for the three requests: 1 s, 1/2 s, 1/3 s apart.
  const auto linear =
      times_of("{process: constant, ramp: {shape: linear, from: 1/s, to: 3/s}}", 3, 3);
  CHECK(linear[0] == doctest::Approx(1));
  CHECK(linear[1] == doctest::Approx(1.5));
  CHECK(linear[2] == doctest::Approx(1.5 + 1.0 / 3));
  // 1, 4, 16 /s.
  const auto exponential =
      times_of("{process: constant, ramp: {shape: exponential, from: 1/s, to: 16/s}}", 3, 3);
  CHECK(exponential[2] == doctest::Approx(1 + 0.25 + 0.0625));
}

TEST_CASE("on_off is quiet while off") {
  const auto times = times_of("{process: on_off, rate: 50/s, on: 2s, off: 3s}", 20'000);
  for (const double t : times) CHECK(std::fmod(t, 5.0) <= 2.0 + 1e-9);
  // 100 a cycle of 5 s.
  CHECK(times.back() == doctest::Approx(1000).epsilon(0.03));
  const auto drawn = times_of(
      "{process: on_off, rate: 50/s, off_rate: 5/s, on: 2s, off: 3s, phases: exponential}", 60'000);
  // (2 * 50 + 3 * 5) / 5 = 23 a second; 520 cycles of random length leave about 4 %.
  CHECK(60'000 / drawn.back() == doctest::Approx(23).epsilon(0.12));
}

TEST_CASE("all at once") {
  const auto times = times_of("{process: all_at_once}", 5);
  CHECK(times == std::vector<double>(5, 0.0));
}

TEST_CASE("time ends before it overflows") {
  const auto times = times_of("{process: constant, rate: 6/min}", 2'000'000);
  CHECK(times.size() < 1'000'000);
  CHECK(times.back() <= 9.2e6);
  CHECK(times.back() > 9.19e6);
}

TEST_CASE("a process is told what it needs and nothing else") {
  const auto error = [](const std::string& yaml) {
    try {
      static_cast<void>(options_of(yaml));
      return std::string("no error");
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
  };
  CHECK(error("{process: poisson}").find("arrivals.rate: is needed by process poisson") !=
        std::string::npos);
  CHECK(error("{rate: 0/s}").find("arrivals.rate: must be above 0") != std::string::npos);
  CHECK(error("{process: gamma, rate: 1/s}").find("needs one of burstiness and cv") !=
        std::string::npos);
  CHECK(error("{process: gamma, rate: 1/s, cv: 1, burstiness: 1}").find("needs one of") !=
        std::string::npos);
  CHECK(error("{rate: 1/s, cv: 2}").find("arrivals.cv: means nothing to process poisson") !=
        std::string::npos);
  CHECK(error("{process: stages}").find("arrivals.stages: is needed") != std::string::npos);
  CHECK(error("{process: on_off, rate: 1/s}").find("needs on and off") != std::string::npos);
  CHECK(error("{rate: 1/s, stages: [{rate: 1/s, duration: 1s}]}").find("arrivals.rate: means") !=
        std::string::npos);
  CHECK(error("{stages: [{rate: 1/s, duration: 1s, shape: exponential}]}")
            .find("means nothing without end_rate") != std::string::npos);
  CHECK(error("{process: uniform, rate: 1/s}").find("poisson") != std::string::npos);
}

TEST_CASE("a clock of level segments") {
  int given = 0;
  RateClock clock([&]() -> std::optional<RateSegment> {
    if (given++ >= 2) return {};
    return RateSegment{10, 2.0 * given, 2.0 * given, RampShape::kLinear};
  });
  CHECK(clock.advance(20) == 10.0);
  CHECK(clock.advance(4) == 11.0);
  CHECK(clock.advance(36) == 20.0);
  CHECK_FALSE(clock.advance(1e-9).has_value());
  CHECK_FALSE(clock.advance(1e-9).has_value());
}

}  // namespace
}  // namespace orrery::testing
