// SPDX-License-Identifier: Apache-2.0
#include "sim/study/memory_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/core/errors.h"
#include "sim/hardware/hbm/memory_trace.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const fs::path kMemories = fs::path(ORRERY_SOURCE_DIR) / "configs/hardware/memory";

std::string device(const char* name) { return (kMemories / name).string(); }

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(fs::temp_directory_path() / ("orrery-memory-run-" + name)) {}
  ~TemporaryFile() { fs::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  [[nodiscard]] std::string text() const {
    std::stringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }

 private:
  fs::path path_;
};

std::string error_of(const std::vector<std::string>& overrides) {
  try {
    static_cast<void>(load_memory(device("hbm3-6400.yaml"), overrides));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("every shipped memory loads, and serves a read in its idle latency") {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kMemories)) {
    const auto config = load_memory(entry.path().string(), {});
    const TemporaryFile trace("idle.txt");
    trace.write("R 0x0\n");
    const MemoryRun run = run_memory(config, trace.path(), std::nullopt, "");
    // ACT, tRCDRD (and half a clock more where ACT takes 1.5 clocks, which the read's rising edge
    // makes a whole one; one more clock where it takes 2), CL, burst, and the read's own tick.
    const hbm::Timing& t = config.device.timing;
    const auto clocks = static_cast<double>(t.rcd_read + 1 + t.cl + t.burst);
    const double tick = config.device.standard == hbm::Standard::kHbm2 ? 1 : 0.5;
    CHECK_MESSAGE(run.cycles == clocks + tick, entry.path().string());
    ++files;
  }
  CHECK(files >= 6);
}

TEST_CASE("what is wrong with a memory or a trace is one line") {
  CHECK(error_of({"controler=reference"}).find("did you mean controller?") != std::string::npos);
  CHECK(error_of({"address_map=Ro14 Si1 Ba2 Co5 Bg2 Pc1 Ch5"}).find("Ch has more bits") !=
        std::string::npos);
  CHECK(error_of({"address_map=Ro14 Si1 Ba2 Co5 Bg2 Pc1"}).find("Ch names 1 of the device's 16") !=
        std::string::npos);
  CHECK(error_of({"controller=reference", "refresh=per-bank"}).find("refresh: per-bank") !=
        std::string::npos);

  const auto config = load_memory(device("hbm3-6400.yaml"), {});
  const auto served = [&config](const std::string& bytes) {
    const TemporaryFile trace("bad");
    trace.write(bytes);
    try {
      static_cast<void>(run_memory(config, trace.path(), std::nullopt, ""));
    } catch (const TraceError& error) {
      return std::string(error.what()).substr(trace.path().size());
    }
    return std::string("no error");
  };
  CHECK(served("R 0x0\nQ 0x20\n") == ":2: expected an address and R or W, as in 'R 0x1000'");
  CHECK(served("R 0x0\nR 0x7fffffffffff\n") == ":2: the address lies beyond the device's 16 GiB");
  CHECK(served(std::string("\0\0\0\0\0\0\0\0\0", 9)) ==
        ": is neither text nor whole 64-bit words: 9 bytes");
  CHECK(served("") == ": has no accesses");
}

TEST_CASE("all forms of a trace mean the same") {
  const auto ours = hbm::parse_memory_trace("R 0x40\nW 0x80\n", "t");
  CHECK(ours.accesses == std::vector<std::uint64_t>{0x40, 0x80 | hbm::MemoryTrace::kWrite});
  CHECK(hbm::parse_memory_trace("LD 64\nST 128\n", "t").accesses == ours.accesses);
  CHECK(hbm::parse_memory_trace("0x40 R\r\n\n0x80 W", "t").accesses == ours.accesses);
  const auto timed = hbm::parse_memory_trace("0x40 READ 3\n0x80 WRITE 7\n", "t");
  CHECK(timed.accesses == ours.accesses);
  CHECK(timed.arrivals == std::vector<std::int64_t>{3, 7});
  const std::string words("\x40\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\x80", 16);
  CHECK(hbm::parse_memory_trace(words, "t").accesses == ours.accesses);
  CHECK_THROWS_AS(static_cast<void>(hbm::parse_memory_trace("R 0 5\nR 0 4\n", "t")), TraceError);
  CHECK_THROWS_AS(static_cast<void>(hbm::parse_memory_trace("R 0 5\nR 0\n", "t")), TraceError);
}

std::string stream(int accesses) {
  std::string text;
  for (int i = 0; i < accesses; ++i) text += "R " + std::to_string(i * 32) + "\n";
  return text;
}

TEST_CASE("the command file changes nothing and has a line a command") {
  const auto config = load_memory(device("hbm3-6400.yaml"), {});
  const TemporaryFile trace("stream.txt");
  const TemporaryFile commands("commands.csv");
  trace.write(stream(5'000));
  const MemoryRun plain = run_memory(config, trace.path(), std::nullopt, "");
  const MemoryRun told = run_memory(config, trace.path(), std::nullopt, commands.path());
  CHECK(plain.cycles == told.cycles);
  std::int64_t issued = 0;
  for (const std::int64_t count : told.statistics.commands) issued += count;
  const std::string text = commands.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == issued + 1);
  CHECK(
      text.starts_with("ck,channel,command,pseudo_channel,stack_id,bank_group,bank,row,column\n"
                       "0,0,ACT,0,0,0,0,0,0\n"));
}

TEST_CASE("a rate below the peak is served as it arrives, one above it queues") {
  const auto config = load_memory(device("hbm3-6400.yaml"), {"channels=1", "refresh=none"});
  const TemporaryFile trace("load.txt");
  trace.write(stream(20'000));
  const auto at = [&](double gb_per_s) {
    return run_memory(config, trace.path(), gb_per_s * 1e9, "");
  };
  const MemoryRun light = at(5);
  CHECK(light.gb_per_s == doctest::Approx(5).epsilon(0.01));
  CHECK(at(45).gb_per_s == doctest::Approx(45).epsilon(0.01));
  // The peak is 2 x 32 bytes in 2 clocks of 0.625 ns, 51.2 GB/s. What arrives at 80 GB/s waits
  // longer and longer: 20,000 accesses arrive in 8 us and take 12.5.
  const MemoryRun heavy = at(80);
  CHECK(heavy.gb_per_s < 51.2);
  CHECK(heavy.gb_per_s > 50);
  CHECK(heavy.avg_read_latency_ns > 2'000);
  CHECK(heavy.avg_read_latency_ns < 2'500);
  CHECK(light.avg_read_latency_ns < 20);
}

TEST_CASE("energy is counts times what each command costs") {
  const auto config = load_memory(device("hbm3-6400.yaml"), {"energy.background_mw=100"});
  const TemporaryFile trace("energy.txt");
  trace.write("R 0x0\nW 0x20\nR 0x40\n");
  const MemoryRun run = run_memory(config, trace.path(), std::nullopt, "");
  // Three channels, one activate each; no refresh in so short a run. 100 mW of 16 channels are
  // 1.6 pJ a ps.
  const double energy = 3 * 909.0 + 3 * 890.9 + 1.6 * run.cycles * 625;
  CHECK(run.energy.total_pj() == doctest::Approx(energy));
}

}  // namespace
}  // namespace orrery
