// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_port.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "sim/hardware/hbm/memory_system.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

MemoryConfig config() {
  MemoryConfig config;
  config.device = testing::hbm3();
  config.device.geometry.channels = 2;
  config.controller.controller = Controller::kReference;
  config.controller.refresh = Refresh::kAllBank;
  return config;
}

Instant after(std::int64_t picoseconds) { return Instant::at(Duration(picoseconds)); }

TEST_CASE("each access calls back once, when it is done, and not before it is asked to") {
  const MemoryConfig memory = config();
  MemoryPort port(memory);
  std::vector<Instant> calls;
  CHECK(port.next() == Instant::never());
  port.send(0, false, [&](Instant done) { calls.push_back(done); });
  // 109 half clocks of 312.5 ps (hbm_front_end_test.cpp), to the next whole picosecond.
  port.advance(after(34'062));
  CHECK(calls.empty());
  CHECK(port.next() == after(34'063));
  port.advance(after(40'000));
  CHECK(calls == std::vector{after(34'063)});
  CHECK(port.now() == after(40'000));
  CHECK(port.next() == Instant::never());
  CHECK_THROWS_AS(port.send(std::uint64_t{1} << 40, false, nullptr), std::invalid_argument);
}

TEST_CASE("a callback that sends begins there and then") {
  const MemoryConfig memory = config();
  MemoryPort port(memory);
  std::vector<Instant> calls;
  port.send(0, false, [&](Instant) {
    // The next column of bgil's first bank is 16 accesses on: a hit, read in the next rising edge
    // after tick 109, which is 110; 45 half clocks later it is done.
    port.send(16 * 32, false, [&](Instant done) { calls.push_back(done); });
  });
  port.advance(after(100'000));
  CHECK(calls == std::vector{after(155 * 625 / 2 + 1)});
}

/// Latencies of accesses that all come at once, however the clock is moved.
std::vector<Instant> served(const MemoryTrace& trace, std::int64_t step_ps, Statistics& all) {
  const MemoryConfig memory = config();
  MemoryPort port(memory);
  std::vector<Instant> calls(trace.accesses.size());
  for (std::size_t i = 0; i < trace.accesses.size(); ++i) {
    const std::uint64_t word = trace.accesses[i];
    port.send(word & ~MemoryTrace::kWrite, (word & MemoryTrace::kWrite) != 0,
              [&calls, i](Instant done) { calls[i] = done; });
  }
  while (port.next() != Instant::never()) {
    port.advance(step_ps == 0 ? port.next() : port.now() + Duration(step_ps));
  }
  all = port.statistics();
  return calls;
}

TEST_CASE("it serves what a trace does, in however small steps") {
  const MemoryConfig memory = config();
  MemoryTrace trace;
  for (const Request& r : testing::accesses(memory.device, "bgil", 3'000, {30, 50, 16}, 7)) {
    const std::uint64_t block = r.packed % (std::uint64_t{1} << 22);
    trace.accesses.push_back(block * 32 | (r.write() ? MemoryTrace::kWrite : 0));
  }
  Statistics by_events;
  Statistics by_steps;
  const std::vector<Instant> calls = served(trace, 0, by_events);
  CHECK(calls == served(trace, 700, by_steps));
  const Statistics whole = serve(memory, trace, std::nullopt, nullptr);
  CHECK(by_events.end == whole.end);
  CHECK(by_events.commands == whole.commands);
  CHECK(by_steps.commands == whole.commands);
  const auto last = *std::ranges::max_element(calls);
  CHECK(last == after((whole.end * 625 + 1) / 2));
}

}  // namespace
}  // namespace orrery::hbm
