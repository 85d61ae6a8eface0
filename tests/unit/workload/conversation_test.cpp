// SPDX-License-Identifier: Apache-2.0
//
// Closed loops and conversations: what comes depends on when answers come.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "tests/unit/workload/workload_testing.h"

namespace orrery::testing {
namespace {

const std::string kFixed =
    "input_tokens: {distribution: fixed, value: 100}, "
    "output_tokens: {distribution: fixed, value: 20}";

/// A server that answers each request `service(request)` after it came, however many there are.
/// Hands requests out in order of arrival and answers in order of their ends, as a simulation does.
std::vector<Request> serve(RequestSource& source,
                           const std::function<Duration(const Request&)>& service,
                           const std::function<std::int32_t(const Request&)>& generated = {}) {
  std::vector<Request> seen;
  std::multimap<Instant, std::size_t> ends;
  for (;;) {
    const std::optional<Instant> arrival = source.next_arrival();
    if (!ends.empty() && (!arrival || ends.begin()->first <= *arrival)) {
      const auto [now, index] = *ends.begin();
      ends.erase(ends.begin());
      const Request& request = seen[index];
      source.on_done(request, generated ? generated(request) : request.output_tokens, now);
      continue;
    }
    if (!arrival) return seen;
    Request& request = seen.emplace_back();
    source.pop(request);
    CHECK(request.arrival == *arrival);
    ends.emplace(request.arrival + service(request), seen.size() - 1);
  }
}

Duration ten_seconds(const Request&) { return seconds(10); }

TEST_CASE("a closed loop keeps its clients busy and no more") {
  auto source = open_yaml("closed_loop: {concurrency: 4, requests: 10, " + kFixed + "}");
  CHECK(source->wants_done());
  CHECK(source->expected_requests() == 10);
  const auto requests = serve(*source, ten_seconds);
  REQUIRE(requests.size() == 10);
  // 4 at 0 s, 4 at 10 s, the last 2 at 20 s.
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(requests[i].id == RequestId{static_cast<std::uint32_t>(i)});
    CHECK(requests[i].arrival == Instant::at(seconds(static_cast<std::int64_t>(i / 4) * 10)));
  }
}

TEST_CASE("nothing comes before an answer") {
  auto source =
      open_yaml("closed_loop: {concurrency: 1, requests: 2, think_time: 3s, " + kFixed + "}");
  Request request;
  REQUIRE(source->next_arrival() == Instant());
  source->pop(request);
  CHECK_FALSE(source->next_arrival().has_value());
  source->on_done(request, 20, Instant::at(seconds(5)));
  CHECK(source->next_arrival() == Instant::at(seconds(8)));
  source->pop(request);
  source->on_done(request, 20, Instant::at(seconds(9)));
  CHECK_FALSE(source->next_arrival().has_value());
}

TEST_CASE("clients may begin spread out, and think for exponential times") {
  auto source =
      open_yaml("closed_loop: {concurrency: 4, requests: 4, ramp_up: 8s, " + kFixed + "}");
  const auto spread = serve(*source, ten_seconds);
  REQUIRE(spread.size() == 4);
  CHECK(spread[3].arrival == Instant::at(seconds(6)));

  source = open_yaml(
      "closed_loop: {concurrency: 1, requests: 4000, think_time: 2s, "
      "think_time_distribution: exponential, " +
      kFixed + "}");
  const auto thinking = serve(*source, [](const Request&) { return Duration(); });
  // 3999 pauses of mean 2 s: 8000 s, standard error 1.6 %.
  CHECK(seconds_of(thinking.back().arrival) == doctest::Approx(8000).epsilon(0.06));
}

TEST_CASE("more clients than requests") {
  auto source = open_yaml("closed_loop: {concurrency: 64, requests: 3, " + kFixed + "}");
  CHECK(serve(*source, ten_seconds).size() == 3);
}

TEST_CASE("two servers see the same requests in a closed loop, however fast they are") {
  const std::string yaml =
      "closed_loop: {concurrency: 3, requests: 100, "
      "input_tokens: {distribution: lognormal, mean: 1000, cv: 1}, "
      "output_tokens: {distribution: lognormal, mean: 100, cv: 1}}";
  const auto slow = serve(*open_yaml(yaml), ten_seconds);
  const auto fast = serve(*open_yaml(yaml),
                          [](const Request& r) { return milliseconds(r.output_tokens % 7 + 1); });
  REQUIRE(slow.size() == fast.size());
  for (std::size_t i = 0; i < slow.size(); ++i) {
    CHECK(slow[i].input_tokens == fast[i].input_tokens);
    CHECK(slow[i].output_tokens == fast[i].output_tokens);
  }
}

std::map<std::size_t, std::vector<Request>> by_session(const std::vector<Request>& requests) {
  std::map<std::size_t, std::vector<Request>> sessions;
  for (const Request& request : requests) sessions[index_of(request.session)].push_back(request);
  return sessions;
}

/// The prompt of `next` is that of `last`, then `generated` tokens of its answer, then new text.
void check_follows(const Request& last, const Request& next, std::int32_t generated,
                   std::int32_t fresh) {
  REQUIRE(next.prompt.size() == last.prompt.size() + 2);
  for (std::size_t i = 0; i < last.prompt.size(); ++i) {
    CHECK(next.prompt[i].content == last.prompt[i].content);
    CHECK(next.prompt[i].tokens == last.prompt[i].tokens);
  }
  const ContentSpan& answer = next.prompt[last.prompt.size()];
  CHECK(answer.content == generated_content(last.id));
  CHECK(answer.tokens == generated);
  CHECK(next.prompt.back().content == unique_content(next.id));
  CHECK(next.prompt.back().tokens == fresh);
  CHECK(next.input_tokens == last.input_tokens + generated + fresh);
}

TEST_CASE("a turn comes a think time after the answer, with what was really generated") {
  auto source =
      open_yaml("synthetic: {arrivals: {process: constant, rate: 1/min}, requests: 9, " + kFixed +
                ", sessions: {turns: {distribution: fixed, value: 3}, think_time: 5s, "
                "next_input_tokens: {distribution: fixed, value: 7}}}");
  CHECK(source->wants_done());
  // The engine ends each answer after 15 of 20 tokens.
  const auto requests = serve(*source, ten_seconds, [](const Request&) { return 15; });
  REQUIRE(requests.size() == 9);
  const auto sessions = by_session(requests);
  REQUIRE(sessions.size() == 3);
  for (const auto& [session, turns] : sessions) {
    REQUIRE(turns.size() == 3);
    CHECK(turns[0].prompt.size() == 1);
    CHECK(turns[0].prompt[0].content == unique_content(turns[0].id));
    for (std::size_t i = 1; i < 3; ++i) {
      CHECK(turns[i].arrival == turns[i - 1].arrival + seconds(15));
      check_follows(turns[i - 1], turns[i], 15, 7);
    }
  }
}

TEST_CASE("conversations in a closed loop: one after the other for each client") {
  auto source = open_yaml("closed_loop: {concurrency: 2, requests: 8, think_time: 100s, " + kFixed +
                          ", sessions: {turns: {distribution: fixed, value: 2}, think_time: 5s}}");
  const auto requests = serve(*source, ten_seconds);
  REQUIRE(requests.size() == 8);
  const auto sessions = by_session(requests);
  REQUIRE(sessions.size() == 4);
  // Turns at 0 and 15 s, over at 25 s; the next conversation 100 s later.
  CHECK(sessions.at(0)[1].arrival == Instant::at(seconds(15)));
  CHECK(sessions.at(2)[0].arrival == Instant::at(seconds(125)));
}

TEST_CASE("which turns there are does not depend on who is served first") {
  const std::string yaml =
      "closed_loop: {concurrency: 3, requests: 200, "
      "input_tokens: {distribution: uniform, min: 10, max: 500}, "
      "output_tokens: {distribution: uniform, min: 10, max: 500}, "
      "sessions: {turns: {distribution: uniform, min: 1, max: 6}, think_time: 1s}}";
  const auto one = by_session(serve(*open_yaml(yaml), ten_seconds));
  const auto other = by_session(serve(*open_yaml(yaml), [](const Request& r) {
    return milliseconds(1 + (r.output_tokens * 7919) % 50'000);
  }));
  REQUIRE(one.size() == other.size());
  std::size_t all = 0;
  for (const auto& [session, turns] : one) {
    const auto& same = other.at(session);
    REQUIRE(turns.size() == same.size());
    all += turns.size();
    for (std::size_t i = 0; i < turns.size(); ++i) {
      CHECK(turns[i].input_tokens == same[i].input_tokens);
      CHECK(turns[i].output_tokens == same[i].output_tokens);
    }
  }
  CHECK(all == 200);
}

TEST_CASE("a conversation ends before it passes max_context") {
  // 100 + 20, then 100 + 20 + 100 + 20 = 240, then 360: the third turn would pass 300.
  auto source =
      open_yaml("closed_loop: {concurrency: 1, requests: 10, " + kFixed +
                ", sessions: {turns: {distribution: fixed, value: 5}, max_context: 300}}");
  const auto requests = serve(*source, ten_seconds);
  CHECK(requests.size() == 4);
  CHECK(remark_with(*source, "max_context") == "2 conversations ended early, at max_context.");
}

TEST_CASE("a refused turn ends its conversation, and the client goes on") {
  auto source = open_yaml("closed_loop: {concurrency: 1, requests: 6, " + kFixed +
                          ", sessions: {turns: {distribution: fixed, value: 3}}}");
  const auto requests = serve(*source, ten_seconds, [](const Request& r) {
    return r.id == RequestId{1} ? 0 : r.output_tokens;
  });
  // 2 turns, then 3 of the second conversation.
  CHECK(requests.size() == 5);
  CHECK(remark_with(*source, "no answer").starts_with("1 conversations ended early"));
}

TEST_CASE("arrivals never go back, even where the caller runs ahead of the answers") {
  auto source = open_yaml("synthetic: {arrivals: {process: constant, rate: 1/s}, requests: 20, " +
                          kFixed + ", sessions: {turns: {distribution: fixed, value: 2}}}");
  std::vector<Request> requests(11);
  for (int i = 0; i < 10; ++i) source->pop(requests[static_cast<std::size_t>(i)]);
  source->on_done(requests[0], 20, Instant::at(seconds(2)));
  CHECK(source->next_arrival() == requests[9].arrival);
}

}  // namespace
}  // namespace orrery::testing
