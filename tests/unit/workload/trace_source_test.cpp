// SPDX-License-Identifier: Apache-2.0
//
// What options do to the rows of a trace.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

const std::string kHeader = "arrival_s,input_tokens,output_tokens\n";

/// Rows at 0, 1, 2, ... s; the input tells them apart.
std::string ramp(int count) {
  std::string text = kHeader;
  for (int i = 0; i < count; ++i) {
    text += std::to_string(i) + "," + std::to_string(i + 1) + ",10\n";
  }
  return text;
}

std::vector<std::int32_t> inputs_of(const std::vector<Request>& requests) {
  std::vector<std::int32_t> inputs;
  inputs.reserve(requests.size());
  for (const Request& request : requests) inputs.push_back(request.input_tokens);
  return inputs;
}

std::vector<std::int32_t> inputs_of(std::string_view text, const std::string& more) {
  return inputs_of(drain(*open_text("plain", text, more)));
}

TEST_CASE("a window is counted from its start and does not hold its end") {
  auto source = open_text("plain", ramp(10), "start: 3s, duration: 4s");
  const auto requests = drain(*source);
  CHECK(inputs_of(requests) == std::vector<std::int32_t>{4, 5, 6, 7});
  CHECK(requests[0].arrival == Instant());
  CHECK(requests[3].arrival == Instant::at(seconds(3)));
  CHECK(remark_with(*source, "before") == "3 rows before the window's start were left out.");
  CHECK(remark_with(*source, "behind") == "Rows behind the window's end were not read.");
}

TEST_CASE("limit counts requests, rate_scale divides times in one rounding") {
  auto source = open_text("plain", ramp(10), "limit: 3, rate_scale: 3");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].arrival.picoseconds() == 333'333'333'333);
  CHECK(requests[2].arrival.picoseconds() == 666'666'666'667);
  CHECK(source->expected_requests() == 3);
}

TEST_CASE("sampling keeps the same rows whatever else is set, and about as many as asked") {
  const auto some = inputs_of(ramp(4000), "sample: 0.25");
  // Binomial: 1000 expected, standard deviation sqrt(4000 * 0.25 * 0.75) = 27.
  CHECK(some.size() > 1000 - 4 * 27);
  CHECK(some.size() < 1000 + 4 * 27);
  CHECK(inputs_of(ramp(4000), "sample: 0.25, rate_scale: 2") == some);
  std::vector<std::int32_t> late;
  std::copy_if(some.begin(), some.end(), std::back_inserter(late), [](auto x) { return x > 2000; });
  CHECK(inputs_of(ramp(4000), "sample: 0.25, start: 2000s") == late);
}

TEST_CASE("rows out of order are an error that names the first one") {
  const std::string text = kHeader + "0,1,1\n5,2,1\n4,3,1\n";
  CHECK(error_of("plain", text) ==
        "t:4: arrives before the row above it; sort: true orders the rows");
  CHECK(inputs_of(text, "sort: true") == std::vector<std::int32_t>{1, 3, 2});
  CHECK(inputs_of(text, "reorder_window: 1s") == std::vector<std::int32_t>{1, 3, 2});
}

TEST_CASE("a row further back than the window is refused, not replayed late") {
  // When the row at 2 s comes, that at 4 s has been given: the newest is at 5 s, 1 s later.
  const std::string text = kHeader + "0,1,1\n4,2,1\n5,3,1\n6,4,1\n2,5,1\n";
  CHECK(error_of("plain", text, "reorder_window: 1s") ==
        "t:6: arrives more than the reorder window (1 s) before a row above it; sort: true orders "
        "all rows");
}

TEST_CASE("rows of one instant stay in the order of the file") {
  const std::string text = kHeader + "1,1,1\n0,2,1\n1,3,1\n0,4,1\n";
  CHECK(inputs_of(text, "sort: true") == std::vector<std::int32_t>{2, 4, 1, 3});
}

TEST_CASE("jitter spreads a step of the clock evenly and keeps the order of time") {
  std::string text = kHeader;
  for (int i = 0; i < 3000; ++i)
    text += std::to_string(i / 100 * 3) + "," + std::to_string(i + 1) + ",1\n";
  auto still = open_text("plain", text);
  CHECK(drain(*still).size() == 3000);
  CHECK(remark_with(*still, "instants") ==
        "3000 requests arrive at only 30 instants, as the trace's clock has it; `jitter` would "
        "spread them.");

  auto source = open_text("plain", text, "jitter: 3s");
  const auto requests = drain(*source);
  REQUIRE(requests.size() == 3000);
  std::vector<double> offsets;
  Instant before;
  for (const Request& request : requests) {
    CHECK(request.arrival >= before);
    before = request.arrival;
    const std::int32_t recorded = (request.input_tokens - 1) / 100 * 3;
    offsets.push_back(seconds_of(request.arrival) - recorded);
  }
  CHECK(*std::min_element(offsets.begin(), offsets.end()) >= 0);
  CHECK(*std::max_element(offsets.begin(), offsets.end()) < 3);
  // Uniform on [0, 3): mean 1.5 with a standard error of 3 / sqrt(12 * 3000) = 0.016.
  CHECK(mean_of(offsets) == doctest::Approx(1.5).epsilon(0.04));
  CHECK(remark_with(*source, "spread") ==
        "Arrivals are spread evenly over 3 s after the recorded time.");
}

