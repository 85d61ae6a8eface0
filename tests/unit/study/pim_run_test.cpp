// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/pim_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "sim/core/errors.h"
#include "tests/unit/study/pim_world.h"

namespace orrery::testing {
namespace {

namespace fs = std::filesystem;
using pim::Attention;
using pim::Elementwise;
using pim::Gemv;
using pim::Kind;
using pim::Part;
using Operation = pim::Elementwise::Operation;

TEST_CASE("each shipped PIM device loads, computes, and accounts for its clocks") {
  int devices = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(ORRERY_SOURCE_DIR) / "configs" / "hardware/pim")) {
    CAPTURE(entry.path().string());
    const pim::Device device = load_pim(entry.path().string(), {});
    ++devices;
    const auto mapper = make_mapper(device);
    for (const pim::Plan& plan :
         {mapper->gemv({1000, 600, 1}), mapper->attention({16, 4, 128, 900})}) {
      const pim::Report report = run_plan(device, plan);
      std::int64_t of_parts = 0;
      std::int64_t of_terms = 0;
      for (const std::int64_t clocks : report.path.clocks) of_parts += clocks;
      for (const pim::PathTerm& term : report.path.terms) of_terms += term.clocks * term.count;
      CHECK(report.cycles > 0);
      CHECK(of_parts == report.cycles);
      CHECK(of_terms == report.cycles);
    }
  }
  CHECK(devices == 4);
}

double error(std::int64_t ours, double theirs) { return static_cast<double>(ours) / theirs - 1; }

