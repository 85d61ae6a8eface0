// SPDX-License-Identifier: Apache-2.0
//
// Refresh management (activation_counts.h) at work, on one channel of HBM3 at 6.4 Gb/s. Ticks are
// half clocks.
#include <doctest/doctest.h>

#include <vector>

#include "sim/hardware/hbm/activation_counts.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

using testing::Issued;

Device device_with(std::int64_t raaimt, std::int64_t raammt) {
  Device device = testing::hbm3();
  device.refresh_management->raaimt = raaimt;
  device.refresh_management->raammt = raammt;
  return device;
}

std::vector<Issued> only(const testing::Recorder& recorder, Command command) {
  std::vector<Issued> found;
  for (const Issued& i : recorder.issued) {
    if (i.command == command) found.push_back(i);
  }
  return found;
}

ControllerOptions in_order(Rfm rfm) {
  ControllerOptions options;
  options.scheduler = Scheduler::kFcfs;
  options.refresh = Refresh::kNone;
  options.rfm = rfm;
  return options;
}

/// Two rows of a bank in turns, so that each read needs an activate. (In order: out of order the
/// queued reads of a row would share one.)
std::vector<Issued> hammer(const Device& device, Rfm rfm, Command command) {
  testing::Recorder recorder;
  Channel channel(device, in_order(rfm), &recorder);
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 1'000; ++i) requests.push_back(Request::make(5, i % 2, 0, false));
  channel.serve(requests, {});
  return only(recorder, command);
}

