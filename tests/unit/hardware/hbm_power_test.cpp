// SPDX-License-Identifier: Apache-2.0
//
// Power-down and self-refresh at work, on one channel of HBM3 at 6.4 Gb/s. Ticks are half clocks:
// ACT takes 3, RD, WR, PDE and SRE 2, the others 1; all but precharges start on even ticks.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/hardware/hbm/memory_system.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

using testing::Issued;

constexpr std::int64_t kAfter = 100;  ///< Clocks, 200 ticks.

ControllerOptions options_of(PowerDown power_down, SelfRefresh self_refresh, Refresh refresh) {
  ControllerOptions options;
  options.refresh = refresh;
  options.power_down = power_down;
  options.power_down_after = kAfter;
  options.self_refresh = self_refresh;
  options.self_refresh_after = kAfter;
  return options;
}

/// What issued, as words: "0 ACT".
std::vector<std::string> told(const testing::Recorder& recorder) {
  std::vector<std::string> words;
  for (const Issued& i : recorder.issued) {
    words.push_back(std::to_string(i.at) + " " + std::string(kCommandNames[index_of(i.command)]));
  }
  return words;
}

struct Outcome {
  std::vector<std::string> commands;
  Statistics statistics;
};

/// Two reads of one row, the second arriving in tick `second`.
Outcome two_reads(const ControllerOptions& options, Tick second) {
  const Device device = testing::hbm3();
  testing::Recorder recorder;
  Channel channel(device, options, &recorder);
  channel.serve(std::vector{Request::make(0, 5, 0, false), Request::make(0, 5, 1, false)},
                std::vector<Tick>{0, second});
  Outcome outcome{told(recorder), channel.statistics()};
  outcome.statistics.power_ticks = channel.power_ticks(channel.statistics().end);
  return outcome;
}

using Words = std::vector<std::string>;

