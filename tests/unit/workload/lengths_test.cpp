// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/lengths.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/random.h"
#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

LengthOptions options_of(const std::string& yaml) {
  LengthOptions options;
  read(parse_yaml(yaml, "s.yaml"), options, "input_tokens");
  return options;
}

std::vector<double> draws_of(const std::string& yaml, int count) {
  const auto lengths = make_lengths(options_of(yaml), ORRERY_SOURCE_DIR);
  RandomStream random(1, "test", "lengths");
  std::vector<double> draws;
  draws.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) draws.push_back(lengths->at(random.normal()));
  return draws;
}

TEST_CASE("the share of the normal distribution below a score") {
  // Abramowitz and Stegun, table 26.1.
  CHECK(normal_share_below(0) == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(normal_share_below(1) == doctest::Approx(0.841344746068543).epsilon(1e-13));
  CHECK(normal_share_below(-1) == doctest::Approx(0.158655253931457).epsilon(1e-13));
  CHECK(normal_share_below(-3) == doctest::Approx(0.001349898031630).epsilon(1e-10));
  CHECK(normal_share_below(-8) == doctest::Approx(6.22096057427e-16).epsilon(1e-6));
  CHECK(normal_share_below(-40) == 0);
  CHECK(normal_share_below(40) == 1);
}

TEST_CASE("fixed") {
  for (const double x : draws_of("{distribution: fixed, value: 248}", 10)) CHECK(x == 248);
}

TEST_CASE("uniform holds both ends, each as often as the rest") {
  const auto draws = draws_of("{distribution: uniform, min: 3, max: 7}", 50'000);
  for (int value = 3; value <= 7; ++value) {
    // 10,000 each, deviation sqrt(50000 * 0.2 * 0.8) = 89.
    CHECK(std::abs(std::count(draws.begin(), draws.end(), value) - 10'000) < 4 * 89);
  }
}

TEST_CASE("lognormal by its mean and coefficient of variation") {
  const auto draws = draws_of("{distribution: lognormal, mean: 1000, cv: 0.8}", 100'000);
  CHECK(mean_of(draws) == doctest::Approx(1000).epsilon(0.01));
  CHECK(deviation_of(draws) / mean_of(draws) == doctest::Approx(0.8).epsilon(0.03));
  // The median of a lognormal is mean / sqrt(1 + cv^2) = 780.9.
  auto sorted = draws;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted[50'000] == doctest::Approx(780.9).epsilon(0.01));
}

TEST_CASE("lognormal keeps to its limits") {
  const auto draws =
      draws_of("{distribution: lognormal, mean: 100, cv: 3, min: 10, max: 500}", 10'000);
  CHECK(*std::min_element(draws.begin(), draws.end()) == 10);
  CHECK(*std::max_element(draws.begin(), draws.end()) == 500);
}

TEST_CASE("zipf: rank r has a share proportional to r^-exponent") {
  const auto draws = draws_of("{distribution: zipf, min: 5, max: 8, exponent: 1}", 50'000);
  const double all = 1 + 1.0 / 2 + 1.0 / 3 + 1.0 / 4;
  for (int rank = 1; rank <= 4; ++rank) {
    const double share = 1 / (rank * all);
    const auto count = static_cast<double>(std::count(draws.begin(), draws.end(), 4 + rank));
    CHECK(std::fabs(count / 50'000 - share) < 4 * std::sqrt(share * (1 - share) / 50'000));
  }
}

TEST_CASE("empirical draws what the file has") {
  const std::string path = "path: traces/samples/lengths.csv";
  const auto inputs = draws_of("{distribution: empirical, " + path + "}", 50'000);
  const auto outputs =
      draws_of("{distribution: empirical, column: output_tokens, " + path + "}", 50'000);
  std::vector<double> file_inputs;
  std::vector<double> file_outputs;
  const auto file = std::filesystem::path(ORRERY_SOURCE_DIR) / "traces/samples/lengths.csv";
  for (const LengthPair& pair : read_length_pairs(file, lengths_format())) {
    file_inputs.push_back(pair.input);
    file_outputs.push_back(pair.output);
  }
  CHECK(mean_of(inputs) == doctest::Approx(mean_of(file_inputs)).epsilon(0.02));
  CHECK(deviation_of(inputs) == doctest::Approx(deviation_of(file_inputs)).epsilon(0.03));
  CHECK(mean_of(outputs) == doctest::Approx(mean_of(file_outputs)).epsilon(0.02));
  for (int i = 0; i < 100; ++i) {
    CHECK(std::find(file_inputs.begin(), file_inputs.end(), inputs[static_cast<std::size_t>(i)]) !=
          file_inputs.end());
  }
}

TEST_CASE("empirical reads any trace format") {
  const auto draws = draws_of(
      "{distribution: empirical, format: azure, path: traces/samples/azure-like.csv}", 1000);
  CHECK(mean_of(draws) == doctest::Approx(1171).epsilon(0.15));
}

TEST_CASE("a distribution is told what it needs and nothing else") {
  const auto error = [](const std::string& yaml) {
    try {
      static_cast<void>(options_of(yaml));
      return std::string("no error");
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
  };
  const auto has = [&](const std::string& yaml, const std::string& text) {
    const std::string got = error(yaml);
    CHECK_MESSAGE(got.find(text) != std::string::npos, got);
  };
  has("{value: 3}", "input_tokens.distribution");
  has("{distribution: fixed}", "input_tokens.value: is needed by distribution fixed");
  has("{distribution: fixed, value: 0}", "must be at least 1");
  has("{distribution: uniform, min: 5}", "input_tokens.max: is needed by distribution uniform");
  has("{distribution: uniform, min: 5, max: 4}", "input_tokens.max: is below min");
  has("{distribution: lognormal, mean: 5}", "input_tokens.cv: is needed");
  has("{distribution: lognormal, mean: 0, cv: 1}", "input_tokens.mean: must be 1 to 2^30");
  has("{distribution: fixed, value: 1, mean: 2}", "means nothing to distribution fixed");
  has("{distribution: zipf, max: 5}", "input_tokens.exponent: is needed");
  has("{distribution: zipf, max: 5000000, exponent: 1}", "more than 2^22");
  has("{distribution: empirical}", "input_tokens.path: is needed");
}

}  // namespace
}  // namespace orrery::testing
