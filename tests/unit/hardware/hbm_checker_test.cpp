// SPDX-License-Identifier: Apache-2.0
//
// What the checker makes of the controller: nothing wrong in random configurations, and something
// as soon as any one constraint of the controller is a step too short.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
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
  /// Ticks more that there may be now and then.
  Tick longest_gap = 0;
  /// Per-bank refreshes owed in the beginning, as a share of the most.
  double owed = 0;
};

std::vector<Tick> arrivals_of(const Traffic& traffic, std::uint64_t seed) {
  std::vector<Tick> arrivals;
  if (traffic.spacing == 0 && traffic.longest_gap == 0) return arrivals;
  RandomStream random(seed, "hbm", "gaps");
  Tick at = 0;
  for (std::size_t i = 0; i < traffic.count; ++i) {
    arrivals.push_back(at);
    at += traffic.spacing;
    if (traffic.longest_gap == 0 || random.below(4) > 0) continue;
    // Gaps of all orders of magnitude.
    const Tick most = traffic.longest_gap >> random.below(10);
    at += random.between(0, most);
  }
  return arrivals;
}

std::string violation(const World& w, const TickTiming& timing, const ControllerOptions& options,
                      const Traffic& traffic, std::uint64_t seed) {
  const auto requests = testing::accesses(w.device, traffic.map, traffic.count, traffic.mix, seed);
  const std::vector<Tick> arrivals = arrivals_of(traffic, seed);
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
std::string violation_of_management(const World& w, const TickTiming& timing, Rfm rfm) {
  ControllerOptions options;
  options.scheduler = Scheduler::kFcfs;
  options.rfm = rfm;
  testing::Replay replay(w.device, w.part, Refresh::kNone, rfm);
  Channel channel(w.device, timing, options, &replay);
  channel.begin_late(0.9, 0);
  for (std::uint32_t row = 0; row < 100; ++row) {
    channel.submit(Request::make(0, row % 2, 0, false), channel.next_tick());
  }
  channel.finish();
  channel.advance(channel.next_tick() + 20'000);
  const Command managed = rfm == Rfm::kOn ? Command::kRfmpb : Command::kRfmab;
  CHECK(channel.statistics().commands[index_of(managed)] > 10);
  return replay.wrong();
}

constexpr std::array<Refresh, 3> kRefreshes = {Refresh::kAllBank, Refresh::kPerBank,
                                               Refresh::kNone};

ControllerOptions random_options(RandomStream& random) {
  ControllerOptions options;
  options.refresh = kRefreshes[random.below(10) % 3];
  options.rfm = static_cast<Rfm>(random.below(3));
  options.scheduler = static_cast<Scheduler>(random.below(3));
  options.row_policy = static_cast<RowPolicy>(random.below(3));
  options.read_queue = random.between(1, 96);
  options.write_queue = random.between(1, 96);
  options.write_high_watermark = random.uniform();
  options.write_low_watermark = options.write_high_watermark * random.uniform();
  options.power_down = static_cast<PowerDown>(random.below(3));
  options.power_down_after = random.between(0, 1'000) >> random.below(10);
  options.self_refresh = options.refresh == Refresh::kNone || random.below(2) == 0
                             ? SelfRefresh::kOff
                             : SelfRefresh::kOn;
  options.self_refresh_after = random.between(0, 10'000) >> random.below(10);
  return options;
}

TEST_CASE("the checker finds nothing in random configurations") {
  for (std::uint64_t seed = 0; seed < 240; ++seed) {
    RandomStream random(seed, "hbm", "configuration");
    const World w = worlds()[seed % 3];
    ControllerOptions options = random_options(random);
    if (!w.device.refresh_management) options.rfm = Rfm::kOff;
    Traffic traffic;
    traffic.mix = {random.below(101), random.below(101), std::uint32_t{1} << random.below(10)};
    traffic.map = random.below(2) == 0 ? "bgil" : "robaracoch";
    traffic.count = 2'000;
    traffic.spacing = random.below(3) == 0 ? random.between(1, 100) : 0;
    traffic.longest_gap = random.below(2) == 0 ? 50'000 : 0;
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
    Mutation{"rfm_all_act", &TickTiming::rfm_all_act},
    Mutation{"rfm_all_again", &TickTiming::rfm_all_again},
    Mutation{"read_pde", &TickTiming::read_pde},
    Mutation{"write_pde", &TickTiming::write_pde},
    Mutation{"pde_pdx", &TickTiming::pde_pdx},
    Mutation{"pdx_pde", &TickTiming::pdx_pde},
    Mutation{"pdx_column", &TickTiming::pdx_column},
    Mutation{"pdx_act", &TickTiming::pdx_act},
    Mutation{"pdx_pre", &TickTiming::pdx_pre},
    Mutation{"pdx_refresh", &TickTiming::pdx_refresh},
    Mutation{"sre_srx", &TickTiming::sre_srx},
    // Of what follows an SRX: it comes for a request, whose activate goes before a refresh.
    Mutation{"srx_act", &TickTiming::srx_act},
};

constexpr std::array kOntoPrecharges = {&TickTiming::act_pre, &TickTiming::read_pre,
                                        &TickTiming::write_pre, &TickTiming::pre_pre,
                                        &TickTiming::pdx_pre};

/// HBM2 has no tPPD and no RFM, and with its figures the others follow from the rest: tRC 48 = tRAS
/// 34 + tRP 14, tRRDL = tRRDS, and four tRRDS of 4 are longer than tFAW 15. (So kMadeUp.)
constexpr std::array kNotInHbm2 = {&TickTiming::read_read_stack, &TickTiming::pre_pre,
                                   &TickTiming::act_act_bank,    &TickTiming::act_refresh,
                                   &TickTiming::act_act_group,   &TickTiming::four_activates,
                                   &TickTiming::rfm_bank_act,    &TickTiming::rfm_bank_again,
                                   &TickTiming::rfm_all_act,     &TickTiming::rfm_all_again};

/// Traffic in which each constraint binds in one or another.
const std::vector<Traffic>& traffics() {
  static const std::vector<Traffic> kTraffics = {
      {{30, 50, 16}},
      {{0, 0, 64}},
      {{50, 95, 2}},
      {{30, 50, 16}, "robaracoch"},
      {{50, 95, 2}, "robaracoch"},
      // Refreshes that are owed are made up for while little else goes on.
      {{0, 0, 64}, "bgil", 600, 400, 0, 0.9},
  };
  return kTraffics;
}

/// Channels that save power in whatever way, with gaps in which they do.
std::string violation_of_idling(const World& w, const TickTiming& timing) {
  for (const Refresh refresh : {Refresh::kAllBank, Refresh::kPerBank}) {
    for (const PowerDown power_down :
         {PowerDown::kOff, PowerDown::kActive, PowerDown::kPrecharge}) {
      for (const std::int64_t self_refresh_after : {0, 1'000, 1'000'000'000}) {
        ControllerOptions options;
        options.refresh = refresh;
        options.power_down = power_down;
        options.power_down_after = 0;
        options.self_refresh = SelfRefresh::kOn;
        options.self_refresh_after = self_refresh_after;
        const Traffic traffic{{30, 60, 2}, "robaracoch", 1'000, 0, 40'000};
        std::string wrong = violation(w, timing, options, traffic, 1);
        if (!wrong.empty()) return wrong;
      }
    }
  }
  return {};
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
  if (!violation_of_idling(w, timing).empty()) return true;
  if (!w.device.refresh_management) return false;
  return !violation_of_management(w, timing, Rfm::kOn).empty() ||
         !violation_of_management(w, timing, Rfm::kAllBank).empty();
}

TEST_CASE("a controller with one constraint a step too short is found out") {
  for (const Mutation& mutation : kMutations) {
    for (const World& w : worlds()) {
      const bool follows = std::ranges::find(kNotInHbm2, mutation.field) != kNotInHbm2.end();
      if (w.part == Part::kHbm2At2000 && follows) continue;
      // Where tCKE is no longer than tXP, it is over when the refresh is given that it woke for.
      const bool short_stay = w.device.low_power->cke <= w.device.low_power->xp;
      if (mutation.field == &TickTiming::pdx_pde && short_stay) continue;
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
  for (const auto& [w, rfm] : {std::pair(worlds()[0], Rfm::kOn), std::pair(worlds()[2], Rfm::kOn),
                               std::pair(worlds()[0], Rfm::kAllBank)}) {
    for (const std::int64_t more : {0, 1}) {
      Device lenient = w.device;
      lenient.refresh_management->raammt += more;
      ControllerOptions options;
      options.rfm = rfm;
      testing::Replay replay(w.device, w.part, options.refresh, rfm);
      Channel channel(lenient, options, &replay);
      channel.serve(testing::accesses(w.device, "robaracoch", 2'000, {30, 0, 64}, 1), {});
      CHECK(replay.wrong().ends_with("RAAMMT") == (more > 0));
    }
  }
}

TEST_CASE("refreshes that follow each other are well, and refreshes left out are found out") {
  const World w = worlds()[0];
  CHECK(violation_of_refreshes(w, TickTiming(w.device)).empty());
  CHECK(violation_of_management(w, TickTiming(w.device), Rfm::kOn).empty());
  CHECK(violation_of_management(w, TickTiming(w.device), Rfm::kAllBank).empty());
  for (const World& each : worlds()) {
    const std::string wrong = violation_of_idling(each, TickTiming(each.device));
    CHECK_MESSAGE(wrong.empty(), static_cast<int>(each.part), ": ", wrong);
  }
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
