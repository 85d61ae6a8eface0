// SPDX-License-Identifier: Apache-2.0
//
// Each rule of the checker: a command is legal at the first half clock derived here, and one edge
// sooner it breaks that rule and no other. HBM3 at 6.4 Gb/s: a rule of n clocks is 2 n half clocks
// between the last cycles of two commands; ACT takes 3, RD and WR 2, PRE and REF 1. HBM2 at 2.0
// Gb/s: ACT takes 4 half clocks, all others 2, and all start on whole clocks.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/hardware/hbm_checker.h"

namespace orrery::hbm::checker {
namespace {

using enum Op;

// Where commands go: a bank, one more of its group, one of another group, and one of another stack.
struct At {
  int stack, group, bank;
};
constexpr At kHere{0, 0, 0}, kSameGroup{0, 0, 1}, kOtherGroup{0, 1, 0}, kOtherStack{1, 0, 0};

Event event(std::int64_t half_clock, Op op, At at) {
  return {half_clock, op, 0, at.stack, at.group, at.bank, 1};
}

struct Rule {
  const char* name;
  std::vector<Event> before;
  Op op;
  At at;
  std::int64_t legal;
  std::int64_t edge;  ///< How much sooner the edge before is.
};

void check(Part part, const Rule& rule) {
  std::vector<Event> events = rule.before;
  events.push_back(event(rule.legal, rule.op, rule.at));
  CHECK_MESSAGE(first_violation(part, events).empty(), std::string(rule.name), " at ", rule.legal,
                ": ", first_violation(part, events));
  events.back().half_clock -= rule.edge;
  const std::string wrong = first_violation(part, events);
  const std::string wanted = std::string(": ") + rule.name;
  CHECK_MESSAGE(wrong.ends_with(wanted), std::string(rule.name), " before ", rule.legal, ": '",
                wrong, "'");
}

const std::vector<Event> kAct0 = {event(0, kAct, kHere)};
/// Rows open long since in all four places.
std::vector<Event> open_then(Event last) {
  return {event(-900, kAct, kHere), event(-800, kAct, kSameGroup), event(-700, kAct, kOtherGroup),
          event(-600, kAct, kOtherStack), last};
}

TEST_CASE("HBM3: each rule at its half clock and not at the edge before") {
  const std::vector<Rule> rules = {
      {"tRCDRD", kAct0, kRd, kHere, 64, 2},  // 62 + 3 - 2 = 63, a falling edge
      {"tRCDWR", kAct0, kWr, kHere, 32, 2},  // 30 + 3 - 2 = 31, a falling edge
      {"tRAS", kAct0, kPre, kHere, 92, 1},   // 90 + 3 - 1
      {"tRAS", kAct0, kPreab, kHere, 92, 1},
      {"tRRDS", kAct0, kAct, kOtherGroup, 8, 2},
      {"tRRDL", kAct0, kAct, kSameGroup, 10, 2},
      {"tRRDS", kAct0, kRefpb, kSameGroup, 10, 2},  // 8 + 3 - 1
      // PRE at 92 would let tRP end at 93 + 52 - 3 = 142.
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kAct, kHere, 144, 2},
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kRefpb, kHere, 146, 2},  // 144 + 3 - 1
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kRefab, kHere, 146, 2},
      {"tRP", open_then(event(0, kPre, kHere)), kAct, kHere, 50, 2},  // 52 + 1 - 3
      {"tRP", open_then(event(0, kPre, kHere)), kRefpb, kHere, 52, 2},
      {"tRP", open_then(event(0, kPreab, kHere)), kAct, kOtherStack, 50, 2},
      {"tRP", open_then(event(0, kPreab, kHere)), kRefab, kHere, 52, 2},
      {"tPPD", open_then(event(0, kPre, kHere)), kPre, kOtherStack, 4, 1},
      {"tPPD", open_then(event(0, kPre, kHere)), kPreab, kHere, 4, 1},
      {"tRTP", open_then(event(0, kRd, kHere)), kPre, kHere, 19, 1},  // 18 + 2 - 1
      {"tRTP", open_then(event(0, kRd, kHere)), kPreab, kHere, 19, 1},
      {"tWR", open_then(event(0, kWr, kHere)), kPre, kHere, 91, 1},  // 20 + 4 + 66, + 2 - 1
      {"tCCDS", open_then(event(0, kRd, kHere)), kRd, kOtherGroup, 4, 2},
      {"tCCDL", open_then(event(0, kRd, kHere)), kRd, kSameGroup, 8, 2},
      {"tCCDR", open_then(event(0, kRd, kHere)), kRd, kOtherStack, 6, 2},
      {"tCCDS", open_then(event(0, kWr, kHere)), kWr, kOtherGroup, 4, 2},
      {"tCCDL", open_then(event(0, kWr, kHere)), kWr, kSameGroup, 8, 2},
      {"tRTW", open_then(event(0, kRd, kHere)), kWr, kOtherGroup, 40, 2},
      {"tWTRS", open_then(event(0, kWr, kHere)), kRd, kOtherGroup, 38, 2},  // 20 + 4 + 14
      {"tWTRL", open_then(event(0, kWr, kHere)), kRd, kSameGroup, 44, 2},   // 20 + 4 + 20
      // RDA at 0 precharges at the last cycle 2 + 18, WRA at 2 + 90: then 52 - 3, to a rising edge.
      {"tRP", open_then(event(0, kRda, kHere)), kAct, kHere, 70, 2},
      {"tRP", open_then(event(0, kWra, kHere)), kAct, kHere, 142, 2},
      {"tFAW",
       {event(0, kAct, kHere), event(8, kAct, kOtherGroup), event(16, kAct, {0, 2, 0}),
        event(24, kAct, {0, 3, 0})},
       kAct,
       kOtherStack,
       48,
       2},
      {"tRFCab", {event(0, kRefab, kHere)}, kAct, kHere, 1'118, 2},  // 1120 + 1 - 3
      {"tRFCab", {event(0, kRefab, kHere)}, kRefab, kHere, 1'120, 2},
      {"tRFCpb", {event(0, kRefpb, kHere)}, kAct, kHere, 638, 2},      // 640 + 1 - 3
      {"tRREFD", {event(0, kRefpb, kHere)}, kAct, kSameGroup, 14, 2},  // 16 + 1 - 3
      {"tRREFD", {event(0, kRefpb, kHere)}, kRefpb, kSameGroup, 16, 2},
      {"tRFCpb", {event(0, kRefpb, kHere)}, kRefab, kHere, 640, 2},
      {"on a busy command bus", kAct0, kAct, {0, 1, 0}, 8, 6},
      {"on a falling edge", {}, kAct, kHere, 2, 1},
  };
  for (const Rule& rule : rules) check(Part::kHbm3At6400, rule);
}

// tRFMpb is 320 clocks, as tRFCpb. The rest are the rules of a REFpb.
TEST_CASE("RFM: each rule at its half clock and not at the edge before") {
  const std::vector<Rule> rules = {
      {"tRFMpb", {event(0, kRfmpb, kHere)}, kAct, kHere, 638, 2},  // 640 + 1 - 3
      {"tRFMpb", {event(0, kRfmpb, kHere)}, kRfmpb, kHere, 640, 2},
      {"tRFMpb", {event(0, kRfmpb, kHere)}, kRefpb, kHere, 640, 2},
      {"tRFMpb", {event(0, kRfmpb, kHere)}, kRefab, kSameGroup, 640, 2},
      {"tRREFD", {event(0, kRfmpb, kHere)}, kAct, kSameGroup, 14, 2},  // 16 + 1 - 3
      {"tRREFD", {event(0, kRfmpb, kHere)}, kRfmpb, kSameGroup, 16, 2},
      {"tRREFD", {event(0, kRfmpb, kHere)}, kRefpb, kOtherStack, 16, 2},
      {"tRREFD", {event(0, kRefpb, kHere)}, kRfmpb, kSameGroup, 16, 2},
      {"tRFCpb", {event(0, kRefpb, kHere)}, kRfmpb, kHere, 640, 2},
      {"tRFCab", {event(0, kRefab, kHere)}, kRfmpb, kHere, 1'120, 2},
      {"tRRDS", kAct0, kRfmpb, kSameGroup, 10, 2},  // 8 + 3 - 1
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kRfmpb, kHere, 146, 2},
      {"tRP", open_then(event(0, kPre, kHere)), kRfmpb, kHere, 52, 2},
      {"on a falling edge", {}, kRfmpb, kHere, 2, 1},
  };
  for (const Rule& rule : rules) check(Part::kHbm3At6400, rule);
}

// tRFMab is 560 clocks, as tRFCab. The rest are the rules of a REFab.
TEST_CASE("RFMab: each rule at its half clock and not at the edge before") {
  const std::vector<Rule> rules = {
      {"tRFMab", {event(0, kRfmab, kHere)}, kAct, kOtherStack, 1'118, 2},  // 1120 + 1 - 3
      {"tRFMab", {event(0, kRfmab, kHere)}, kRfmab, kHere, 1'120, 2},
      {"tRFMab", {event(0, kRfmab, kHere)}, kRefab, kHere, 1'120, 2},
      {"tRFMab", {event(0, kRfmab, kHere)}, kRefpb, kSameGroup, 1'120, 2},
      {"tRFMab", {event(0, kRfmab, kHere)}, kRfmpb, kSameGroup, 1'120, 2},
      {"tRFCab", {event(0, kRefab, kHere)}, kRfmab, kHere, 1'120, 2},
      {"tRFCpb", {event(0, kRefpb, kSameGroup)}, kRfmab, kHere, 640, 2},
      {"tRFMpb", {event(0, kRfmpb, kSameGroup)}, kRfmab, kHere, 640, 2},
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kRfmab, kHere, 146, 2},  // 144 + 3 - 1
      {"tRP", open_then(event(0, kPreab, kHere)), kRfmab, kHere, 52, 2},
      {"on a falling edge", {}, kRfmab, kHere, 2, 1},
  };
  for (const Rule& rule : rules) check(Part::kHbm3At6400, rule);
}

// PDE and SRE take 2 half clocks, PDX and SRX 1. tCKE and tXP are 13 clocks, tCKESR 14, tXS 573.
TEST_CASE("power-down and self-refresh: each rule at its half clock and not at the edge before") {
  const std::vector<Event> up = {event(-100, kPde, kHere), event(0, kPdx, kHere)};
  std::vector<Event> up_open = open_then(event(-100, kPde, kHere));
  up_open.push_back(event(0, kPdx, kHere));
  const std::vector<Event> awake = {event(-100, kSre, kHere), event(0, kSrx, kHere)};
  const std::vector<Rule> rules = {
      {"tRDPDE", open_then(event(0, kRd, kHere)), kPde, kHere, 46, 2},  // RL 40 + 4 + 2
      {"tRDPDE", open_then(event(0, kRda, kHere)), kPde, kHere, 46, 2},
      {"tWRPDE", open_then(event(0, kWr, kHere)), kPde, kHere, 92, 2},  // WL 20 + 4 + tWR 66 + 2
      {"tPD", {event(0, kPde, kHere)}, kPdx, kHere, 28, 2},             // 26 + 2 - 1 = 27
      {"tCKE", up, kPde, kHere, 26, 2},                                 // 26 + 1 - 2 = 25
      {"tXP", up, kAct, kHere, 24, 2},                                  // 26 + 1 - 3
      {"tXP", up, kRefab, kHere, 26, 2},
      {"tXP", up, kRefpb, kHere, 26, 2},
      {"tXP", up, kRfmab, kHere, 26, 2},
      {"tXP", up, kSre, kHere, 26, 2},      // 26 + 1 - 2 = 25
      {"tXP", up_open, kRd, kHere, 26, 2},  // 26 + 1 - 2 = 25
      {"tXP", up_open, kWr, kHere, 26, 2},
      {"tXP", up_open, kPre, kHere, 26, 1},
      {"tXP", up_open, kPreab, kHere, 26, 1},
      {"tRP", open_then(event(0, kPreab, kHere)), kSre, kHere, 52, 2},   // 52 + 1 - 2 = 51
      {"tRC", {kAct0[0], event(92, kPre, kHere)}, kSre, kHere, 146, 2},  // 144 + 3 - 2 = 145
      {"tRFCab", {event(0, kRefab, kHere)}, kSre, kHere, 1'120, 2},      // 1120 + 1 - 2
      {"tRFCpb", {event(0, kRefpb, kSameGroup)}, kSre, kHere, 640, 2},   // 640 + 1 - 2
      {"tRFMab", {event(0, kRfmab, kHere)}, kSre, kHere, 1'120, 2},
      {"tRFMpb", {event(0, kRfmpb, kSameGroup)}, kSre, kHere, 640, 2},
      {"tCKESR", {event(0, kSre, kHere)}, kSrx, kHere, 30, 2},  // 28 + 2 - 1 = 29
      {"tXS", awake, kAct, kHere, 1'144, 2},                    // 1146 + 1 - 3
      {"tXS", awake, kRefab, kHere, 1'146, 2},
      {"tXS", awake, kRefpb, kHere, 1'146, 2},
      {"tXS", awake, kPde, kHere, 1'146, 2},  // 1146 + 1 - 2 = 1145
      {"tXS", awake, kSre, kHere, 1'146, 2},
      {"on a falling edge", {}, kPde, kHere, 2, 1},
      {"on a falling edge", {}, kSre, kHere, 2, 1},
  };
  for (const Rule& rule : rules) check(Part::kHbm3At6400, rule);
  // Its read data comes later than its row may be closed: RL 30 + 2 + 1 clocks, of one length all.
  check(Part::kMadeUp, {"tRDSRE",
                        {event(-900, kAct, kHere), event(0, kRd, kHere), event(10, kPre, kHere)},
                        kSre,
                        kHere,
                        66,
                        2});
}

TEST_CASE("from power-down and self-refresh only their exits lead") {
  const auto wrong = [](std::vector<Op> ops) {
    std::vector<Event> events;
    for (const Op op : ops) {
      events.push_back(event(static_cast<std::int64_t>(events.size()) * 2'000, op, kHere));
    }
    return first_violation(Part::kHbm3At6400, events);
  };
  CHECK(wrong({kPde, kPdx, kPde, kPdx, kSre, kSrx, kPde, kPdx, kSre, kSrx}).empty());
  CHECK(wrong({kAct, kPde, kPdx, kRd, kPre}).empty());
  CHECK(wrong({kAct, kSre}).ends_with("while one is open"));
  for (const Op op : {kAct, kRefab, kRefpb, kRfmpb, kRfmab, kPreab, kPde, kSre, kSrx}) {
    CHECK(wrong({kPde, op}) == "command 1: a command in power-down");
  }
  for (const Op op : {kAct, kRefab, kRefpb, kRfmpb, kRfmab, kPreab, kPde, kPdx, kSre}) {
    CHECK(wrong({kSre, op}) == "command 1: a command in self-refresh");
  }
  CHECK(wrong({kPdx}) == "command 0: PDX without PDE");
  CHECK(wrong({kPde, kPdx, kSrx}) == "command 2: SRX without SRE");
}

TEST_CASE("what is owed is refreshed before self-refresh, and all banks once between two") {
  // tREFI is 12'480 half clocks.
  const auto both = [](std::int64_t half_clock, Op op) {
    Event second = event(half_clock + 2, op, kHere);
    second.pseudo = 1;
    return std::vector<Event>{event(half_clock, op, kHere), second};
  };
  const auto wrong = [](std::vector<std::vector<Event>> parts) {
    std::vector<Event> events;
    for (const auto& part : parts) events.insert(events.end(), part.begin(), part.end());
    return first_violation(Part::kHbm3At6400, events, Refreshes::kAllBank);
  };
  const std::vector<Event> enter = {event(14'000, kSre, kHere)};
  CHECK(wrong({both(12'480, kRefab), enter}).empty());
  CHECK(wrong({enter}) == "command 0: refreshes owed at SRE");
  CHECK(wrong({{event(12'480, kRefab, kHere)}, enter}) == "command 1: refreshes owed at SRE");
  CHECK(wrong({{event(0, kSre, kHere), event(20'000'000, kSrx, kHere)}}).empty());
  const std::vector<Event> nap = {event(0, kSre, kHere), event(100, kSrx, kHere)};
  const std::vector<Event> again = {event(6'000, kSre, kHere)};
  CHECK(wrong({nap, again}) == "command 2: refreshes owed at SRE");
  CHECK(wrong({nap, both(2'000, kRefab), again}).empty());
  // Nor may power-down keep a channel from its refreshes for more than eight intervals.
  const std::vector<Event> down = {event(0, kPde, kHere), event(9 * 12'480, kPdx, kHere)};
  CHECK(wrong({down}).empty());
  const std::vector<Event> longer = {event(0, kPde, kHere), event(10 * 12'480, kPdx, kHere)};
  CHECK(wrong({longer}) == "command 1: too few refreshes");
}

/// So many activates of a bank, each closed again.
std::vector<Event> activates(int count, std::int64_t from) {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    events.push_back(event(from + i * 200, kAct, kHere));
    events.push_back(event(from + i * 200 + 100, kPre, kHere));
  }
  return events;
}

TEST_CASE("a bank has no more activates than RAAMMT, and what lowers the count") {
  // Six at most; an RFM takes four off, a refresh two.
  const Activates count{6, 4, 2};
  const auto after = [&](std::vector<Op> between, int more) {
    std::vector<Event> events = activates(6, 0);
    std::int64_t at = 2'000;
    for (const Op op : between) events.push_back(event(at += 2'000, op, kHere));
    for (const Event& e : activates(more, at + 2'000)) events.push_back(e);
    return first_violation(Part::kHbm3At6400, events, Refreshes::kNotDue, count);
  };
  CHECK(after({}, 0).empty());
  CHECK(after({}, 1) == "command 12: RAAMMT");
  CHECK(after({kRfmpb}, 4).empty());
  CHECK(after({kRfmpb}, 5).ends_with(": RAAMMT"));
  CHECK(after({kRefpb}, 2).empty());
  CHECK(after({kRefpb}, 3).ends_with(": RAAMMT"));
  CHECK(after({kRfmab}, 4).empty());
  CHECK(after({kRfmab}, 5).ends_with(": RAAMMT"));
  CHECK(after({kRefab}, 2).empty());
  CHECK(after({kRefab}, 3).ends_with(": RAAMMT"));
  // Not below 0: after 6 - 4 - 4 six more, no more.
  CHECK(after({kRfmpb, kRfmpb}, 6).empty());
  CHECK(after({kRfmpb, kRfmpb}, 7).ends_with(": RAAMMT"));
}

TEST_CASE("HBM2 has no RFM") {
  CHECK(first_violation(Part::kHbm2At2000, {event(0, kRfmpb, kHere)}) ==
        "command 0: RFMpb of a part that has none");
  CHECK(first_violation(Part::kHbm2At2000, {event(0, kRfmab, kHere)}) ==
        "command 0: RFMab of a part that has none");
}

TEST_CASE("HBM2: each rule at its clock and not at the one before") {
  const std::vector<Rule> rules = {
      {"tRCDRD", kAct0, kRd, kHere, 30, 2},  // 28 + 4 - 2
      {"tRCDWR", kAct0, kWr, kHere, 26, 2},  // 24 + 4 - 2
      {"tRAS", kAct0, kPre, kHere, 70, 2},   // 68 + 4 - 2
      {"tRRDS", kAct0, kAct, kOtherGroup, 8, 2},
      {"tRP", {event(-900, kAct, kHere), event(0, kPre, kHere)}, kAct, kHere, 26, 2},  // 28 + 2 - 4
      {"tRTP", {event(-900, kAct, kHere), event(0, kRd, kHere)}, kPre, kHere, 10, 2},
      {"tWR", {event(-900, kAct, kHere), event(0, kWr, kHere)}, kPre, kHere, 46, 2},  // 10 + 4 + 32
      {"tRFCab", {event(0, kRefab, kHere)}, kAct, kHere, 698, 2},                     // 700 + 2 - 4
      {"tRFCpb", {event(0, kRefpb, kHere)}, kAct, kHere, 318, 2},                     // 320 + 2 - 4
      {"tRREFD", {event(0, kRefpb, kHere)}, kAct, kSameGroup, 14, 2},
      {"tRREFD", {event(0, kRefpb, kHere)}, kRefpb, kSameGroup, 16, 2},
      {"tPD", {event(0, kPde, kHere)}, kPdx, kHere, 16, 2},
      {"tXP", {event(-100, kPde, kHere), event(0, kPdx, kHere)}, kAct, kHere, 14, 2},  // 16 + 2 - 4
      {"tCKESR", {event(0, kSre, kHere)}, kSrx, kHere, 18, 2},
      {"tXS", {event(-100, kSre, kHere), event(0, kSrx, kHere)}, kAct, kHere, 714, 2},
  };
  for (const Rule& rule : rules) check(Part::kHbm2At2000, rule);
}

TEST_CASE("a bank is refreshed again only when all others have been") {
  std::vector<Event> events;
  for (int bank = 0; bank < 16; ++bank) {
    events.push_back(event(bank * 1'000, kRefpb, {0, bank / 4, bank % 4}));
  }
  std::vector<Event> twice = events;
  twice.back().group = 0;
  CHECK(first_violation(Part::kHbm2At2000, twice) == "command 15: the set rule");
  events.push_back(event(16'000, kRefpb, kHere));
  CHECK(first_violation(Part::kHbm2At2000, events).empty());
}

TEST_CASE("rows must be open for accesses and closed for the rest") {
  const auto wrong = [](Op op, bool open) {
    std::vector<Event> events;
    if (open) events.push_back(event(-2'000, kAct, kHere));
    events.push_back(event(0, op, kHere));
    return first_violation(Part::kHbm3At6400, events);
  };
  for (const Op op : {kRd, kRda, kWr, kWra, kPre}) {
    CHECK(wrong(op, true).empty());
    CHECK_FALSE(wrong(op, false).empty());
  }
  for (const Op op : {kAct, kRefab, kRefpb, kRfmpb, kRfmab, kSre}) {
    CHECK(wrong(op, false).empty());
    CHECK_FALSE(wrong(op, true).empty());
  }
}

}  // namespace
}  // namespace orrery::hbm::checker