// The reference figures are what the public simulators print for these jobs with the parameters
// that the device files carry: SAITPublic/PIMSimulator b464dde (PIMBenchFixture gemv and add),
// scale-snu/attacc_simulator c600051 (bank level, power cap, 64 heads of 128 dimensions, 2048
// tokens), arkhadem/aim_simulator 0f28a07 (test/micro_macab_1024_16banks.csv).
TEST_CASE("the PIM devices take as many clocks as their reference simulators") {
  constexpr double kBar = 0.03;
  const auto within = [&](std::int64_t ours, double theirs) {
    CAPTURE(ours);
    CAPTURE(theirs);
    CHECK(error(ours, theirs) < kBar);
    CHECK(error(ours, theirs) > -kBar);
  };
  const pim::Device samsung = shipped_pim("samsung-hbm-pim");
  const PimRun gemv = run_pim(samsung, {Gemv{4096, 4096, 1}, {}, {}, {}}, 0, {});
  within(gemv.report.cycles, 13'166);
  within(gemv.host_cycles.value(), 36'082);
  const PimRun add = run_pim(samsung, {{}, {}, Elementwise{Operation::kAdd, 1 << 20}, {}}, 0, {});
  within(add.report.cycles, 3'349);
  within(add.host_cycles.value(), 6'651);

  const pim::Device attacc = shipped_pim("attacc-hbm3");
  const PimRun attention = run_pim(attacc, {{}, Attention{64, 64, 128, 2048}, {}, {}}, 0, {});
  within(attention.report.cycles, 16'161);
  // Their trace has one more a channel, a dummy that opens the first row: 32,784 - 16.
  CHECK(attention.report.counts.commands[index_of(Kind::kMac)] == 32'768);
}

// HBM-PIM is entered by 16 reads that park the banks, 4 writes to the mode row and one to the
// CRF, and left by 2 writes and 16 reads; each tile of outputs turns PIM on and off by a write.
TEST_CASE("HBM-PIM's modes are writes and reads of rows with a meaning") {
  const pim::Device device = shipped_pim("samsung-hbm-pim");
  for (const std::int64_t tiles : {1, 3}) {
    const auto runs = runs_of(device, make_mapper(device)->gemv({4096 * tiles, 256, 1}));
    REQUIRE(runs.size() == 1);
    std::int64_t reads = 0;
    std::int64_t writes = 0;
    for (const pim::Issued& c : runs[0].commands) {
      if (c.purpose != Part::kMode) continue;
      reads += c.kind == Kind::kRead ? 1 : 0;
      writes += c.kind == Kind::kWrite ? 1 : 0;
    }
    CHECK(reads == 16 + 16);
    CHECK(writes == 4 + 1 + 2 * tiles + 2);
  }
}

// One head a channel, without refresh and with one move of its softmax. Scores: 2048 tokens on 16
// bank groups, 128 a group, two columns each: 256 MACs, 8 rows; values the same. 64 banks in each
// of 16 channels. Operands: 4 banks x 2 columns. Moves: scores in 8 pieces of 8, weights 8 x 128/16
// = 64, results 2 pieces of 8: 144.
TEST_CASE("energy is counts times the energy of each command") {
  const pim::Device device =
      shipped_pim("attacc-hbm3", {"refresh=none", "control.lone_head_repeats_moves=false"});
  const pim::Report report = run_plan(device, make_mapper(device)->attention({16, 16, 128, 2048}));
  const double expected = 16 * (64 * 16 * 901.0 + 64 * 512 * 123.0 + 8 * 778.0 + 144 * 701.0);
  CHECK(report.energy.total_pj() == doctest::Approx(expected));
  // A channel's refresh restores 16384 / 8192 = 2 rows of each of its 64 banks.
  const pim::Device refreshed = shipped_pim("attacc-hbm3", {"energy.background_mw=10"});
  const pim::Report both =
      run_plan(refreshed, make_mapper(refreshed)->attention({64, 64, 128, 2048}));
  const auto refreshes = static_cast<double>(both.counts.commands[index_of(Kind::kRefresh)]);
  CHECK(both.energy.refresh_pj == doctest::Approx(refreshes * 64 * 2 * 901.0));
  CHECK(both.energy.background_pj ==
        doctest::Approx(10 * 16 * 0.769 * static_cast<double>(both.cycles)));
}

// Each bank's half of a tile: an operand is eight columns, the result eight, and a dummy write ends
// the tile. 131,072 numbers are a tile: 16 lanes x 8 columns x 16 banks x 64 channels; one more
// number begins a second.
TEST_CASE("element-wise jobs read their operands and write their result") {
  const pim::Device device = shipped_pim("samsung-hbm-pim");
  const auto count = [&](Operation operation, std::int64_t elements, Part part) {
    const auto runs = runs_of(device, make_mapper(device)->elementwise({operation, elements}));
    REQUIRE(runs.size() == 1);
    return std::count_if(
        runs[0].commands.begin(), runs[0].commands.end(), [&](const pim::Issued& c) {
          return c.purpose == part && (c.kind == Kind::kRead || c.kind == Kind::kWrite);
        });
  };
  for (const std::int64_t tiles : {1, 2}) {
    const std::int64_t elements = (tiles - 1) * 131'072 + 1;
    CHECK(count(Operation::kAdd, elements, Part::kMac) == tiles * 2 * 2 * 8);
    CHECK(count(Operation::kMultiply, elements, Part::kMac) == tiles * 2 * 2 * 8);
    CHECK(count(Operation::kRelu, elements, Part::kMac) == tiles * 2 * 8);
    CHECK(count(Operation::kRelu, elements, Part::kReadOut) == tiles * (2 * 8 + 1));
  }
}

// HBM-PIM: the read enters the window at 1 and is activated; it goes 14 later, its data end 20 + 2
// after that; the write goes in the slot after, though the bus would be free 15 after the read.
TEST_CASE("what the host writes waits for the data that it reads") {
  const pim::Device device = shipped_pim("samsung-hbm-pim");
  pim::Program program(2);
  program[0].barrier = program[0].drains = true;
  program[1].kind = Kind::kWrite;
  program[1].column = 1;
  const auto runs = runs_of(device, {{program, {0}}});
  REQUIRE(runs.at(0).commands.size() == 3);
  CHECK(runs[0].commands[2].at == 1 + 14 + 20 + 2 + 1);
  CHECK(runs[0].commands[2].link.wait == pim::Wait::kData);
  program[0].drains = false;
  CHECK(runs_of(device, {{program, {0}}}).at(0).commands[2].at == 1 + 14 + 15);
}

// 2048 tokens: 128 a bank group, 8 pieces of 16. The softmax's results are 8 groups x 128 / 16
// accesses; a head without a partner moves them after each piece and once more at the end.
TEST_CASE("a head without a partner moves its softmax's results after each piece") {
  const auto moves = [](bool repeats) {
    const pim::Device device = shipped_pim(
        "attacc-hbm3",
        {std::string("control.lone_head_repeats_moves=") + (repeats ? "true" : "false")});
    const auto plan = make_mapper(device)->attention({16, 16, 128, 2048});
    return run_plan(device, plan).counts.commands[index_of(Kind::kBufferMove)] / 16;
  };
  CHECK(moves(false) == 64);
  CHECK(moves(true) == 64 * 9);
}

// A column costs its way to the unit: none at the bank, to the group 258.6 pJ, to the die 701.
TEST_CASE("columns pay for their way to AttAcc's units") {
  const auto each = [](const std::string& level) {
    const pim::Device device = shipped_pim("attacc-hbm3", {"compute.level=" + level});
    const pim::Report report = run_plan(device, make_mapper(device)->attention({32, 32, 128, 100}));
    return report.energy.mac_pj / static_cast<double>(report.counts.mac_columns);
  };
  CHECK(each("bank") == doctest::Approx(123));
  CHECK(each("bank-group") == doctest::Approx(123 + 258.6));
  CHECK(each("buffer") == doctest::Approx(123 + 701));
  CHECK_THROWS_AS(
      shipped_pim("attacc-hbm3", {"compute.level=bank-group", "energy.group_move_pj=0"}),
      ConfigError);
}

TEST_CASE("host reads slow PIM where they share row buffers, and not where banks have two") {
  const auto slowdown = [](const std::string& name, double* latency_ns) {
    const pim::Device device = shipped_pim(name, {"refresh=none"});
    PimJob job;
    job.attention = Attention{32, 8, 128, 2000};
    const PimRun alone = run_pim(device, job, 0, {});
    const PimRun shared = run_pim(device, job, 20e9, {});
    *latency_ns = shared.host_latency_ns.value();
    return static_cast<double>(shared.report.cycles) / static_cast<double>(alone.report.cycles);
  };
  double attacc_ns = 0;
  double neupims_ns = 0;
  // AttAcc: each 186 clocks of MACs on a row, then a turn of the host, who closes and opens rows.
  CHECK(slowdown("attacc-hbm3", &attacc_ns) > 1.05);
  // NeuPIMs: only activates (power) and the bus's slots are shared.
  CHECK(slowdown("neupims", &neupims_ns) < 1.05);
  // Where rows are shared, a read waits for the PIM row under it: half of 186 clocks of 0.769 ns
  // on average, and more where it just missed its turn.
  CHECK(attacc_ns > 70);
  CHECK(neupims_ns < 60);
}

TEST_CASE("what does not fit a PIM device is refused") {
  const pim::Device attacc = shipped_pim("attacc-hbm3");
  const auto mapper = make_mapper(attacc);
  CHECK_THROWS_AS(static_cast<void>(mapper->attention({3, 2, 128, 10})), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(mapper->attention({8, 8, 128, 1LL << 40})), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(mapper->gemv({16, 1 << 20})), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(mapper->elementwise({Operation::kAdd, 1 << 20})), ConfigError);
  const pim::Device samsung = shipped_pim("samsung-hbm-pim");
  CHECK_THROWS_AS(
      static_cast<void>(make_mapper(samsung)->elementwise({Operation::kAdd, 1LL << 40})),
      ConfigError);
  CHECK_THROWS_AS(shipped_pim("neupims", {"timing.sources="}), ConfigError);
  CHECK_THROWS_AS(shipped_pim("gddr6-aim", {"compute.level=buffer"}), ConfigError);
}

}  // namespace
}  // namespace orrery::testing
