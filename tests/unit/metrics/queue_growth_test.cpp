// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/queue_growth.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sim/core/random.h"
#include "tests/unit/metrics/records.h"

namespace orrery {
namespace {

using testing::finished_request;
using testing::Life;

/// One server, `service` each, first come first served: stable if arrivals are slower. `cv` 1 is
/// Poisson; above, gamma gaps come in bursts.
struct SingleServer {
  double arrivals_per_s = 0;
  Duration service;
  int requests = 0;
  double cv = 1;
};

std::optional<QueueTrend> trend_of(const SingleServer& system, std::uint64_t seed) {
  RandomStream random(seed, "queue_growth_test", "arrivals");
  QueueGrowth queue;
  const double shape = 1 / (system.cv * system.cv);
  double clock = 0;
  Instant free;
  for (int i = 0; i < system.requests; ++i) {
    clock += random.gamma(shape) / shape / system.arrivals_per_s;
    const Instant sent = Instant::at(round_up_to_duration(clock));
    const Instant begin = std::max(sent, free);
    free = begin + system.service;
    queue.add(finished_request(static_cast<std::uint32_t>(i), Life{sent, begin, free, free}));
  }
  return queue.trend();
}

int saturated_of_40(const SingleServer& system) {
  int saturated = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) saturated += trend_of(system, seed)->saturated;
  return saturated;
}

TEST_CASE("queue growth: a server at 80 % is stable, for short and long traces and in bursts") {
  const Duration service = milliseconds(80);
  CHECK(saturated_of_40({10, service, 200}) == 0);
  CHECK(saturated_of_40({10, service, 2'000}) == 0);
  CHECK(saturated_of_40({10, service, 10'000}) == 0);
  CHECK(saturated_of_40({10, service, 10'000, 2}) == 0);
}

TEST_CASE("queue growth: a server at 125 % is saturated") {
  const Duration service = milliseconds(125);
  CHECK(saturated_of_40({10, service, 2'000}) == 40);
  CHECK(saturated_of_40({10, service, 10'000, 2}) == 40);
  // 10/s come and 8/s go, so 2/s stay; the noise of 5000 Poisson arrivals in 500 s is 0.14/s.
  const auto trend = trend_of({10, service, 10'000}, 1);
  CHECK(trend->saturated);
  CHECK(trend->growth_per_s == doctest::Approx(2.0).epsilon(0.25));
  CHECK(trend->sent_per_s == doctest::Approx(10.0).epsilon(0.05));
}

TEST_CASE("queue growth: the exact slope of a queue without noise") {
  // One each 100 ms; each waits a tenth of the time since the start: Q(t) = t (1 - 1 / 1.1) 10/s,
  // so 10/11 a second.
  QueueGrowth queue;
  for (int i = 0; i < 5'000; ++i) {
    const Duration since = milliseconds(100) * i;
    const Instant begin = Instant::at(since + Duration(since.count() / 10));
    queue.add(finished_request(static_cast<std::uint32_t>(i),
                               Life{Instant::at(since), begin, begin, begin}));
  }
  const auto trend = queue.trend();
  REQUIRE(trend);
  CHECK(trend->saturated);
  CHECK(trend->growth_per_s == doctest::Approx(10.0 / 11).epsilon(0.01));
}

TEST_CASE("queue growth: a batch that fills up is no queue") {
  // 10/s come, each begins at once and runs for 1000 s: what runs grows all along, nobody waits.
  QueueGrowth queue;
  for (int i = 0; i < 1'000; ++i) {
    const Instant sent = Instant::at(milliseconds(100) * i);
    queue.add(finished_request(static_cast<std::uint32_t>(i),
                               Life{sent, sent, sent + seconds(1), sent + seconds(1000)}));
  }
  REQUIRE(queue.trend());
  CHECK_FALSE(queue.trend()->saturated);
  CHECK(queue.trend()->growth_per_s == 0);
}

TEST_CASE("queue growth: a frontend that streams ever later is a queue") {
  // The engine serves at once; the client has the last token 20 % of the elapsed time later.
  QueueGrowth queue;
  for (int i = 0; i < 1'000; ++i) {
    const Duration since = milliseconds(100) * i;
    const Instant sent = Instant::at(since);
    RequestRecord record = finished_request(static_cast<std::uint32_t>(i),
                                            Life{sent, sent, sent + seconds(1), sent + seconds(1)});
    record.client_last_token = record.last_token + Duration(since.count() / 5);
    queue.add(record);
  }
  CHECK(queue.trend()->saturated);
}

TEST_CASE("queue growth: requests that never got in wait to the end") {
  QueueGrowth queue;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const Instant sent = Instant::at(milliseconds(100) * i);
    queue.add(i % 2 == 0 ? testing::sent_request(i, sent)
                         : finished_request(i, Life{sent, sent, sent, sent}));
  }
  CHECK(queue.trend()->saturated);
  CHECK(queue.trend()->growth_per_s == doctest::Approx(5).epsilon(0.01));  // every second of 10/s
}

TEST_CASE("queue growth: a rush in the middle that drains, and refused requests, are not growth") {
  QueueGrowth queue;
  Instant free;
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    // 40/s for 25 s from 25 s on, else 10/s; the server does 20/s.
    const double t = i < 250 ? i * 0.1 : i < 1250 ? 25 + (i - 250) * 0.025 : 50 + (i - 1250) * 0.1;
    const Instant sent = Instant::at(round_up_to_duration(t));
    const Instant begin = std::max(sent, free);
    free = begin + milliseconds(50);
    queue.add(finished_request(2 * i, Life{sent, begin, free, free}));
    RequestRecord refused = testing::sent_request(2 * i + 1, sent);
    refused.status = RequestStatus::kRejected;
    queue.add(refused);
  }
  CHECK_FALSE(queue.trend()->saturated);
  CHECK(queue.trend()->growth_per_s < 0);
}

TEST_CASE("queue growth: all at once has no trend") {
  QueueGrowth queue;
  CHECK_FALSE(queue.trend());
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const Instant done = Instant::at(seconds(i));
    queue.add(finished_request(i, Life{Instant(), done, done, done}));
  }
  CHECK_FALSE(queue.trend());
}

}  // namespace
}  // namespace orrery
