// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/storage/nvme.h"

#include <doctest/doctest.h>

#include "tests/unit/hardware/machine_contract.h"

namespace orrery {
namespace {

/// 8 GB/s and 4 GB/s, a million and a quarter of one commands a second, 64 and 10 us.
NvmeOptions drive() {
  NvmeOptions options;
  options.read = {microseconds(64), Bandwidth::per_second(8'000'000'000), microseconds(1)};
  options.write = {microseconds(10), Bandwidth::per_second(4'000'000'000), microseconds(4)};
  options.queue_depth = 128;
  options.max_transfer = Bytes(128'000);
  return options;
}

Duration time_of(const NvmeOptions& options, PortId from, std::int64_t bytes) {
  Nvme nvme(options);
  const PortId to = from == Nvme::kHost ? Nvme::kDrive : Nvme::kHost;
  static_cast<void>(nvme.submit({from, to, Bytes(bytes)}, Instant()));
  return run_to_end(nvme).at(0).at.since_start();
}

TEST_CASE("a command alone takes its latency and its way") {
  // 128 kB at 8 GB/s are 16 us, 4 kB would be 0.5 us, but a command takes 1 us.
  CHECK(time_of(drive(), Nvme::kDrive, 128'000) == microseconds(64 + 16));
  CHECK(time_of(drive(), Nvme::kDrive, 4'000) == microseconds(64 + 1));
  CHECK(time_of(drive(), Nvme::kHost, 128'000) == microseconds(10 + 32));
  CHECK(time_of(drive(), Nvme::kHost, 4'000) == microseconds(10 + 4));
}

TEST_CASE("at depth one, commands follow each other; with depth the rate multiplies until full") {
  NvmeOptions options = drive();
  const auto time_at = [&](std::int64_t depth) {
    options.queue_depth = depth;
    return time_of(options, Nvme::kDrive, 100 * 128'000);
  };
  // A hundred times 64 + 16 us.
  CHECK(time_at(1) == microseconds(8000));
  // Two under way: both ready at 64, moved by 80 and 96; the next two ready at 144 and 160, moved
  // by 160 and 176: two every 80 us, the last one 16 us after the one before it.
  CHECK(time_at(2) == microseconds(50 * 80 + 16));
  // Five under way fill the controller (5 x 16 = 64 + 16): it is never idle after the first 64 us.
  CHECK(time_at(5) == microseconds(64 + 1600));
  CHECK(time_at(128) == microseconds(64 + 1600));
}

TEST_CASE("small commands are bound by what the controller takes in a second") {
  NvmeOptions options = drive();
  options.max_transfer = Bytes(4'000);
  // 1000 commands, 1 us each, after the first latency; alone they would need 4 MB / 8 GB/s = 0.5
  // ms.
  CHECK(time_of(options, Nvme::kDrive, 4'000'000) == microseconds(64 + 1000));
  CHECK(time_of(options, Nvme::kHost, 4'000'000) == microseconds(10 + 4000));
}

TEST_CASE("reads and writes share the controller") {
  Nvme nvme(drive());
  static_cast<void>(nvme.submit({Nvme::kDrive, Nvme::kHost, Bytes(1'280'000)}, Instant()));
  static_cast<void>(nvme.submit({Nvme::kHost, Nvme::kDrive, Bytes(1'280'000)}, Instant()));
  const auto completions = run_to_end(nvme);
  // Writes are ready at 10 us and take 10 x 32 us; reads, ready at 64 us, wait until 330 us and
  // take 10 x 16 us.
  CHECK(completions.at(0) == Completion{Ticket{1}, Instant::at(microseconds(330))});
  CHECK(completions.at(1) == Completion{Ticket{0}, Instant::at(microseconds(490))});
}

TEST_CASE("a drive is a machine") {
  NvmeOptions options = drive();
  options.queue_depth = 4;
  options.max_transfer = Bytes(8'000);
  check_machine_contract([&] { return std::make_unique<Nvme>(options); },
                         {{Nvme::kHost, Nvme::kDrive}, {Nvme::kDrive, Nvme::kHost}});
}

}  // namespace
}  // namespace orrery