// ACT 0, RD 64: idle since 64, so that PDE follows at 264. The second read comes at 1000; tXP of 13
// clocks lets its RD go 26 + 1 - 2 = 25 ticks after PDX, on the even tick 1026, and its data is
// through after RD + 2 + CL 40 + burst 4 - 1 = 45 ticks.
TEST_CASE("power-down keeps the row open and costs tXP") {
  const Outcome on =
      two_reads(options_of(PowerDown::kActive, SelfRefresh::kOff, Refresh::kNone), 1'000);
  CHECK(on.commands == Words{"0 ACT", "64 RD", "264 PDE", "1000 PDX", "1026 RD"});
  CHECK(on.statistics.end == 1'071);
  CHECK(on.statistics.power_ticks == PowerTicks{264 + 71, 0, 736, 0, 0});
  const Outcome off =
      two_reads(options_of(PowerDown::kOff, SelfRefresh::kOff, Refresh::kNone), 1'000);
  CHECK(off.commands == Words{"0 ACT", "64 RD", "1000 RD"});
  CHECK(off.statistics.power_ticks == PowerTicks{});
  CHECK(on.statistics.read_latency_sum - off.statistics.read_latency_sum == 26);
}

// With no time-out PDE waits for the read's data: CL 40 + burst 4 + 2 ticks after RD 64. A read
// that comes just then waits for tPD: 26 + 2 - 1 ticks to PDX, then 25 to RD, each to the next even
// tick.
TEST_CASE("power-down is entered when data is through and not left before tPD") {
  ControllerOptions options = options_of(PowerDown::kActive, SelfRefresh::kOff, Refresh::kNone);
  options.power_down_after = 0;
  CHECK(two_reads(options, 111).commands ==
        Words{"0 ACT", "64 RD", "110 PDE", "138 PDX", "164 RD"});
}

// The row is closed first: PREab 264, PDE on the next even tick. ACT may follow PDX by 26 + 1 - 3 =
// 24 ticks, and RD the ACT by 64.
TEST_CASE("precharge power-down closes rows first and costs an activate too") {
  const Outcome on =
      two_reads(options_of(PowerDown::kPrecharge, SelfRefresh::kOff, Refresh::kNone), 1'000);
  CHECK(on.commands ==
        Words{"0 ACT", "64 RD", "264 PREab", "266 PDE", "1000 PDX", "1024 ACT", "1088 RD"});
  CHECK(on.statistics.power_ticks == PowerTicks{264 + 109, 2 + 24, 0, 734, 0});
}

// SRE waits for tRP: PREab 264 + 52 + 1 - 2 = 315, then the even tick. 100,000 ticks are eight
// intervals of 12,480, in which the device refreshes itself. tXS is 573 clocks: ACT follows SRX by
// 1146 + 1 - 3 = 1144 ticks. Idle again since 101,208, the channel times out at 101,408: one
// refresh comes before the next SRE, of the one pseudo-channel when its row has been closed (52
// ticks), of the other on the next even tick, and SRE tRFCab = 1120 + 1 - 2 = 1119 ticks after
// that.
TEST_CASE("self-refresh takes the refreshes over and owes one when it is left") {
  const Device device = testing::hbm3();
  testing::Recorder recorder;
  Channel channel(device, options_of(PowerDown::kOff, SelfRefresh::kOn, Refresh::kAllBank),
                  &recorder);
  channel.serve(std::vector{Request::make(0, 5, 0, false), Request::make(0, 5, 1, false)},
                std::vector<Tick>{0, 100'000});
  channel.advance(103'000);
  CHECK(told(recorder) == Words{"0 ACT", "64 RD", "264 PREab", "316 SRE", "100000 SRX",
                                "101144 ACT", "101208 RD", "101408 PREab", "101460 REFab",
                                "101462 REFab", "102582 SRE"});
  CHECK(channel.power_ticks(103'000) ==
        PowerTicks{264 + 264, 52 + 1'144 + 1'174, 0, 0, 99'684 + 418});
}

// From power-down it goes through standby: PDX at the second time-out, SRE 25 ticks later on the
// even tick.
TEST_CASE("self-refresh follows power-down") {
  const Device device = testing::hbm3();
  ControllerOptions options =
      options_of(PowerDown::kPrecharge, SelfRefresh::kOn, Refresh::kAllBank);
  options.self_refresh_after = 1'000;
  testing::Recorder recorder;
  Channel channel(device, options, &recorder);
  channel.advance(5'000);
  CHECK(told(recorder) == Words{"200 PDE", "2000 PDX", "2026 SRE"});
}

// Refreshes fall due every 12,480 ticks, from 12,479 on: PDX on the even tick, REFab 26 ticks later
// and of the other pseudo-channel on the next even one, then PDE again as soon as the bus is free.
TEST_CASE("power-down is left for each refresh of all banks") {
  const Device device = testing::hbm3();
  testing::Recorder recorder;
  Channel channel(device, options_of(PowerDown::kPrecharge, SelfRefresh::kOff, Refresh::kAllBank),
                  &recorder);
  channel.advance(30'000);
  CHECK(told(recorder) == Words{"200 PDE", "12480 PDX", "12506 REFab", "12508 REFab", "12510 PDE",
                                "24960 PDX", "24986 REFab", "24988 REFab", "24990 PDE"});
  CHECK(channel.power_ticks(30'000) == PowerTicks{0, 200 + 30 + 30, 0, 12'280 + 12'450 + 5'010, 0});
}

// A bank's refresh falls due every 390 ticks of a pseudo-channel. Half of eight intervals are 128,
// so that PDX comes at 128 * 390 = 49,920 at the soonest (a few had been given before the first
// PDE).
TEST_CASE("per-bank refreshes are postponed in power-down and given together") {
  const Device device = testing::hbm3();
  testing::Recorder recorder;
  Channel channel(device, options_of(PowerDown::kPrecharge, SelfRefresh::kOff, Refresh::kPerBank),
                  &recorder);
  channel.advance(300'000);
  Tick down = 0;
  std::vector<Tick> first;
  std::int64_t naps = 0;
  for (const Issued& i : recorder.issued) {
    if (i.command == Command::kPde) down = i.at;
    if (i.command == Command::kPdx) {
      CHECK(i.at - down > 127 * 390);
      CHECK(i.at - down < 129 * 390);
      ++naps;
    }
    if (i.command == Command::kRefpb && i.bank < 32) first.push_back(i.at);
  }
  CHECK(naps == 5);
  // All that had fallen due by the last refresh, and no more.
  CHECK(static_cast<Tick>(first.size()) == first.back() / 390);
  // 133 refreshes tRREFD = 16 ticks apart in 52,000 ticks.
  const PowerTicks ticks = channel.power_ticks(300'000);
  CHECK(ticks[index_of(PowerState::kPrechargePowerDown)] > 300'000 * 95 / 100);
}

// 100, 70, 50, 30 and 20 mW; a tick is 0.3125 ns.
TEST_CASE("the background is that of each state for as long as it lasts") {
  Device device = testing::hbm3();
  device.energy = {.activate_pj = 900,
                   .read_pj = 800,
                   .write_pj = 0,
                   .refresh_row_pj = 0,
                   .background_mw = 100,
                   .sources = ""};
  const Outcome on =
      two_reads(options_of(PowerDown::kPrecharge, SelfRefresh::kOff, Refresh::kNone), 1'000);
  const EnergyUse use = energy_of(on.statistics, device);
  const double background = 0.3125 * (100 * 373 + 70 * 26 + 30 * 734);
  CHECK(use.background_pj == doctest::Approx(background));
  CHECK(use.state_pj[index_of(PowerState::kPrechargePowerDown)] ==
        doctest::Approx(0.3125 * 30 * 734));
  CHECK(use.total_pj() == doctest::Approx(background + 2 * 900 + 2 * 800));
  const Outcome off =
      two_reads(options_of(PowerDown::kOff, SelfRefresh::kOff, Refresh::kNone), 1'000);
  CHECK(energy_of(off.statistics, device).background_pj == doctest::Approx(0.3125 * 100 * 1'045));
}

std::string stuck_of(TickTiming timing, const ControllerOptions& options) {
  const Device device = testing::hbm3();
  Channel channel(device, timing, options, nullptr);
  channel.set_number(7);
  try {
    channel.serve(std::vector{Request::make(0, 5, 0, false), Request::make(0, 5, 1, true)},
                  std::vector<Tick>{0, 9'000});
  } catch (const InternalError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("a channel that gets nowhere says so instead of running for ever") {
  const TickTiming right(testing::hbm3());
  for (const Refresh refresh : {Refresh::kNone, Refresh::kAllBank, Refresh::kPerBank}) {
    const ControllerOptions plain = options_of(PowerDown::kOff, SelfRefresh::kOff, refresh);
    CHECK(stuck_of(right, plain) == "no error");
    // Commands that never become legal.
    TickTiming timing = right;
    timing.act_write = timing.act_read = kNever;
    const std::string never = stuck_of(timing, plain);
    CHECK(never.find("hbm channel 7 at tick") == 0);
    CHECK(never.find("some activated requests wait") != std::string::npos);
    timing = right;
    timing.pdx_act = timing.pdx_refresh = kNever;
    const std::string down =
        stuck_of(timing, options_of(PowerDown::kPrecharge, SelfRefresh::kOff, refresh));
    CHECK_MESSAGE(down.find("hbm channel 7 at tick") == 0, down);
  }
  TickTiming timing = right;
  timing.sre_srx = kNever;
  for (const Refresh refresh : {Refresh::kAllBank, Refresh::kPerBank}) {
    const std::string asleep =
        stuck_of(timing, options_of(PowerDown::kOff, SelfRefresh::kOn, refresh));
    CHECK_MESSAGE(asleep.find("nothing is to happen") != std::string::npos, asleep);
    CHECK(asleep.find("self_refresh") != std::string::npos);
  }
}

}  // namespace
}  // namespace orrery::hbm
