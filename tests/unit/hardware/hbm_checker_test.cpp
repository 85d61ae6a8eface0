// SPDX-License-Identifier: Apache-2.0
//
// What the checker makes of the controller: nothing wrong in random configurations, and something
// as soon as any one constraint of the controller is a step too short.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sim/core/random.h"
#include "tests/unit/hardware/hbm_replay.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

using checker::Part;
using testing::AccessMix;

struct World {
  Part part;
  Device device;
};
std::array<World, 3> worlds() {
  return {World{Part::kHbm3At6400, testing::hbm3()}, World{Part::kHbm2At2000, testing::hbm2()},
          World{Part::kMadeUp, testing::hbm2_made_up()}};
}

/// Requests and how they come.
struct Traffic {
  AccessMix mix;
  const char* map = "bgil";
  std::size_t count = 6'000;
  /// Ticks from one request to the next; 0: as fast as they are taken.
  Tick spacing = 0;
  /// Per-bank refreshes owed in the beginning, as a share of the most.
  double owed = 0;
};

std::string violation(const World& w, const TickTiming& timing, const ControllerOptions& options,
                      const Traffic& traffic, std::uint64_t seed) {
  const auto requests = testing::accesses(w.device, traffic.map, traffic.count, traffic.mix, seed);
  std::vector<Tick> arrivals;
  for (std::size_t i = 0; traffic.spacing > 0 && i < requests.size(); ++i) {
    arrivals.push_back(static_cast<Tick>(i) * traffic.spacing);
  }
  testing::Replay replay(w.device, w.part, traffic.owed > 0 ? Refresh::kNone : options.refresh,
                         options.rfm);
  Channel channel(w.device, timing, options, &replay);
  channel.begin_late(traffic.owed, 0);
  channel.serve(requests, arrivals);
  CHECK(channel.statistics().requests() == static_cast<std::int64_t>(requests.size()));
  return replay.wrong();
}

