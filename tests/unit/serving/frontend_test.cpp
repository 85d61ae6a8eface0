// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/frontend.h"

#include <doctest/doctest.h>

namespace orrery {
namespace {

Instant us(std::int64_t n) { return Instant::at(microseconds(n)); }

TEST_CASE("arrivals and outputs queue for one process") {
  // 100 us a request and 1 us a prompt token; 50 us a step and 10 us a token sent.
  Frontend frontend({.per_request = microseconds(100),
                     .per_input_token = microseconds(1),
                     .per_step = microseconds(50),
                     .per_output_token = microseconds(10)});
  CHECK(frontend.accept(us(1'000), 200) == us(1'300));
  // It comes while the first is being tokenised: 1300 + 100 + 20.
  CHECK(frontend.accept(us(1'100), 20) == us(1'420));
  // A step's three tokens wait for that, and are all seen when the last is done: 1420 + 50 + 30.
  CHECK(frontend.deliver(us(1'200), 3) == us(1'500));
  // A step without tokens is not heard of at all, not even while the process is busy.
  CHECK(frontend.deliver(us(1'450), 0) == us(1'450));
  // Idle in between.
  CHECK(frontend.deliver(us(5'000), 1) == us(5'060));
  // 300 + 120 + 80 + 60.
  CHECK(frontend.busy() == microseconds(560));
}

TEST_CASE("a frontend that costs nothing is not there") {
  Frontend frontend{FrontendOptions()};
  CHECK(frontend.accept(us(7), 100'000) == us(7));
  CHECK(frontend.deliver(us(9), 1'000) == us(9));
  CHECK(frontend.accept(us(9), 1) == us(9));
  CHECK(frontend.busy() == Duration());
}

TEST_CASE("a slower host's frontend takes as many times as long") {
  const FrontendOptions options{microseconds(3'000), microseconds(4), microseconds(50),
                                microseconds(20)};
  const FrontendOptions slower = options.scaled(1.5);
  CHECK(slower.per_request == microseconds(4'500));
  CHECK(slower.per_input_token == microseconds(6));
  CHECK(slower.per_step == microseconds(75));
  CHECK(slower.per_output_token == microseconds(30));
}

}  // namespace
}  // namespace orrery
