// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pcie/pcie_link.h"

#include <doctest/doctest.h>

#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

/// PCIe 6 x16 has no padding and no control packets, so that times are sums of a few: 118 GB/s.
PcieOptions flit_link() {
  PcieOptions options;
  options.generation = 6;
  options.lanes = 16;
  options.max_payload = Bytes(256);
  options.read_request = Bytes(512);
  options.read_latency = nanoseconds(500);
  options.write_latency = nanoseconds(300);
  options.wire_latency = nanoseconds(50);
  return options;
}

constexpr Bandwidth kFlitRate = Bandwidth::per_second(118'000'000'000);

Duration on_wire(std::int64_t bytes) { return kFlitRate.time_for(Bytes(bytes)); }

Duration time_of(const PcieOptions& options, PortId from, std::int64_t bytes) {
  PcieLink link(options);
  const PortId to = from == PcieLink::kHost ? PcieLink::kDevice : PcieLink::kHost;
  static_cast<void>(link.submit({from, to, Bytes(bytes)}, Instant()));
  return run_to_end(link).at(0).at.since_start();
}

double gb_per_s(std::int64_t bytes, Duration time) {
  return static_cast<double>(bytes) / to_seconds(time) * 1e-9;
}

TEST_CASE("with one tag a read is a chain of round trips") {
  PcieOptions options = flit_link();
  options.tags = 1;
  options.copy_start = nanoseconds(700);
  // A round trip: request of 16 B, wire, host, two completions of 12 + 256 B, wire.
  const Duration trip =
      on_wire(16) + nanoseconds(50) + nanoseconds(500) + 2 * on_wire(268) + nanoseconds(50);
  CHECK(time_of(options, PcieLink::kHost, 512) == nanoseconds(700) + trip);
  CHECK(time_of(options, PcieLink::kHost, 10 * 512) == nanoseconds(700) + 10 * trip);
  // 512 B / 604.7 ns = 0.847 GB/s, on a link that could carry 112.
}

TEST_CASE("tags multiply the rate until the link is full") {
  PcieOptions options = flit_link();
  constexpr std::int64_t kBytes = 4 << 20;
  // A round trip is 604.7 ns, of which the completions take 4.5 ns: two tags are twice one.
  const auto rate = [&](std::int64_t tags) {
    options.tags = tags;
    return gb_per_s(kBytes, time_of(options, PcieLink::kHost, kBytes));
  };
  CHECK(rate(1) == doctest::Approx(512 / 604.678).epsilon(1e-4));
  CHECK(rate(2) == doctest::Approx(2 * rate(1)).epsilon(1e-3));
  CHECK(rate(32) == doctest::Approx(32 * rate(1)).epsilon(1e-2));
  // 604.7 / 4.54 = 133 requests fill the link: 118 x 256/268 = 112.7 GB/s, less the first trip.
  CHECK(rate(256) == doctest::Approx(118.0 * 256 / 268).epsilon(0.02));
  CHECK(rate(4096) == doctest::Approx(rate(256)).epsilon(1e-3));
}

TEST_CASE("a request is answered in pieces of max_payload, the last one short") {
  PcieOptions options = flit_link();
  // 300 B: completions of 256 and 44 B, 12 B of header each.
  CHECK(time_of(options, PcieLink::kHost, 300) == on_wire(16) + nanoseconds(50) + nanoseconds(500) +
                                                      on_wire(268) + on_wire(56) + nanoseconds(50));
  options.max_payload = Bytes(512);
  CHECK(time_of(options, PcieLink::kHost, 300) ==
        on_wire(16) + nanoseconds(50) + nanoseconds(500) + on_wire(312) + nanoseconds(50));
}

TEST_CASE("writes need no answer: their time is what they take on the wire") {
  const PcieOptions options = flit_link();
  // 1000 writes of 16 + 256 B one behind the other, then the wire.
  CHECK(time_of(options, PcieLink::kDevice, 256'000) == 1000 * on_wire(272) + nanoseconds(50));
}

TEST_CASE("with room for one write, each waits for the credit of the one before") {
  PcieOptions options = flit_link();
  options.write_headers = 1;
  // From a write's first bit to the next one's: 272 B, wire there, 300 ns in the host, wire back.
  const Duration cycle = on_wire(272) + nanoseconds(50) + nanoseconds(300) + nanoseconds(50);
  CHECK(time_of(options, PcieLink::kDevice, 10 * 256) ==
        9 * cycle + on_wire(272) + nanoseconds(50));
  // The same when the room is for 16 x 16 bytes of data, and half as long with twice that.
  options.write_headers.reset();
  options.write_data = 16;
  CHECK(time_of(options, PcieLink::kDevice, 10 * 256) ==
        9 * cycle + on_wire(272) + nanoseconds(50));
  options.write_data = 32;
  CHECK(time_of(options, PcieLink::kDevice, 11 * 256) ==
        5 * cycle + on_wire(272) + nanoseconds(50));
  // 16-byte writes need one unit each, so that 31 units hold 31 of them, but 1 of 256.
  options.write_data = 31;
  CHECK(time_of(options, PcieLink::kDevice, 2 * 256) == cycle + on_wire(272) + nanoseconds(50));
}

TEST_CASE("copies of one direction go one after another, each with its start") {
  PcieOptions options = flit_link();
  options.copy_start = nanoseconds(1000);
  constexpr std::int64_t kBytes = 1 << 20;
  const Duration read = time_of(options, PcieLink::kHost, kBytes);
  PcieLink link(options);
  static_cast<void>(link.submit({PcieLink::kHost, PcieLink::kDevice, Bytes(kBytes)}, Instant()));
  static_cast<void>(link.submit({PcieLink::kHost, PcieLink::kDevice, Bytes(kBytes)}, Instant()));
  const auto completions = run_to_end(link);
  CHECK(completions.at(0).at == Instant::at(read));
  CHECK(completions.at(1).at == Instant::at(2 * read));
}

TEST_CASE("read requests take their part of the way up from writes") {
  const PcieOptions options = flit_link();
  constexpr std::int64_t kBytes = 64 << 20;
  PcieLink link(options);
  static_cast<void>(link.submit({PcieLink::kHost, PcieLink::kDevice, Bytes(kBytes)}, Instant()));
  static_cast<void>(link.submit({PcieLink::kDevice, PcieLink::kHost, Bytes(kBytes)}, Instant()));
  const auto completions = run_to_end(link);
  REQUIRE(completions.size() == 2);
  // A request of 16 B for each 512 B that come: reads at 112.7 GB/s take 112.7 x 16/512 = 3.52 GB/s
  // of 118, and the rest carries writes of 272 B for 256: (118 - 3.52) x 256/272 = 107.7 GB/s.
  CHECK(completions[0].ticket == Ticket{0});
  CHECK(gb_per_s(kBytes, completions[0].at.since_start()) == doctest::Approx(112.6).epsilon(0.005));
  CHECK(gb_per_s(kBytes, completions[1].at.since_start()) == doctest::Approx(107.9).epsilon(0.005));
}

TEST_CASE("without flits, control packets cost at most what is owed") {
  PcieOptions options = flit_link();
  options.generation = 4;
  options.lanes = 4;
  // Completions of 276 B leave no room on four lanes: 2 x 8 B for each interval of
  // (256 + 28) x 1.4 / 4 + 115 = 214 symbol times of 4 bytes, 856 B at 8 GB/s raw: 107 ns, in
  // which 107 ns x 7.856 GB/s = 840 B are sent. 256/276 x 7.856 x (1 - 16/840) = 7.148 GB/s; an
  // acknowledgement goes with the packet after the interval, so it is a little more.
  const double rate = gb_per_s(1 << 22, time_of(options, PcieLink::kHost, 1 << 22));
  CHECK(rate > 7.148);
  CHECK(rate < 7.856 * 256 / 276);
}

TEST_CASE("a PCIe link is a machine") {
  for (const std::int64_t generation : {3, 6}) {
    PcieOptions options = flit_link();
    options.generation = generation;
    options.tags = 8;
    options.write_headers = 4;
    check_machine_contract(
        [&] { return std::make_unique<PcieLink>(options); },
        {{PcieLink::kHost, PcieLink::kDevice}, {PcieLink::kDevice, PcieLink::kHost}});
  }
}

}  // namespace
}  // namespace orrery
