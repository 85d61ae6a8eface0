// SPDX-License-Identifier: Apache-2.0
//
// For each constraint the first tick at which a command is legal: one tick earlier it is not. Of
// HBM3 at 6.4 Gb/s, in half clocks: a constraint of n clocks is 2 n ticks between the last cycles
// of two commands; ACT takes 3 ticks, RD and WR 2, PRE and REF 1. Except for precharges a command
// starts on an even tick, a rising edge.
#include "sim/hardware/hbm/bank_timing.h"

#include <doctest/doctest.h>

#include "tests/unit/hardware/hbm_world.h"

namespace orrery::hbm {
namespace {

// Banks of the channel: the first one, one more of its group, one of another stack id, and one of
// the other pseudo-channel.
constexpr std::uint32_t kBank = 0;
constexpr std::uint32_t kSameGroup = 1;
constexpr std::uint32_t kOtherStack = 16;

BankTiming fresh() { return BankTiming(testing::hbm3(), TickTiming(testing::hbm3())); }

TEST_CASE("after an activate") {
  BankTiming banks = fresh();
  banks.act(kBank, 7, 0);
  CHECK(banks.open_row(kBank) == 7);
  CHECK(banks.read_at(kBank, 0) == 64);      // tRCDRD 62 + 3 - 2 = 63, then the rising edge
  CHECK(banks.write_at(kBank, 0) == 32);     // tRCDWR 30 + 3 - 2 = 31
  CHECK(banks.pre_at(kBank, 0) == 92);       // tRAS 90 + 3 - 1
  CHECK(banks.act_at(kBank, 0) == 144);      // tRC
  CHECK(banks.act_at(kSameGroup, 0) == 10);  // tRRDL
  CHECK(banks.act_floor(0, 0) == 8);         // tRRDS
  CHECK(banks.act_floor(1, 0) == 4);         // the row bus is busy for 3
  CHECK(banks.pre_floor(1, 0) == 3);
  CHECK(banks.earliest_refpb(kSameGroup, 0) == 10);  // tRRDS 8 + 3 - 1
  CHECK(banks.earliest_refpb(kBank, 0) == 146);      // tRC 144 + 3 - 1
}

TEST_CASE("four activates fill the window") {
  BankTiming banks = fresh();
  for (std::uint32_t i = 0; i < 3; ++i) banks.act(4 * i, 0, 8 * i);
  CHECK(banks.act_floor(0, 0) == 24);  // tRRDS after the third
  banks.act(12, 0, 24);
  CHECK(banks.act_floor(0, 0) == 48);  // tFAW after the first, not 32
}

TEST_CASE("after a precharge") {
  BankTiming banks = fresh();
  banks.act(kBank, 0, -200);
  banks.pre(kBank, 0);
  CHECK(banks.open_row(kBank) == kNoRow);
  CHECK(banks.act_at(kBank, 0) == 50);          // tRP 52 + 1 - 3
  CHECK(banks.earliest_refpb(kBank, 0) == 52);  // tRP
  CHECK(banks.earliest_refab(0, 0) == 52);
  CHECK(banks.pre_floor(0, 0) == 4);  // tPPD
  CHECK(banks.pre_floor(1, 0) == 1);  // the bus; falling edges are for precharges
  CHECK(banks.act_floor(1, 0) == 2);
  banks.preab(0, 100);
  CHECK(banks.act_at(kOtherStack, 0) == 150);
  CHECK(banks.pre_floor(0, 0) == 104);
}

TEST_CASE("after a read") {
  BankTiming banks = fresh();
  banks.read(kBank, 0);
  CHECK(banks.pre_at(kBank, 0) == 19);  // tRTP 18 + 2 - 1
  CHECK(banks.earliest_preab(0, 0) == 19);
  CHECK(banks.read_floor(0, 0) == 4);         // tCCDS
  CHECK(banks.read_at(kSameGroup, 0) == 8);   // tCCDL
  CHECK(banks.read_at(kOtherStack, 0) == 6);  // tCCDR
  CHECK(banks.write_floor(0, 0) == 40);       // tRTW
  CHECK(banks.read_floor(1, 0) == 2);         // the column bus
}

TEST_CASE("after a write") {
  BankTiming banks = fresh();
  banks.write(kBank, 0);
  CHECK(banks.pre_at(kBank, 0) == 91);        // CWL 20 + burst 4 + tWR 66, + 2 - 1
  CHECK(banks.write_floor(0, 0) == 4);        // tCCDS
  CHECK(banks.write_at(kSameGroup, 0) == 8);  // tCCDL
  CHECK(banks.read_floor(0, 0) == 38);        // CWL 20 + burst 4 + tWTRS 14
  CHECK(banks.read_at(kSameGroup, 0) == 44);  // CWL 20 + burst 4 + tWTRL 20
  CHECK(banks.read_floor(1, 0) == 2);         // the other pseudo-channel has a bus of its own
}

TEST_CASE("after refreshes") {
  BankTiming all = fresh();
  all.refab(0, 0);
  CHECK(all.act_floor(0, 0) == 1'118);  // tRFCab 350 ns, 1120 + 1 - 3
  CHECK(all.earliest_refab(0, 0) == 1'120);
  CHECK(all.act_floor(1, 0) == 2);
  BankTiming one = fresh();
  one.refpb(kBank, 0);
  CHECK(one.act_at(kBank, 0) == 638);     // tRFCpb 200 ns, 640 + 1 - 3
  CHECK(one.act_floor(0, 0) == 14);       // tRREFD 16 + 1 - 3
  CHECK(one.act_at(kSameGroup, 0) == 0);  // another bank waits for nothing else
  CHECK(one.earliest_refpb(kSameGroup, 0) == 16);
  CHECK(one.earliest_refpb(kBank, 0) == 640);
}

TEST_CASE("after an RFMab") {
  BankTiming banks = fresh();
  banks.rfmab(0, 0);
  CHECK(banks.act_floor(0, 0) == 1'118);  // tRFMab 350 ns, 1120 + 1 - 3
  CHECK(banks.earliest_refab(0, 0) == 1'120);
  CHECK(banks.earliest_refpb(kSameGroup, 0) == 1'120);
  CHECK(banks.act_floor(1, 0) == 2);
}

TEST_CASE("into power-down and out of it") {
  BankTiming read = fresh();
  read.read(kBank, 0);
  read.delay_power_down(false, 0);
  CHECK(read.earliest_pde(0) == 46);  // CL 40 + burst 4 + 2
  CHECK(read.earliest_sre(0) == 46);
  BankTiming write = fresh();
  write.write(kBank, 0);
  write.delay_power_down(true, 0);
  CHECK(write.earliest_pde(0) == 92);  // CWL 20 + burst 4 + tWR 66 + 2
  BankTiming banks = fresh();
  banks.pde(0);
  CHECK(banks.earliest_exit(0) == 28);      // tPD 26 + 2 - 1 = 27
  CHECK(banks.read_floor(0, 0) == kNever);  // nothing else till then
  banks.pdx(100);
  CHECK(banks.earliest_pde(0) == 126);  // tCKE 26 + 1 - 2 = 25
  for (const std::uint32_t pseudo : {0U, 1U}) {
    CHECK(banks.act_floor(pseudo, 0) == 124);  // tXP 26 + 1 - 3
    CHECK(banks.pre_floor(pseudo, 0) == 126);
    CHECK(banks.read_floor(pseudo, 0) == 126);  // 26 + 1 - 2 = 25
    CHECK(banks.write_floor(pseudo, 0) == 126);
    CHECK(banks.earliest_refab(pseudo, 0) == 126);
  }
  CHECK(banks.earliest_sre(0) == 126);  // 26 + 1 - 2 = 25
}

TEST_CASE("into self-refresh and out of it") {
  BankTiming banks = fresh();
  banks.act(kBank, 0, 0);
  banks.preab(0, 92);
  CHECK(banks.earliest_sre(0) == 146);  // tRC 144 + 3 - 2 = 145; tRP 92 + 52 + 1 - 2 = 143
  banks.refab(1, 200);
  CHECK(banks.earliest_sre(0) == 1'320);  // tRFCab 200 + 1120 + 1 - 2 = 1319
  banks.sre(1'320);
  CHECK(banks.earliest_exit(0) == 1'350);  // tCKESR 28 + 2 - 1 = 29
  banks.srx(2'000);
  for (const std::uint32_t pseudo : {0U, 1U}) {
    CHECK(banks.act_floor(pseudo, 0) == 3'144);  // tXS 1146 + 1 - 3
    CHECK(banks.earliest_refab(pseudo, 0) == 3'146);
  }
  CHECK(banks.earliest_pde(0) == 3'146);  // 1146 + 1 - 2 = 1145
  CHECK(banks.earliest_sre(0) == 3'146);
}

TEST_CASE("after an access that precharges") {
  BankTiming read = fresh();
  read.act(kBank, 0, -200);
  read.read(kBank, 0);
  read.auto_precharge(kBank);
  CHECK(read.open_row(kBank) == kNoRow);
  CHECK(read.act_at(kBank, 0) == 70);  // as if PRE at 19: 19 + tRP 52 + 1 - 3 = 69
  CHECK(read.pre_floor(0, 0) == 0);    // no command, so that tPPD says nothing
  BankTiming soon = fresh();
  soon.act(kBank, 0, 0);
  soon.read(kBank, 64);
  soon.auto_precharge(kBank);
  CHECK(soon.earliest_refpb(kBank, 0) == 146);  // tRC: its PRE waits for tRAS, 92 + 52 = 144
  BankTiming write = fresh();
  write.act(kBank, 0, -200);
  write.write(kBank, 0);
  write.auto_precharge(kBank);
  CHECK(write.act_at(kBank, 0) == 142);  // PRE at 91: 91 + 52 + 1 - 3 = 141
}

// HBM2 at 2.0 Gb/s, in clocks: ACT takes 2, all others 1.
TEST_CASE("the same in HBM2") {
  const auto hbm2 = [](const Device& device) { return BankTiming(device, TickTiming(device)); };
  BankTiming act = hbm2(testing::hbm2());
  act.act(kBank, 0, 0);
  CHECK(act.read_at(kBank, 0) == 15);   // tRCDRD 14 + 2 - 1
  CHECK(act.write_at(kBank, 0) == 13);  // tRCDWR 12 + 2 - 1
  CHECK(act.pre_at(kBank, 0) == 35);    // tRAS 34 + 2 - 1
  CHECK(act.act_at(kBank, 0) == 48);
  CHECK(act.act_at(kSameGroup, 0) == 4);
  CHECK(act.act_floor(0, 0) == 4);
  CHECK(act.act_floor(1, 0) == 2);                // the row bus
  CHECK(act.earliest_refpb(kSameGroup, 0) == 5);  // tRRDS 4 + 2 - 1
  CHECK(act.earliest_refpb(kBank, 0) == 49);      // tRC 48 + 2 - 1
  BankTiming pre = hbm2(testing::hbm2());
  pre.act(kBank, 0, -100);
  pre.pre(kBank, 0);
  CHECK(pre.act_at(kBank, 0) == 13);  // tRP 14 + 1 - 2
  CHECK(pre.earliest_refab(0, 0) == 14);
  CHECK(pre.pre_floor(0, 0) == 1);  // no tPPD
  BankTiming read = hbm2(testing::hbm2());
  read.read(kBank, 0);
  CHECK(read.pre_at(kBank, 0) == 5);
  CHECK(read.read_floor(0, 0) == 2);
  CHECK(read.read_at(kSameGroup, 0) == 4);
  CHECK(read.write_floor(0, 0) == 13);  // CL 14 + burst 2 + 2 - CWL 5
  BankTiming write = hbm2(testing::hbm2());
  write.write(kBank, 0);
  CHECK(write.pre_at(kBank, 0) == 23);  // CWL 5 + burst 2 + tWR 16
  CHECK(write.write_floor(0, 0) == 2);
  CHECK(write.write_at(kSameGroup, 0) == 4);
  CHECK(write.read_floor(0, 0) == 13);        // CWL 5 + burst 2 + tWTRS 6
  CHECK(write.read_at(kSameGroup, 0) == 15);  // CWL 5 + burst 2 + tWTRL 8
  BankTiming refresh = hbm2(testing::hbm2());
  refresh.refab(0, 0);
  CHECK(refresh.act_floor(0, 0) == 349);  // tRFCab 350 + 1 - 2
  CHECK(refresh.earliest_refab(0, 0) == 350);
  refresh.refpb(32 - 16, 0);
  CHECK(refresh.act_at(16, 0) == 159);  // tRFCpb 160 + 1 - 2
  CHECK(refresh.act_floor(1, 0) == 7);  // tRREFD 8 + 1 - 2
  CHECK(refresh.earliest_refpb(17, 0) == 8);
  BankTiming window = hbm2(testing::hbm2_made_up());
  for (std::uint32_t i = 0; i < 4; ++i) window.act(4 * i, 0, 4 * i);
  CHECK(window.act_floor(0, 0) == 22);  // tFAW
}

}  // namespace
}  // namespace orrery::hbm
