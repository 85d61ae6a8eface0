// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

const std::string kFixed =
    "input_tokens: {distribution: fixed, value: 100}, "
    "output_tokens: {distribution: fixed, value: 20}";
const std::string kSpread =
    "input_tokens: {distribution: lognormal, mean: 1000, cv: 1}, "
    "output_tokens: {distribution: lognormal, mean: 200, cv: 1}";

std::string synthetic(const std::string& rest, int requests = 1000) {
  return "synthetic: {arrivals: {rate: 4/s}, requests: " + std::to_string(requests) + ", " + rest +
         "}";
}

bool same(const Request& a, const Request& b) {
  return a.id == b.id && a.arrival == b.arrival && a.input_tokens == b.input_tokens &&
         a.output_tokens == b.output_tokens && a.prompt.size() == b.prompt.size();
}

TEST_CASE("the example of the design, word for word") {
  const auto requests = drain(*open_yaml(R"(
synthetic:
  arrivals: {process: poisson, rate: 2/s}
  input_tokens: {distribution: uniform, min: 100, max: 200}
  output_tokens: {distribution: fixed, value: 248}
  shared_prefix: {groups: 11, tokens: 100, prompts_per_group: 4}
  requests: 10000
)"));
  REQUIRE(requests.size() == 10'000);
  std::set<ContentId> prefixes;
  std::set<ContentId> prompts;
  for (const Request& request : requests) {
    REQUIRE(request.prompt.size() == 2);
    CHECK(request.prompt[0].tokens == 100);
    CHECK(request.prompt[1].tokens >= 100);  // input_tokens counts what is behind the prefix
    CHECK(request.prompt[1].tokens <= 200);
    CHECK(request.input_tokens == 100 + request.prompt[1].tokens);
    CHECK(request.output_tokens == 248);
    CHECK(request.max_tokens == 248);
    CHECK(request.session == kNoSession);
    prefixes.insert(request.prompt[0].content);
    prompts.insert(request.prompt[1].content);
  }
  CHECK(prefixes.size() == 11);
  CHECK(prompts.size() == 44);
  // 2 a second: the last of 10,000 comes at 5000 s, give or take 1 %.
  CHECK(seconds_of(requests.back().arrival) == doctest::Approx(5000).epsilon(0.04));
}

TEST_CASE("the same seed gives the same requests, another one others") {
  const auto once = drain(*open_yaml(synthetic(kSpread), 7));
  const auto again = drain(*open_yaml(synthetic(kSpread), 7));
  const auto other = drain(*open_yaml(synthetic(kSpread), 8));
  REQUIRE(once.size() == 1000);
  CHECK(std::equal(once.begin(), once.end(), again.begin(), again.end(), same));
  CHECK_FALSE(same(once[0], other[0]));
}

TEST_CASE("what arrivals are does not change what requests are") {
  const auto at = drain(*open_yaml(synthetic(kSpread)));
  const auto burst = drain(
      *open_yaml("synthetic: {arrivals: {process: all_at_once}, requests: 1000, " + kSpread + "}"));
  for (std::size_t i = 0; i < at.size(); ++i) CHECK(at[i].output_tokens == burst[i].output_tokens);
}

double score_correlation(const std::vector<Request>& requests) {
  std::vector<double> x;
  std::vector<double> y;
  // The logarithm of a lognormal is normal, so this is the correlation of the scores.
  for (const Request& request : requests) {
    x.push_back(std::log(request.input_tokens));
    y.push_back(std::log(request.output_tokens));
  }
  double sum = 0;
  const double mx = mean_of(x);
  const double my = mean_of(y);
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - mx) * (y[i] - my);
  return sum / static_cast<double>(x.size()) / (deviation_of(x) * deviation_of(y));
}

TEST_CASE("correlation of input and output is that of their normal scores") {
  for (const double rho : {-0.5, 0.0, 0.8}) {
    const auto requests =
        drain(*open_yaml(synthetic(kSpread + ", correlation: " + std::to_string(rho), 20'000)));
    // The standard error of a correlation over 20,000 is below 0.007.
    CHECK(std::fabs(score_correlation(requests) - rho) < 0.03);
  }
}

TEST_CASE("length_pairs keep the rows of their file together") {
  const auto requests =
      drain(*open_yaml("synthetic: {arrivals: {rate: 4/s}, requests: 2000, "
                       "length_pairs: {path: traces/samples/lengths.csv}}"));
  std::set<std::pair<int, int>> pairs;
  const auto file = std::filesystem::path(ORRERY_SOURCE_DIR) / "traces/samples/lengths.csv";
  for (const LengthPair& p : read_length_pairs(file, lengths_format()))
    pairs.insert({p.input, p.output});
  std::set<std::pair<int, int>> seen;
  for (const Request& r : requests) {
    seen.insert({r.input_tokens, r.output_tokens});
    CHECK(pairs.contains({r.input_tokens, r.output_tokens}));
  }
  // 2000 draws from 500 rows miss a row with probability e^-4.
  CHECK(seen.size() > 450);
}

TEST_CASE("repeated prompts: in circles, each as long as before") {
  const auto requests =
      drain(*open_yaml(synthetic("input_tokens: {distribution: uniform, min: 1, max: 1000}, "
                                 "output_tokens: {distribution: uniform, min: 1, max: 1000}, "
                                 "shared_prefix: {groups: 3, tokens: 0, prompts_per_group: 2}",
                                 600)));
  std::map<ContentId, std::set<std::int32_t>> lengths;
  std::set<std::int32_t> outputs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(requests[i].prompt.size() == 1);
    lengths[requests[i].prompt[0].content].insert(requests[i].input_tokens);
    outputs.insert(requests[i].output_tokens);
    // Shuffled once, then in circles of 6.
    CHECK(requests[i].prompt[0].content == requests[i % 6].prompt[0].content);
  }
  CHECK(lengths.size() == 6);
  for (const auto& prompt : lengths) CHECK(prompt.second.size() == 1);
  CHECK(outputs.size() > 100);
}

TEST_CASE("groups in circles and at random; text behind the prefix is the request's own") {
  const auto circles = drain(*open_yaml(
      synthetic(kFixed + ", shared_prefix: {groups: 4, tokens: 50, order: round_robin}", 400)));
  std::set<ContentId> own;
  for (std::size_t i = 0; i < circles.size(); ++i) {
    CHECK(circles[i].prompt[0].content == circles[i % 4].prompt[0].content);
    own.insert(circles[i].prompt[1].content);
  }
  CHECK(own.size() == 400);
  const auto random = drain(*open_yaml(
      synthetic(kFixed + ", shared_prefix: {groups: 4, tokens: 50, order: random}", 4000)));
  std::map<ContentId, int> counts;
  for (const Request& request : random) ++counts[request.prompt[0].content];
  CHECK(counts.size() == 4);
  // 1000 each, deviation 27.
  for (const auto& group : counts) CHECK(std::abs(group.second - 1000) < 4 * 28);
}

TEST_CASE("a duration ends the arrivals, stages end by themselves") {
  const auto timed = drain(*open_yaml(
      "synthetic: {arrivals: {process: constant, rate: 4/s}, duration: 10s, " + kFixed + "}"));
  // The arrival at 10 s itself is behind the end.
  CHECK(timed.size() == 39);
  auto staged = open_yaml(
      "synthetic: {arrivals: {process: constant, stages: [{rate: 4/s, duration: 10s}]}, "
      "requests: 100, " +
      kFixed + "}");
  CHECK(drain(*staged).size() == 40);
  CHECK(remark_with(*staged, "ended") ==
        "Arrivals ended after 40 of 100 requests, with the duration or the stages.");
}

TEST_CASE("an open loop without sessions needs no word of ends") {
  const auto source = open_yaml(synthetic(kFixed));
  CHECK_FALSE(source->wants_done());
  CHECK(source->expected_requests() == 1000);
  CHECK(source->remarks().empty());
}

TEST_CASE("options that do not make a workload") {
  const auto has = [](const std::string& yaml, const std::string& text) {
    const std::string got = config_error_of(yaml);
    CHECK_MESSAGE(got.find(text) != std::string::npos, got);
  };
  const std::string trace = "trace: {format: plain, path: t}";
  has("{}", "needs exactly one of trace, synthetic, closed_loop");
  has(trace + "\nsynthetic: {arrivals: {rate: 1/s}, requests: 1, " + kFixed + "}",
      "needs exactly one of trace, synthetic, closed_loop");
  has("trace: {format: azur, path: t}", "did you mean azure?");
  has("trace: {format: azure}", "workload.trace.path");
  has("trace: {format: azure, path: t, sec_multiplier: 2}", "is for format timed-trace only");
  has("trace: {format: azure, path: t, sessions: chained}", "plain, burstgpt");
  has("trace: {format: azure, path: t, model: GPT-4}", "is for format burstgpt only");
  has("trace: {format: lengths, path: t}", "workload.trace.arrivals: is needed");
  has("trace: {format: lengths, path: t, start: 1s, arrivals: {rate: 1/s}}", "has no times");
  has("trace: {format: azure, path: t, jitter: 1s, arrivals: {rate: 1/s}}", "means nothing");
  has("trace: {format: azure, path: t, arrivals: {rate: 1/s, rescale: true}}", "beforehand");
  has("trace: {format: azure, path: t, rate_scale: 0}", "workload.trace.rate_scale");
  has("trace: {format: azure, path: t, max_tokens: fixed}", "is needed by mode fixed");
  has("trace: {format: azure, path: t, max_tokens: {mode: exact, value: 3}}",
      "only for mode fixed");
  has("trace: {format: azure, path: t, sort: true, reorder_window: 1s}", "means nothing with sort");
  has("synthetic: {arrivals: {rate: 1/s}, " + kFixed + "}", "the arrivals have no end");
  has("synthetic: {arrivals: {rate: 1/s}, requests: 1}",
      "workload.synthetic.input_tokens: is needed");
  has("synthetic: {requests: 1, " + kFixed + "}", "workload.synthetic.arrivals");
  has("synthetic: {arrivals: {process: all_at_once}, duration: 1s, " + kFixed + "}",
      "is needed by process all_at_once");
  has("synthetic: {arrivals: {rate: 1/s, rescale: true}, duration: 1s, " + kFixed + "}",
      "is needed by rescale and ramp");
  has("synthetic: {arrivals: {rate: 1/s}, requests: 1, length_pairs: {path: t}, correlation: 0.5}",
      "means nothing beside length_pairs");
  has("closed_loop: {concurrency: 0, requests: 1, " + kFixed + "}",
      "workload.closed_loop.concurrency");
}

TEST_CASE("a missing trace is a trace error") {
  CHECK_THROWS_AS(static_cast<void>(open_yaml("trace: {format: plain, path: no/such.csv}")),
                  TraceError);
}

}  // namespace
}  // namespace orrery::testing
