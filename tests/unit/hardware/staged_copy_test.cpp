// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pcie/staged_copy.h"

#include <doctest/doctest.h>

#include <vector>

namespace orrery {
namespace {

PcieOptions link() {
  PcieOptions options;
  options.generation = 6;
  options.lanes = 16;
  options.read_latency = nanoseconds(500);
  options.wire_latency = nanoseconds(50);
  options.copy_start = microseconds(2);
  return options;
}

Duration alone(PortId from, Bytes bytes) {
  PcieLink machine(link());
  const PortId to = from == PcieLink::kHost ? PcieLink::kDevice : PcieLink::kHost;
  static_cast<void>(machine.submit({from, to, bytes}, Instant()));
  std::vector<Ticket> done;
  Instant now;
  while (done.empty()) machine.advance(now = machine.next(), done);
  return now.since_start();
}

constexpr Bytes kPiece{1'000'000};

TEST_CASE("one piece is copied twice, whichever way") {
  // A megabyte at 10 GB/s are 100 us.
  const StagingOptions staging{Bandwidth::per_second(10'000'000'000), kPiece, 2};
  for (const PortId from : {PcieLink::kHost, PcieLink::kDevice}) {
    CHECK(staged_copy_time(link(), staging, from, kPiece) ==
          microseconds(100) + alone(from, kPiece));
  }
}

TEST_CASE("a slow processor is never idle: all its copies, and one of the engine's") {
  // 100 us a piece against about 11 us on the link.
  const StagingOptions staging{Bandwidth::per_second(10'000'000'000), kPiece, 2};
  for (const PortId from : {PcieLink::kHost, PcieLink::kDevice}) {
    CHECK(staged_copy_time(link(), staging, from, Bytes(20'000'000)) ==
          microseconds(2000) + alone(from, kPiece));
  }
}

TEST_CASE("a fast processor waits for the engine: one of its copies, and all of the engine's") {
  // 5 us a piece against about 11 us.
  const StagingOptions staging{Bandwidth::per_second(200'000'000'000), kPiece, 2};
  for (const PortId from : {PcieLink::kHost, PcieLink::kDevice}) {
    CHECK(staged_copy_time(link(), staging, from, Bytes(20'000'000)) ==
          microseconds(5) + alone(from, kPiece) * 20);
  }
}

TEST_CASE("with one buffer the two take turns") {
  const StagingOptions staging{Bandwidth::per_second(200'000'000'000), kPiece, 1};
  for (const PortId from : {PcieLink::kHost, PcieLink::kDevice}) {
    CHECK(staged_copy_time(link(), staging, from, Bytes(20'000'000)) ==
          (microseconds(5) + alone(from, kPiece)) * 20);
  }
}

}  // namespace
}  // namespace orrery
