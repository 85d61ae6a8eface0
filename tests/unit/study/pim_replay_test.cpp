// SPDX-License-Identifier: Apache-2.0
//
// Files of commands: instructions of aim_simulator, requests of attacc_simulator, and our own.
// Short ones are timed by hand.
#include "sim/study/devices/pim_run.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sim/core/errors.h"
#include "tests/unit/study/pim_world.h"

namespace orrery::testing {
namespace {

namespace fs = std::filesystem;
using pim::Gemv;
using pim::Kind;
using pim::Part;

/// A file for a test, removed after it.
class TestFile {
 public:
  explicit TestFile(const std::string& text = {})
      : path_((fs::temp_directory_path() /
               ("orrery_pim_" + std::to_string(::getpid()) + "_" + std::to_string(count++)))
                  .string()) {
    if (!text.empty()) std::ofstream(path_) << text;
  }
  ~TestFile() { fs::remove(path_); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static inline int count = 0;
  std::string path_;
};

PimRun replay(const pim::Device& device, const std::string& text) {
  const TestFile file(text);
  PimJob job;
  job.replay = file.path();
  return run_pim(device, job, 0, {});
}

// A row: activate to the first MAC 56, 63 more MACs 2 apart, then 12 to the precharge and 32 to
// the next activate; the last row ends a clock after its last MAC.
//   1024 x (56 + 63 x 2) + 1023 x (12 + 32) + 1 = 231,381
// aim_simulator says 231,383: not 1024 x 226, as nothing waits for the last row's precharge.
TEST_CASE("a file of AiM instructions is replayed: a row at a time in all banks") {
  std::string text = "#,AiM,[opcode],[opsize],[channel_mask],[row_addr]\n,,,,,\n";
  for (int row = 0; row < 1024; ++row) {
    text += ",AiM,MAC_ABK,64,0xffffffff," + std::to_string(row) + "\n";
  }
  const PimRun run = replay(shipped_pim("gddr6-aim"), text);
  CHECK(run.report.cycles == 231'381);
  CHECK(run.report.path.clocks[index_of(Part::kMac)] == 1024 * 63 * 2 + 1);
  CHECK(run.report.path.clocks[index_of(Part::kActPre)] == 1024 * 56 + 1023 * (12 + 32));
  CHECK(run.report.counts.mac_columns == 1024LL * 64 * 16 * 32);
}

// AttAcc: ten MACs of bank 0, then ten of bank 4 (the next group), both pseudo-channels at once.
// Activates 2 apart (a rank's, and the slots they take). Bank 0's MACs go from 19 on, 4 apart in
// their group, bank 4's from 21 on, 2 away from them: the last at 21 + 9 x 4 = 57, ending at 58.
TEST_CASE("MACs of single banks keep the distances of reads") {
  const pim::Device device = shipped_pim("attacc-hbm3");
  std::string text;
  for (const char* const bank : {"0x00000000", "0x04000000"}) {
    for (int i = 0; i < 10; ++i) text += std::string("PIM_MAC_PB ") + bank + "\n";
  }
  const PimRun run = replay(device, text);
  CHECK(run.report.cycles == 58);
  CHECK(run.report.counts.mac_columns == 2 * 20);
  CHECK(run.report.counts.activated_rows == 2 * 2);
  // AiM: activate to MAC 56, then 63 more 2 apart, in one bank of one channel.
  const PimRun aim = replay(shipped_pim("gddr6-aim"), "AiM MAC_SBK 64 0x1 5 7\n");
  CHECK(aim.report.cycles == 56 + 63 * 2 + 1);
  CHECK(aim.report.counts.mac_columns == 64);
}

// Element-wise products: activate to the first 25, 63 more 2 apart, write latency and recovery
// 6 + 33 to the precharge, 32 to the next activate. The function opens a row of its own: precharge
// 12 after the MAC, activate 32 later, AF 86 after that, and RD_AF in the other mode, in the slot
// after: MODE at 56 + 12 + 32 + 86 + 1, RD_AF 32 later, ending after a burst of 2.
TEST_CASE("AiM multiplies element by element, and looks functions up in a row") {
  std::string text;
  for (int row = 0; row < 10; ++row)
    text += "AiM,EWMUL,64,0xffffffff," + std::to_string(row) + "\n";
  const PimRun product = replay(shipped_pim("gddr6-aim"), text + "AiM,EWADD,4,8,12\n");
  CHECK(product.report.cycles == 10 * (25 + 63 * 2) + 9 * (6 + 33 + 32) + 1);
  const PimRun function =
      replay(shipped_pim("gddr6-aim"), "AiM MAC_ABK 1 0x1 0\nAiM AF 0x1\nAiM RD_AF 0 0x1\n");
  CHECK(function.report.cycles == 56 + 12 + 32 + 86 + 1 + 32 + 2);
}

// The DMA decodes the next instruction a slot after the data of RD_MAC, a burst of 2: 3 apart.
// Copies: activate to WRCP 48, 7 more 2 apart, in memory mode, behind MODE (32) and WR_GB in the
// other: 32, 7 more 2 apart, then the slot of the activate taken by MODE and 32 for it.
TEST_CASE("AiM's DMA waits for results, and copies go between a bank and the buffer") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "AiM RD_MAC 0 0xffffffff\n";
  CHECK(replay(shipped_pim("gddr6-aim"), text).report.cycles == 32 + 99 * 3 + 2);
  const PimRun copies =
      replay(shipped_pim("gddr6-aim"),
             "AiM WR_GB 8 0 0x1\nAiM COPY_GBBK 8 0x1 3 5\nW GPR 3\nR MEM 0 3 5\n");
  CHECK(copies.report.counts.commands[index_of(Kind::kCopyIn)] == 8);
  CHECK(copies.report.counts.reads == 1);
  // The read is of the row that lies open; nothing keeps it from the slot after the last copy.
  CHECK(copies.report.cycles == 32 + 7 * 2 + 1 + 32 + 48 + 7 * 2 + 1 + 50 + 2);
}

// One bank of each of AttAcc's 16 bank groups: activate at 0, MACs 6 apart by the power cap from 19
// on, the tenth at 73, ending at 74. On the buffer die the columns go over 8 groups of the ranks:
// activates 2 slots apart, MACs 2 apart from 19 on, each group's activate 19 before.
TEST_CASE("AttAcc's units at bank groups multiply one bank of each") {
  const pim::Device device = shipped_pim("attacc-hbm3", {"compute.level=bank-group"});
  std::string text;
  for (int i = 0; i < 10; ++i) text += "PIM_MAC_SB 0x00000000\n";
  const PimRun run = replay(device, text);
  CHECK(run.report.cycles == 19 + 9 * 6 + 1);
  CHECK(run.report.counts.mac_columns == 16 * 10);
  CHECK(run.report.counts.activated_rows == 16);
  CHECK(run.report.counts.commands[index_of(Kind::kActivateSome)] == 1);

  const pim::Device buffer = shipped_pim("attacc-hbm3", {"compute.level=buffer"});
  text.clear();
  for (int group = 0; group < 8; ++group) {
    text += "PIM_MAC_PB " + std::to_string(group << 26) + "\n";
  }
  const PimRun die = replay(buffer, text);
  CHECK(die.report.cycles == 19 + 7 * 2 + 1);
  CHECK(die.report.counts.mac_columns == 8 * 2);
}

// A move behind the softmax shares its bank group's path, 4 apart; with a latency it waits for
// that.
TEST_CASE("moves behind AttAcc's softmax wait for it where it takes time") {
  const std::string text = "PIM_SFM 0x0\nPIM_MV_GB 0x0\n";
  CHECK(replay(shipped_pim("attacc-hbm3"), text).report.cycles == 4 + 1);
  CHECK(replay(shipped_pim("attacc-hbm3", {"timing.softmax=16"}), text).report.cycles == 16 + 1);
}

// It begins in memory mode. MODE at 0; WR_GB 32 later. The MAC's row could be opened a clock
// after: MODE takes that slot (33), the activate follows 32 later (65), the MAC 56 after it (121).
// RD_MAC could go 2 later: MODE at 123, RD_MAC at 155; its data ends after a burst of 2: 157.
TEST_CASE("AiM's register mode costs a switch each way") {
  const PimRun run = replay(shipped_pim("gddr6-aim"),
                            "AiM WR_GB 1 0 0x1\nAiM MAC_ABK 1 0x1 5\nAiM RD_MAC 0 0x1\nAiM EOC\n");
  CHECK(run.report.cycles == 157);
  CHECK(run.report.counts.commands[index_of(Kind::kModeSwitch)] == 3);
  // 32 to WR_GB, 32 to the activate, 2 and 32 to RD_MAC; a slot of the bus stands by itself.
  CHECK(run.report.path.clocks[index_of(Part::kMode)] == 32 + 32 + 2 + 32);
  CHECK(run.report.path.clocks[index_of(Part::kQueue)] == 1);
}

// AttAcc, MACs on one row only, a refresh due every 600 clocks. Activate at 0, MACs from 19 on,
// each 6: the last before 600 is the 97th, at 595. Precharge 8 later, at 603 (past 600), refresh
// 19 later at 622, activate 456 later at 1078, MAC 19 later at 1097. 13 of the 110 are left: the
// last goes at 1097 + 12 x 6 = 1169 and ends at 1170, before the next refresh at 1200.
TEST_CASE("a refresh closes the row under the MACs and opens it again") {
  const pim::Device device =
      shipped_pim("attacc-hbm3", {"timing.refi=600", "control.refresh_gives_way=false"});
  std::string text;
  for (int i = 0; i < 110; ++i) text += "PIM_MAC_AB 0x00000000\n";
  const PimRun run = replay(device, text);
  CHECK(run.report.cycles == 1170);
  CHECK(run.report.counts.commands[index_of(Kind::kRefresh)] == 1);
  CHECK(run.report.path.clocks[index_of(Part::kRefresh)] == 8 + 19 + 456);
  CHECK(run.report.path.clocks[index_of(Part::kActPre)] == 19 + 19);
  CHECK(run.report.path.clocks[index_of(Part::kMac)] == 96 * 6 + 12 * 6 + 1);
  const PimRun never = replay(shipped_pim("attacc-hbm3", {"refresh=none"}), text);
  CHECK(never.report.cycles == 19 + 109 * 6 + 1);
}

// As AttAcc's controller has it, MACs 6 apart hold off a precharge that wants 8: all 110 of row 0
// go (the last at 19 + 109 x 6 = 673), then the refresh shares the precharge that row 1 needs
// anyway: 681, refresh 700, activate 1156, MACs from 1175 on, the tenth at 1229, ending at 1230.
TEST_CASE("a refresh that gives way waits for the end of the row") {
  const pim::Device device = shipped_pim("attacc-hbm3", {"timing.refi=600"});
  std::string text;
  for (int i = 0; i < 110; ++i) text += "PIM_MAC_AB 0x00000000\n";
  for (int i = 0; i < 10; ++i) text += "PIM_MAC_AB 0x00000400\n";
  const PimRun run = replay(device, text);
  CHECK(run.report.cycles == 1230);
  CHECK(run.report.counts.commands[index_of(Kind::kRefresh)] == 1);
  CHECK(run.report.counts.commands[index_of(Kind::kPrechargeAll)] == 1);
}

TEST_CASE("a command file that was written can be replayed") {
  for (const std::string name : kPimDevices) {
    CAPTURE(name);
    const pim::Device device = shipped_pim(name);
    const TestFile file;
    PimJob job;
    job.gemv = Gemv{3000, 1000, 1};
    const PimRun first = run_pim(device, job, 0, file.path());
    PimJob again;
    again.replay = file.path();
    const PimRun second = run_pim(device, again, 0, {});
    CHECK(second.report.cycles == first.report.cycles);
    CHECK(second.report.counts.commands == first.report.counts.commands);
  }
}

std::string trace_error(const std::string& device, const std::string& text) {
  try {
    static_cast<void>(replay(shipped_pim(device), text));
  } catch (const TraceError& error) {
    const std::string what = error.what();
    return what.substr(what.find(':') + 1);
  }
  return "accepted";
}

TEST_CASE("a bad command file is refused with its line") {
  CHECK(trace_error("gddr6-aim", "AiM MAC_ABK 64 0x1 0\nAiM WR_AFLUT 1\n").starts_with("2: AiM"));
  CHECK(trace_error("gddr6-aim", "W XYZ 1\n").starts_with("1: region 'XYZ'"));
  CHECK(trace_error("gddr6-aim", "AiM MAC_ABK 64\n") == "1: ends before its value 4");
  CHECK(trace_error("gddr6-aim", "AiM MAC_ABK 64 0x1 x\n") == "1: 'x' is not a whole number");
  CHECK(trace_error("gddr6-aim", "AiM MAC_ABK 64 0x1 99999\n").starts_with("1: row 99999"));
  CHECK(trace_error("gddr6-aim", "AiM MAC_ABK 65 0x1 0\n").starts_with("1: column 64"));
  CHECK(trace_error("neupims", "AiM MAC_ABK 64 0x1 0\n").starts_with("1: AiM instructions need"));
  CHECK(trace_error("gddr6-aim", "PIM_MAC_AB 0x0\n").starts_with("1: PIM_ requests need"));
  CHECK(trace_error("attacc-hbm3", "PIM_MAC_SB 0x0\n").starts_with("1: PIM_MAC_SB needs"));
  CHECK(trace_error("attacc-hbm3", "PIM_MAC 0x0\n").starts_with("1: request 'PIM_MAC'"));
  CHECK(trace_error("attacc-hbm3", "LD 0x0\n").starts_with("1: is neither"));
}

}  // namespace
}  // namespace orrery::testing
