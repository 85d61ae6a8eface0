// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/study/pim_checker.h"

#include <doctest/doctest.h>

#include <bit>
#include <set>

#include "tests/unit/study/pim_world.h"

namespace orrery::testing {
namespace {

using pim::ChannelRun;
using pim::Issued;
using pim::Kind;

/// MACs of single banks here and there, and some of all banks between.
pim::Plan bank_macs(const pim::Device& device) {
  const std::int64_t banks = device.geometry.banks_of_channel();
  const pim::BankSet all = banks == 64 ? ~pim::BankSet{0} : (pim::BankSet{1} << banks) - 1;
  pim::Program program;
  for (std::int32_t i = 0; i < 400; ++i) {
    pim::Request request;
    request.purpose = pim::Part::kMac;
    request.kind = i % 50 == 49 ? Kind::kMac : Kind::kMacBank;
    request.banks = i % 50 == 49 ? all : pim::BankSet{1} << (i * 7 % banks);
    request.row = i / 60;
    request.column = i % 32;
    program.push_back(request);
  }
  return {{program, {0}}};
}

/// Each of AiM's instructions after each other one, in a few rows and banks.
pim::Plan aim_mix() {
  pim::Program program;
  const auto put = [&](Kind kind, std::int32_t row, pim::BankSet banks) {
    for (std::int32_t column = 0; column < 3; ++column) {
      pim::Request request;
      request.kind = kind;
      request.row = row;
      request.banks = banks;
      request.column = column;
      program.push_back(request);
    }
  };
  constexpr Kind kKinds[] = {Kind::kMac,       Kind::kMacBank, Kind::kMultiply, Kind::kFunction,
                             Kind::kCopyOut,   Kind::kCopyIn,  Kind::kWriteAll, Kind::kBufferWrite,
                             Kind::kBiasWrite, Kind::kRead,    Kind::kWrite,    Kind::kResultMove};
  for (const Kind first : kKinds) {
    for (const Kind second : kKinds) {
      for (const std::int32_t row : {7, 8}) {
        const pim::BankSet all = 0xffff;
        put(first, 7, reaches_all(first) ? all : 4);
        put(second, row, reaches_all(second) ? all : 4);
      }
    }
  }
  return {{program, {0}}};
}

std::vector<ChannelRun> sample_runs(const pim::Device& device, const pim::Program& host = {}) {
  const auto mapper = make_mapper(device);
  std::vector<ChannelRun> runs;
  std::vector<pim::Plan> plans = {
      mapper->gemv({4096, 4096, 1}),          mapper->gemv({100, 3000, 1}),
      mapper->attention({64, 64, 128, 2048}), mapper->attention({32, 8, 128, 777}),
      mapper->attention({8, 1, 80, 40}),
  };
  const bool has_bank_macs =
      device.style == pim::Style::kAim || device.style == pim::Style::kAttacc;
  if (has_bank_macs) plans.push_back(bank_macs(device));
  if (device.style == pim::Style::kAim) plans.push_back(aim_mix());
  for (const pim::Plan& plan : plans) {
    for (ChannelRun& run : runs_of(device, plan, host)) runs.push_back(std::move(run));
  }
  return runs;
}

TEST_CASE("the checker accepts what the PIM channels issue") {
  for (const std::string name : kPimDevices) {
    for (const std::string refresh : {"refresh=all-bank", "refresh=none"}) {
      CAPTURE(name);
      CAPTURE(refresh);
      const pim::Device device = shipped_pim(name, {refresh});
      for (const ChannelRun& run : sample_runs(device)) {
        CHECK(pim_violation(device.style, run.commands) == "");
      }
    }
  }
}

TEST_CASE("the checker accepts PIM and host commands together") {
  for (const std::string name : kPimDevices) {
    CAPTURE(name);
    const pim::Device device = shipped_pim(name, {"refresh=all-bank"});
    const pim::Program host = reads_every(29, 400, device.geometry.banks_of_channel());
    for (const ChannelRun& run : sample_runs(device, host)) {
      CHECK(run.host_requests == 400);
      CHECK(pim_violation(device.style, run.commands) == "");
    }
  }
}

TEST_CASE("the checker accepts each AiM instruction after each other") {
  for (const std::string refresh : {"refresh=all-bank", "refresh=none"}) {
    const pim::Device device = shipped_pim("gddr6-aim", {refresh});
    for (const ChannelRun& run : runs_of(device, aim_mix())) {
      CHECK(pim_violation(device.style, run.commands) == "");
    }
  }
}

TEST_CASE("the checker accepts AttAcc with units at bank groups and on the buffer die") {
  for (const std::string level : {"bank-group", "buffer"}) {
    CAPTURE(level);
    const pim::Device device = shipped_pim("attacc-hbm3", {"compute.level=" + level});
    const auto mapper = make_mapper(device);
    for (const bool shared : {false, true}) {
      const pim::Program host = shared ? reads_every(29, 400, 64) : pim::Program{};
      for (const pim::Plan& plan :
           {mapper->attention({32, 32, 128, 1024}), mapper->attention({21, 7, 80, 333}),
            mapper->attention({1, 1, 64, 1}), mapper->gemv({3000, 500, 2})}) {
        for (const ChannelRun& run : runs_of(device, plan, host)) {
          CHECK(run.host_requests == (shared ? 400 : 0));
          CHECK(pim_violation(device.style, run.commands) == "");
        }
      }
    }
  }
}

TEST_CASE("the checker accepts plain accesses and element-wise jobs of HBM-PIM") {
  const pim::Device device = shipped_pim("samsung-hbm-pim");
  const Bytes some = Bytes(1) * (4 << 20);
  for (const pim::Plan& plan :
       {host_accesses(device, some, some),
        make_mapper(device)->elementwise({pim::Elementwise::Operation::kAdd, 1 << 20}),
        make_mapper(device)->elementwise({pim::Elementwise::Operation::kRelu, 1000})}) {
    for (const ChannelRun& run : runs_of(device, plan)) {
      CHECK(pim_violation(device.style, run.commands) == "");
    }
  }
}

// A command whose time a rule of the table decided is, a clock earlier, against that rule. The
// checker, which has the rule from elsewhere, must say so, for each rule that ever decides.
TEST_CASE("the checker refuses a command a clock too early, whatever rule held it") {
  for (const std::string name : kPimDevices) {
    CAPTURE(name);
    const pim::Device device = shipped_pim(name, {"refresh=all-bank"});
    const std::vector<pim::Rule> rules = rules_of(device);
    const pim::Program host = reads_every(29, 400, device.geometry.banks_of_channel());
    std::set<std::int32_t> tried;
    for (const ChannelRun& run : sample_runs(device, host)) {
      for (std::size_t i = 0; i < run.commands.size(); ++i) {
        const pim::Link& link = run.commands[i].link;
        if (link.wait != pim::Wait::kRule || !tried.insert(link.rule).second) continue;
        const pim::Rule& rule = rules[static_cast<std::size_t>(link.rule)];
        // A mode switch stands in the slot of what it is for, and has no such rule itself.
        const bool stands_in = rule.after != run.commands[i].kind;
        // What came before in the same clock would now be behind it.
        if (stands_in || run.commands[i - 1].at == run.commands[i].at) {
          tried.erase(link.rule);
          continue;
        }
        std::vector<Issued> early(run.commands.begin(),
                                  run.commands.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        --early.back().at;
        CAPTURE(rule.name);
        CAPTURE(pim::kKindNames[index_of(rule.before)]);
        CAPTURE(pim::kKindNames[index_of(rule.after)]);
        CHECK(pim_violation(device.style, early) != "");
      }
    }
    CHECK(tried.size() >= 12);
  }
}

std::vector<Issued> without(std::vector<Issued> commands, Kind kind) {
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (commands[i].kind != kind) continue;
    commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(i));
    return commands;
  }
  FAIL("no such command");
  return commands;
}

TEST_CASE("the checker refuses wrong states") {
  const auto first_run = [](const pim::Device& device, const pim::Plan& plan) {
    return runs_of(device, plan).front().commands;
  };
  const pim::Device attacc = shipped_pim("attacc-hbm3");
  const auto attention = first_run(attacc, make_mapper(attacc)->attention({16, 16, 128, 2048}));
  CHECK(pim_violation(attacc.style, without(attention, Kind::kActivateAll)) != "");
  CHECK(pim_violation(attacc.style, without(attention, Kind::kPrechargeAll)) != "");
  auto other_row = attention;
  for (Issued& c : other_row) {
    if (c.kind == Kind::kMac) ++c.row;
  }
  CHECK(pim_violation(attacc.style, other_row) != "");
  auto some_banks = attention;
  for (Issued& c : some_banks) {
    if (c.kind == Kind::kMac) c.banks = 1;
  }
  CHECK(pim_violation(attacc.style, some_banks) != "");

  const pim::Device aim = shipped_pim("gddr6-aim");
  const auto gemv = first_run(aim, make_mapper(aim)->gemv({512, 1024, 1}));
  CHECK(pim_violation(aim.style, without(gemv, Kind::kModeSwitch)) != "");

  const pim::Device samsung = shipped_pim("samsung-hbm-pim");
  auto lock_step = first_run(samsung, make_mapper(samsung)->gemv({4096, 1024, 1}));
  CHECK(pim_violation(samsung.style, lock_step) == "");
  // Without one of the four writes to the mode row there is no lock step.
  for (Issued& c : lock_step) {
    if (c.kind == Kind::kWrite && c.row == 0x17ff) {
      c.row = 0x17fe;
      break;
    }
  }
  CHECK(pim_violation(samsung.style, lock_step) != "");
  auto never_on = first_run(samsung, make_mapper(samsung)->gemv({4096, 1024, 1}));
  for (Issued& c : never_on) {
    if (c.kind == Kind::kWrite && c.row == 0x3fff && c.column == 0) c.column = 1;
  }
  CHECK(pim_violation(samsung.style, never_on) != "");
}

}  // namespace
}  // namespace orrery::testing