// Without RFM an activate follows the one before after tRC = 72 clocks = 144 ticks (ACT 0, RD 64,
// PRE 92 by tRAS, which tRP lets go on at 142). With RAAIMT 32 and RAAMMT 4 * 32 the bank is never
// idle, so that its first RFM comes in the place of the activate after the 128th; then each RFM
// gives it 32 more. RFM waits for tRC after the last activate, 144 + 3 - 1 ticks, and the activate
// for tRFMpb = 320 clocks after it, 640 + 1 - 3 ticks: 784 instead of 144. So activate k is at 144
// k and 640 more for each RFM before it, and the bank goes in the long run at 32 * 144 / (32 * 144
// + 640) = 0.878 of its speed.
TEST_CASE("hammering a bank costs an RFM for each RAAIMT activates") {
  const Device device = device_with(32, 4);
  const std::vector<Issued> without = hammer(device, Rfm::kOff, Command::kAct);
  const std::vector<Issued> with = hammer(device, Rfm::kOn, Command::kAct);
  REQUIRE(without.size() == 1'000);
  REQUIRE(with.size() == 1'000);
  for (Tick k = 0; k < 1'000; ++k) {
    const Tick managed = k < 128 ? 0 : 1 + (k - 128) / 32;
    CHECK(without[static_cast<std::size_t>(k)].at - without[0].at == 144 * k);
    CHECK(with[static_cast<std::size_t>(k)].at - with[0].at == 144 * k + 640 * managed);
  }
  CHECK(hammer(device, Rfm::kOff, Command::kRfmpb).empty());
  // Of 872 activates after the 128th: 1 + 871 / 32.
  CHECK(hammer(device, Rfm::kOn, Command::kRfmpb).size() == 28);
}

// The same with RFMab, which is of the whole pseudo-channel: its rows are closed (PREab at tRAS),
// and the next activate waits for tRFMab = 560 clocks, 146 + 1120 + 1 - 3 = 1264 ticks instead of
// 144.
TEST_CASE("RFMab costs its pseudo-channel what a refresh of all banks does") {
  const Device device = device_with(32, 4);
  const std::vector<Issued> with = hammer(device, Rfm::kAllBank, Command::kAct);
  REQUIRE(with.size() == 1'000);
  for (Tick k = 0; k < 1'000; ++k) {
    const Tick managed = k < 128 ? 0 : 1 + (k - 128) / 32;
    CHECK(with[static_cast<std::size_t>(k)].at - with[0].at == 144 * k + 1'120 * managed);
  }
  CHECK(hammer(device, Rfm::kAllBank, Command::kRfmab).size() == 28);
  CHECK(hammer(device, Rfm::kAllBank, Command::kRfmpb).empty());
}

TEST_CASE("RFMab stops its pseudo-channel and not the other") {
  // Bank 5 is activated 128 times and must then be managed; all the while bank 7 of the same
  // pseudo-channel and bank 37 of the other are read, each from a row that stays open.
  const Device device = device_with(32, 4);
  ControllerOptions options;
  options.refresh = Refresh::kNone;
  options.rfm = Rfm::kAllBank;
  testing::Recorder recorder;
  Channel channel(device, options, &recorder);
  for (std::uint32_t i = 0; i < 300; ++i) {
    for (const std::uint32_t bank : {5U, 7U, 37U}) {
      const std::uint32_t row = bank == 5 ? i % 2 : 0;
      channel.submit(Request::make(bank, row, 0, false), channel.next_tick());
    }
    channel.advance(channel.next_tick() + 150);
  }
  channel.finish();
  const std::vector<Issued> managed = only(recorder, Command::kRfmab);
  REQUIRE_FALSE(managed.empty());
  const Tick from = managed[0].at;
  std::int64_t own = 0;
  std::int64_t other = 0;
  for (const Issued& i : recorder.issued) {
    if (i.at <= from || i.at >= from + 1'118) continue;
    (i.bank < 32 ? own : other) += 1;
  }
  CHECK(managed[0].bank == 0);
  CHECK(own == 0);
  // A read of the other's every 153 ticks or so until the queue is full of the first one's.
  CHECK(other >= 1'118 / 160);
}

TEST_CASE("a bank that nobody wants any more is given its RFM from RAAIMT on") {
  for (const std::uint32_t activates : {3U, 4U, 7U, 8U}) {
    testing::Recorder recorder;
    const Device device = device_with(4, 6);
    Channel channel(device, in_order(Rfm::kOn), &recorder);
    std::vector<Request> requests;
    for (std::uint32_t i = 0; i < activates; ++i) {
      requests.push_back(Request::make(5, i % 2, 0, false));
    }
    channel.serve(requests, {});
    channel.advance(channel.next_tick() + 5'000);
    const std::vector<Issued> managed = only(recorder, Command::kRfmpb);
    REQUIRE(managed.size() == activates / 4);
    if (managed.empty()) continue;
    // The last activate is at 144 (n - 1) after the first, which issues in tick 0; its row is
    // closed as soon as it may be and tRC binds: 146 ticks.
    CHECK(managed[0].at == 144 * (activates - 1) + 146);
    CHECK(managed[0].bank == 5);
    CHECK(managed.back().at - managed[0].at == (activates == 8 ? 640 : 0));
  }
}

TEST_CASE("refreshes take RAAIMT or half of it off the count") {
  Device device = device_with(4, 2);
  for (const bool half : {false, true}) {
    using Lowers = RefreshManagement::Lowers;
    device.refresh_management->refresh_lowers = half ? Lowers::kHalf : Lowers::kWhole;
    ActivationCounts counts(device, Rfm::kOn);
    for (int i = 0; i < 8; ++i) {
      CHECK(counts.held().contains(9) == false);
      CHECK(counts.wants().contains(9) == (i >= 4));
      counts.on_activate(9);
    }
    CHECK(counts.held().contains(9));
    counts.on_refreshed(9);
    CHECK_FALSE(counts.held().contains(9));
    CHECK(counts.any());
    counts.on_refreshed(9);
    CHECK(counts.wants().contains(9) == half);  // 4 of 8 are left, or none
    counts.on_refreshed(9);
    CHECK_FALSE(counts.any());
  }
}

TEST_CASE("an RFM restores as many rows as a per-bank refresh") {
  Device device = testing::hbm3();
  device.energy.refresh_row_pj = 100;
  Statistics statistics;
  statistics.commands[index_of(Command::kRfmpb)] = 3;
  // 16384 rows in 8192 refreshes: 2 each.
  CHECK(energy_of(statistics, device).refresh_pj == doctest::Approx(3 * 2 * 100));
  // An RFMab those of 32 banks.
  statistics.commands[index_of(Command::kRfmab)] = 5;
  CHECK(energy_of(statistics, device).refresh_pj == doctest::Approx((3 + 5 * 32) * 2 * 100));
}

}  // namespace
}  // namespace orrery::hbm
