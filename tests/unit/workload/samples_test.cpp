// SPDX-License-Identifier: Apache-2.0
//
// The samples that this tree ships: each reads as its format, and has the shape it claims.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

struct Sample {
  const char* format;
  const char* file;
  const char* more;
  std::size_t requests;
};

constexpr Sample kSamples[] = {
    {"azure", "azure-like.csv", "", 2000},
    {"burstgpt", "burstgpt-like.csv.gz", "", 380},  // 400 rows, each twentieth failed
    {"mooncake", "mooncake-like.jsonl.zst", "", 600},
    {"timed-trace", "timed-trace-like.jsonl.gz", "", 52},
    {"bench-requests", "bench-requests-like.jsonl", "", 100},
    {"block-ids", "block-ids-like.jsonl.gz", "", 44},
    {"plain", "plain.csv", "", 300},
    {"lengths", "lengths.csv", ", arrivals: {rate: 2/s}", 500},
};

std::unique_ptr<RequestSource> open_sample(const Sample& sample) {
  return open_yaml(std::string("trace: {format: ") + sample.format + ", path: traces/samples/" +
                   sample.file + sample.more + "}");
}

TEST_CASE("there is one sample of each format, and they are small") {
  const std::filesystem::path folder = std::filesystem::path(ORRERY_SOURCE_DIR) / "traces/samples";
  std::size_t files = 0;
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    bytes += entry.file_size();
  }
  CHECK(files == std::size(kSamples));
  CHECK(files == trace_formats().size());
  CHECK(bytes < 300'000);
}

TEST_CASE("each sample gives its requests in order, with prompts that add up") {
  for (const Sample& sample : kSamples) {
    CAPTURE(sample.file);
    const auto requests = drain(*open_sample(sample));
    CHECK(requests.size() == sample.requests);
    Instant before;
    for (const Request& request : requests) {
      CHECK(request.arrival >= before);
      before = request.arrival;
      std::int64_t prompt = 0;
      for (const ContentSpan& span : request.prompt) prompt += span.tokens;
      CHECK((request.prompt.empty() || prompt == request.input_tokens));
    }
  }
}

TEST_CASE("the azure-like sample resembles a conversation service") {
  const auto requests = drain(*open_sample(kSamples[0]));
  std::vector<double> gaps;
  std::vector<double> inputs;
  std::vector<double> outputs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    inputs.push_back(requests[i].input_tokens);
    outputs.push_back(requests[i].output_tokens);
    if (i > 0)
      gaps.push_back(seconds_of(requests[i].arrival) - seconds_of(requests[i - 1].arrival));
  }
  // 4 a second, Poisson: gaps of mean 0.25 s and a coefficient of variation of 1; 2000 of them
  // leave 2.2 % on the mean.
  CHECK(mean_of(gaps) == doctest::Approx(0.25).epsilon(0.07));
  CHECK(deviation_of(gaps) / mean_of(gaps) == doctest::Approx(1).epsilon(0.1));
  // Median 850 and sigma 0.8 have the mean 850 exp(0.32) = 1171.
  CHECK(mean_of(inputs) == doctest::Approx(1171).epsilon(0.08));
  CHECK(mean_of(outputs) == doctest::Approx(215).epsilon(0.08));
}

TEST_CASE("samples with blocks repeat some of them") {
  for (const std::size_t i : {std::size_t{2}, std::size_t{3}, std::size_t{5}}) {
    const auto requests = drain(*open_sample(kSamples[i]));
    const ContentId system_prompt = requests[0].prompt[0].content;
    for (const Request& request : requests) CHECK(request.prompt[0].content == system_prompt);
  }
}

}  // namespace
}  // namespace orrery::testing
