// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sim/core/random.h"
#include "tests/unit/hardware/hbm_checker.h"
#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

using checker::Event;
using checker::Op;
using checker::Part;
using testing::AccessMix;

struct World {
  Part part;
  Device device;
};
World world(bool third) {
  return third ? World{Part::kHbm3At6400, testing::hbm3()}
               : World{Part::kHbm2At2000, testing::hbm2()};
}

std::vector<Event> events_of(const std::vector<testing::Issued>& issued, const Device& device) {
  const auto stacks = static_cast<int>(device.geometry.stack_ids);
  const Tick half_clocks = device.standard == Standard::kHbm2 ? 2 : 1;
  std::vector<Event> events;
  for (const testing::Issued& i : issued) {
    const auto bank = static_cast<int>(i.bank);
    events.push_back({i.at * half_clocks, static_cast<Op>(i.command), bank / 16 / stacks,
                      bank / 16 % stacks, bank / 4 % 4, bank % 4, i.row});
  }
  return events;
}

std::string violation(const World& w, const TickTiming& timing, const ControllerOptions& options,
                      const std::vector<Request>& requests) {
  testing::Recorder recorder;
  Channel channel(w.device, timing, options, &recorder);
  channel.serve(requests, {});
  CHECK(channel.statistics().requests() == static_cast<std::int64_t>(requests.size()));
  return checker::first_violation(w.part, events_of(recorder.issued, w.device));
}

constexpr std::array<Refresh, 3> kRefreshes = {Refresh::kAllBank, Refresh::kPerBank,
                                               Refresh::kNone};

ControllerOptions random_options(RandomStream& random) {
  ControllerOptions options;
  options.refresh = kRefreshes[random.below(10) % 3];
  options.scheduler = random.below(2) == 0 ? Scheduler::kFrFcfs : Scheduler::kFrFcfsRowHit;
  options.address_map = random.below(2) == 0 ? "bgil" : "robaracoch";
  options.read_queue = random.between(1, 96);
  options.write_queue = random.between(1, 96);
  options.write_high_watermark = random.uniform();
  options.write_low_watermark = options.write_high_watermark * random.uniform();
  return options;
}

AccessMix random_mix(RandomStream& random) {
  return {random.below(101), random.below(101), std::uint32_t{1} << random.below(10)};
}

TEST_CASE("the checker finds nothing in random configurations") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    RandomStream random(seed, "hbm", "configuration");
    const World w = world(seed % 2 == 0);
    const ControllerOptions options = random_options(random);
    const auto requests =
        testing::accesses(w.device, options.address_map, 2'000, random_mix(random), seed);
    const std::string wrong = violation(w, TickTiming(w.device), options, requests);
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
    Mutation{"refresh_act", &TickTiming::refresh_act},
    Mutation{"refresh_bank_act", &TickTiming::refresh_bank_act},
    Mutation{"refresh_bank_other_act", &TickTiming::refresh_bank_other_act},
    Mutation{"act_refresh_bank", &TickTiming::act_refresh_bank},
};

/// It has no stack ids and no tPPD. The others follow from the rest with the figures of this part:
/// tRC 48 = tRAS 34 + tRP 14, tRRDL = tRRDS, and four tRRDS of 4 are longer than tFAW 15.
constexpr std::array kNotInHbm2 = {&TickTiming::read_read_stack, &TickTiming::pre_pre,
                                   &TickTiming::act_act_bank, &TickTiming::act_act_group,
                                   &TickTiming::four_activates};

bool found(const World& w, const Mutation& mutation) {
  TickTiming timing(w.device);
  // One step of the edges on which most commands may start.
  timing.*mutation.field -= timing.ticks_per_clock;
  for (const Refresh refresh : kRefreshes) {
    for (const AccessMix mix : {AccessMix{30, 50, 16}, AccessMix{0, 0, 64}, AccessMix{50, 95, 2}}) {
      for (const char* map : {"bgil", "robaracoch"}) {
        ControllerOptions options;
        options.refresh = refresh;
        const auto requests = testing::accesses(w.device, map, 6'000, mix, 1);
        if (!violation(w, timing, options, requests).empty()) return true;
      }
    }
  }
  return false;
}

TEST_CASE("a controller with one constraint a step too short is found out") {
  for (const Mutation& mutation : kMutations) {
    CHECK_MESSAGE(found(world(true), mutation), "HBM3: ", std::string(mutation.name));
    if (std::ranges::find(kNotInHbm2, mutation.field) != kNotInHbm2.end()) continue;
    CHECK_MESSAGE(found(world(false), mutation), "HBM2: ", std::string(mutation.name));
  }
}

}  // namespace
}  // namespace orrery::hbm