TEST_CASE("the same seed gives the same draws, another one others") {
  const std::string yaml =
      "trace: {format: plain, path: traces/samples/plain.csv, jitter: 3s, sample: 0.5}";
  const auto arrivals = [&](std::uint64_t seed) {
    std::vector<std::int64_t> times;
    for (const Request& r : drain(*open_yaml(yaml, seed))) times.push_back(r.arrival.picoseconds());
    return times;
  };
  CHECK(arrivals(1) == arrivals(1));
  CHECK(arrivals(1) != arrivals(2));
}

TEST_CASE("time beyond 106 days is refused with the way out") {
  const std::string text = kHeader + "0,1,1\n9300000,2,1\n";
  CHECK(error_of("plain", text) ==
        "t:3: arrives more than 106 days after the start, beyond which time is not kept; replay "
        "the trace in windows (start, duration)");
  CHECK(inputs_of(text, "rate_scale: 2") == std::vector<std::int32_t>{1, 2});
  CHECK(inputs_of(text, "start: 1000000s") == std::vector<std::int32_t>{2});
}

std::int32_t max_tokens_of(const std::string& rule, std::string_view text) {
  return drain(*open_text("plain", text, "max_tokens: " + rule))[0].max_tokens;
}

TEST_CASE("what the engine is told of the output") {
  const std::string text = "arrival_s,input_tokens,output_tokens,max_tokens\n0,1,100,300\n";
  CHECK(max_tokens_of("trace", text) == 300);
  CHECK(max_tokens_of("exact", text) == 100);
  CHECK(max_tokens_of("none", text) == 0);
  CHECK(max_tokens_of("{mode: fixed, value: 512}", text) == 512);
  CHECK(max_tokens_of("{mode: factor, factor: 1.255}", text) == 126);  // 125.5 up
}

TEST_CASE("an output longer than max_tokens ends there, and that is said") {
  auto source = open_text("plain", ramp(3), "max_tokens: {mode: fixed, value: 4}");
  for (const Request& request : drain(*source)) {
    CHECK(request.output_tokens == 4);
    CHECK(request.max_tokens == 4);
  }
  CHECK(remark_with(*source, "max_tokens") ==
        "3 outputs are longer than their max_tokens and end there.");
}

TEST_CASE("output lengths scale, but never to nothing") {
  const std::string text = kHeader + "0,1,100\n0,1,1\n";
  const auto requests = drain(*open_text("plain", text, "output_scale: 0.335"));
  CHECK(requests[0].output_tokens == 34);  // 33.5 up
  CHECK(requests[1].output_tokens == 1);
}

TEST_CASE("a process may replace the recorded times") {
  const auto requests =
      drain(*open_text("plain", ramp(3), "arrivals: {process: constant, rate: 2/s}, start: 1s"));
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].input_tokens == 2);
  CHECK(requests[0].arrival == Instant::at(milliseconds(500)));
  CHECK(requests[1].arrival == Instant::at(seconds(1)));
}

const std::string kSessions =
    "arrival_s,input_tokens,output_tokens,session\n"
    "0,100,20,a\n"
    "1,50,5,b\n"
    "2,130,7,a\n"
    "3,90,7,a\n"
    "4,97,3,a\n";

TEST_CASE("turns of a session share nothing unless they are said to") {
  for (const Request& r : drain(*open_text("plain", kSessions))) CHECK(r.prompt.empty());
}

TEST_CASE("a chained turn begins with the session's last prompt and answer") {
  auto source = open_text("plain", kSessions, "sessions: chained");
  const auto requests = drain(*source);
  const auto spans = [&](std::size_t i) {
    std::vector<std::pair<ContentId, std::int32_t>> result;
    for (const ContentSpan& span : requests[i].prompt)
      result.emplace_back(span.content, span.tokens);
    return result;
  };
  using Spans = std::vector<std::pair<ContentId, std::int32_t>>;
  const auto id = [&](std::size_t i) { return requests[i].id; };
  CHECK(spans(0) == Spans{{unique_content(id(0)), 100}});
  CHECK(spans(2) == Spans{{unique_content(id(0)), 100},
                          {generated_content(id(0)), 20},
                          {unique_content(id(2)), 10}});
  // 90 tokens cannot hold 130 + 7: the client dropped the history.
  CHECK(spans(3) == Spans{{unique_content(id(3)), 90}});
  // 97 are exactly the history: no new text.
  CHECK(spans(4) == Spans{{unique_content(id(3)), 90}, {generated_content(id(3)), 7}});
  CHECK(remark_with(*source, "begin with").starts_with("2 turns"));
  CHECK(remark_with(*source, "shorter").starts_with("1 turns"));
}

TEST_CASE("a reader holds no more than its window") {
  // Two million rows, 18 MB of text: the buffer must stay as large as it was at first.
  struct Endless final : ByteSource {
    std::size_t read(std::span<char> buffer) override {
      static constexpr std::string_view kRow = "7,100,10\n";
      std::size_t filled = 0;
      if (!begun) filled = header.copy(buffer.data(), buffer.size());
      begun = true;
      while (rows > 0 && filled + kRow.size() <= buffer.size()) {
        filled += kRow.copy(buffer.data() + filled, kRow.size());
        --rows;
      }
      largest = std::max(largest, buffer.size());
      return filled;
    }
    std::string header = kHeader;
    bool begun = false;
    int rows = 2'000'000;
    std::size_t largest = 0;
  };
  auto bytes = std::make_unique<Endless>();
  Endless& watched = *bytes;
  LineReader lines(std::move(bytes), "t");
  std::int64_t count = 0;
  for (std::string_view line; lines.next(line);) ++count;
  CHECK(count == 2'000'001);
  CHECK(watched.largest <= std::size_t{1} << 18);
}

}  // namespace
}  // namespace orrery::testing