/// Nothing but all-bank refreshes, which fall due as soon as one is over.
std::string violation_of_refreshes(const World& w, TickTiming timing) {
  timing.refresh_interval = timing.refresh_refresh;
  ControllerOptions options;
  options.refresh = Refresh::kAllBank;
  testing::Replay replay(w.device, w.part, Refresh::kNone);
  Channel channel(w.device, timing, options, &replay);
  channel.advance(20'000);
  CHECK(replay.commands() > 10);
  return replay.wrong();
}

/// One bank is activated until it may not be any more, and then let alone with all refreshes owed:
/// its RFMs and its refresh follow each other.
std::string violation_of_management(const World& w, const TickTiming& timing) {
  ControllerOptions options;
  options.scheduler = Scheduler::kFcfs;
  options.rfm = Rfm::kOn;
  testing::Replay replay(w.device, w.part, Refresh::kNone, Rfm::kOn);
  Channel channel(w.device, timing, options, &replay);
  channel.begin_late(0.9, 0);
  for (std::uint32_t row = 0; row < 100; ++row) {
    channel.submit(Request::make(0, row % 2, 0, false), channel.next_tick());
  }
  channel.finish();
  channel.advance(channel.next_tick() + 20'000);
  CHECK(channel.statistics().commands[index_of(Command::kRfmpb)] > 10);
  return replay.wrong();
}

constexpr std::array<Refresh, 3> kRefreshes = {Refresh::kAllBank, Refresh::kPerBank,
                                               Refresh::kNone};

ControllerOptions random_options(RandomStream& random) {
  ControllerOptions options;
  options.refresh = kRefreshes[random.below(10) % 3];
  options.rfm = static_cast<Rfm>(random.below(2));
  options.scheduler = static_cast<Scheduler>(random.below(3));
  options.row_policy = static_cast<RowPolicy>(random.below(3));
  options.read_queue = random.between(1, 96);
  options.write_queue = random.between(1, 96);
  options.write_high_watermark = random.uniform();
  options.write_low_watermark = options.write_high_watermark * random.uniform();
  return options;
}

TEST_CASE("the checker finds nothing in random configurations") {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    RandomStream random(seed, "hbm", "configuration");
    const World w = worlds()[seed % 3];
    ControllerOptions options = random_options(random);
    if (!w.device.refresh_management) options.rfm = Rfm::kOff;
    Traffic traffic;
    traffic.mix = {random.below(101), random.below(101), std::uint32_t{1} << random.below(10)};
    traffic.map = random.below(2) == 0 ? "bgil" : "robaracoch";
    traffic.count = 2'000;
    traffic.spacing = random.below(3) == 0 ? random.between(1, 100) : 0;
    const std::string wrong = violation(w, TickTiming(w.device), options, traffic, seed);
    CHECK_MESSAGE(wrong.empty(), "seed ", seed, ": ", wrong);
  }
}

/// Per-bank refreshes of a pseudo-channel, in the order they were issued.
std::vector<std::uint32_t> refreshed(const std::vector<testing::Issued>& issued, bool second) {
  std::vector<std::uint32_t> banks;
  for (const testing::Issued& i : issued) {
    if (i.command == Command::kRefpb && (i.bank >= 32) == second) banks.push_back(i.bank);
  }
  return banks;
}

TEST_CASE("per-bank refresh goes through all banks in turn and owes no more than it may") {
  const Device device = testing::hbm3();
  for (const AccessMix mix : {AccessMix{0, 100}, AccessMix{30, 0}, AccessMix{30, 0, 1}}) {
    testing::Recorder recorder;
    Channel channel(device, {}, &recorder);
    channel.serve(testing::accesses(device, "bgil", 60'000, mix, 2), {});
    for (const bool second : {false, true}) {
      const std::vector<std::uint32_t> banks = refreshed(recorder.issued, second);
      // tREFI 3.9 us of 32 banks is 390 ticks a bank; eight intervals of 32 may be owed, and the
      // bank that is then held waits for at most the row it has open.
      const Tick due = channel.statistics().end / 390;
      CHECK(static_cast<Tick>(banks.size()) <= due);
      CHECK(static_cast<Tick>(banks.size()) >= due - 8 * 32 - 2);
      CHECK(banks.size() > 32);
      for (std::size_t round = 0; round + 32 <= banks.size(); round += 32) {
        std::uint64_t seen = 0;
        for (std::size_t i = round; i < round + 32; ++i) seen |= std::uint64_t{1} << banks[i];
        CHECK(seen == (second ? 0xffffffff00000000U : 0xffffffffU));
      }
    }
  }
}

struct Mutation {
  const char* name;
  Tick TickTiming::*field;
};
constexpr std::array kMutations = {
    Mutation{"act_act_bank", &TickTiming::act_act_bank},
    Mutation{"act_read", &TickTiming::act_read},
    Mutation{"act_write", &TickTiming::act_write},
    Mutation{"act_pre", &TickTiming::act_pre},
    Mutation{"pre_act", &TickTiming::pre_act},
    Mutation{"read_pre", &TickTiming::read_pre},
    Mutation{"write_pre", &TickTiming::write_pre},
    Mutation{"column_column_group", &TickTiming::column_column_group},
    Mutation{"read_read_stack", &TickTiming::read_read_stack},
    Mutation{"column_column", &TickTiming::column_column},
    Mutation{"read_write", &TickTiming::read_write},
    Mutation{"write_read", &TickTiming::write_read},
    Mutation{"write_read_group", &TickTiming::write_read_group},
    Mutation{"act_act", &TickTiming::act_act},
    Mutation{"act_act_group", &TickTiming::act_act_group},
    Mutation{"four_activates", &TickTiming::four_activates},
    Mutation{"pre_pre", &TickTiming::pre_pre},
    Mutation{"pre_refresh", &TickTiming::pre_refresh},
    Mutation{"act_refresh", &TickTiming::act_refresh},
    Mutation{"refresh_act", &TickTiming::refresh_act},
    Mutation{"refresh_refresh", &TickTiming::refresh_refresh},
    Mutation{"refresh_bank_act", &TickTiming::refresh_bank_act},
    Mutation{"refresh_bank_other_act", &TickTiming::refresh_bank_other_act},
    Mutation{"refresh_bank_refresh", &TickTiming::refresh_bank_refresh},
    Mutation{"refresh_bank_again", &TickTiming::refresh_bank_again},
    Mutation{"act_refresh_bank", &TickTiming::act_refresh_bank},
    Mutation{"rfm_bank_act", &TickTiming::rfm_bank_act},
    Mutation{"rfm_bank_again", &TickTiming::rfm_bank_again},
};

constexpr std::array kOntoPrecharges = {&TickTiming::act_pre, &TickTiming::read_pre,
                                        &TickTiming::write_pre, &TickTiming::pre_pre};

/// HBM2 has no tPPD and no RFM, and with its figures the others follow from the rest: tRC 48 = tRAS
/// 34 + tRP 14, tRRDL = tRRDS, and four tRRDS of 4 are longer than tFAW 15. (So kMadeUp.)
constexpr std::array kNotInHbm2 = {&TickTiming::read_read_stack, &TickTiming::pre_pre,
                                   &TickTiming::act_act_bank,    &TickTiming::act_refresh,
                                   &TickTiming::act_act_group,   &TickTiming::four_activates,
                                   &TickTiming::rfm_bank_act,    &TickTiming::rfm_bank_again};

/// Traffic in which each constraint binds in one or another.
const std::vector<Traffic>& traffics() {
  static const std::vector<Traffic> kTraffics = {
      {{30, 50, 16}},
      {{0, 0, 64}},
      {{50, 95, 2}},
      {{30, 50, 16}, "robaracoch"},
      {{50, 95, 2}, "robaracoch"},
      // Refreshes that are owed are made up for while little else goes on.
      {{0, 0, 64}, "bgil", 600, 400, 0.9},
  };
  return kTraffics;
}

bool found(const World& w, const Mutation& mutation, Tick step) {
  TickTiming timing(w.device);
  timing.*mutation.field -= step;
  for (const Refresh refresh : kRefreshes) {
    for (const Traffic& traffic : traffics()) {
      ControllerOptions options;
      options.refresh = refresh;
      if (!violation(w, timing, options, traffic, 1).empty()) return true;
    }
  }
  if (!violation_of_refreshes(w, timing).empty()) return true;
  return w.device.refresh_management && !violation_of_management(w, timing).empty();
}

TEST_CASE("a controller with one constraint a step too short is found out") {
  for (const Mutation& mutation : kMutations) {
    for (const World& w : worlds()) {
      const bool follows = std::ranges::find(kNotInHbm2, mutation.field) != kNotInHbm2.end();
      if (w.part == Part::kHbm2At2000 && follows) continue;
      // Half a clock shows only where precharges, which start on either edge, come second.
      const bool halves =
          std::ranges::find(kOntoPrecharges, mutation.field) != kOntoPrecharges.end();
      const Tick step = halves ? 1 : TickTiming(w.device).ticks_per_clock;
      CHECK_MESSAGE(found(w, mutation, step), "part ", static_cast<int>(w.part), ": ",
                    std::string(mutation.name));
    }
  }
}

TEST_CASE("a controller that counts to a higher RAAMMT than the device's is found out") {
  for (const World& w : {worlds()[0], worlds()[2]}) {
    for (const std::int64_t more : {0, 1}) {
      Device lenient = w.device;
      lenient.refresh_management->raammt += more;
      ControllerOptions options;
      options.rfm = Rfm::kOn;
      testing::Replay replay(w.device, w.part, options.refresh, Rfm::kOn);
      Channel channel(lenient, options, &replay);
      channel.serve(testing::accesses(w.device, "robaracoch", 2'000, {30, 0, 64}, 1), {});
      CHECK(replay.wrong().ends_with("RAAMMT") == (more > 0));
    }
  }
}

TEST_CASE("refreshes that follow each other are well, and refreshes left out are found out") {
  const World w = worlds()[0];
  CHECK(violation_of_refreshes(w, TickTiming(w.device)).empty());
  CHECK(violation_of_management(w, TickTiming(w.device)).empty());
  // A random access takes 3 clocks and more of a channel, so that 30,000 take longer than eight
  // intervals of 6240 clocks.
  ControllerOptions options;
  options.refresh = Refresh::kNone;
  testing::Replay replay(w.device, w.part, Refresh::kPerBank);
  Channel channel(w.device, options, &replay);
  channel.serve(testing::accesses(w.device, "bgil", 30'000, {0, 0, 1024}, 1), {});
  CHECK(replay.wrong().find("too few refreshes") != std::string::npos);
}

}  // namespace
}  // namespace orrery::hbm
