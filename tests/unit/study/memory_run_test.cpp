// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/memory_run.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/core/errors.h"
#include "sim/core/random.h"
#include "sim/hardware/hbm/memory_trace.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const fs::path kMemories = fs::path(ORRERY_SOURCE_DIR) / "configs/hardware/memory";

std::string device(const char* name) { return (kMemories / name).string(); }

/// Of this process: others run the same cases.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(fs::temp_directory_path() /
              ("orrery-memory-run-" + std::to_string(getpid()) + "-" + name)) {}
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

std::vector<std::string> shipped() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(kMemories)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Clocks that the reads of these addresses take one channel, without refresh.
double clocks_of(const std::string& file, const std::string& map,
                 const std::vector<std::int64_t>& addresses) {
  const auto config =
      load_memory(file, {"channels=1", "refresh=none", "address_map=" + map, "read_queue=128"});
  std::string text;
  for (const std::int64_t address : addresses) text += "R " + std::to_string(address) + "\n";
  const TemporaryFile trace("clocks.txt");
  trace.write(text);
  return run_memory(config, trace.path(), std::nullopt, "").cycles;
}

double idle_latency(const std::string& file) { return clocks_of(file, "bgil", {0}); }

TEST_CASE("reads of one row come tCCD_L apart, rows of one bank tRC") {
  for (const std::string& file : shipped()) {
    const hbm::Device device = load_memory(file, {}).device;
    const hbm::Timing& t = device.timing;
    std::vector<std::int64_t> row;
    for (std::int64_t i = 0; i < device.geometry.columns; ++i) row.push_back(i * 32);
    const auto ccd_l = static_cast<double>((device.geometry.columns - 1) * t.ccd_l);
    CHECK_MESSAGE(clocks_of(file, "robaracoch", row) == idle_latency(file) + ccd_l, file);
    // Rows are the most significant. Each is closed after tRAS and opened tRP later at the soonest;
    // tRC is no less, and leaves time for the read and tRTP.
    const std::int64_t bank = device.geometry.channel_capacity().count() / device.geometry.rows;
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 9; ++i) rows.push_back(i * bank);
    const auto rc = static_cast<double>(8 * t.rc);
    CHECK_MESSAGE(clocks_of(file, "robaracoch", rows) == idle_latency(file) + rc, file);
  }
}

TEST_CASE("activates of a pseudo-channel come tRRD_S apart and four in tFAW") {
  for (const std::string& file : shipped()) {
    const hbm::Timing t = load_memory(file, {}).device.timing;
    // Sixteen banks, the groups in turn, of the first pseudo-channel. A group's turn comes again
    // after two tRRD_S at the soonest, which is more than tRRD_L.
    std::vector<std::int64_t> banks;
    for (std::int64_t i = 0; i < 16; ++i) banks.push_back(i * 64);
    const std::int64_t window = std::max(t.faw, 4 * t.rrd_s);
    const auto last = static_cast<double>(3 * window + 3 * t.rrd_s);
    CHECK_MESSAGE(clocks_of(file, "Ro Co Si Ba Bg Pc Ch", banks) == idle_latency(file) + last,
                  file);
  }
}

TEST_CASE("random reads are bound by the row bus or by activates, streams by nothing") {
  constexpr std::int64_t kReads = 20'000;
  for (const std::string& file : shipped()) {
    const hbm::Device device = load_memory(file, {}).device;
    const hbm::Timing& t = device.timing;
    RandomStream random(1, "memory", "bounds");
    std::vector<std::int64_t> anywhere;
    std::vector<std::int64_t> in_order;
    const auto blocks = static_cast<std::uint64_t>(device.geometry.channel_capacity().count()) / 32;
    for (std::int64_t i = 0; i < kReads; ++i) {
      anywhere.push_back(static_cast<std::int64_t>(random.below(blocks)) * 32);
      in_order.push_back(i * 32);
    }
    // A read needs an activate and nearly always a precharge: 2 clocks and 1 of HBM2's row bus,
    // 1.5 and 0.5 later on. Two pseudo-channels share it, with a window of activates each.
    const double row_bus = device.standard == hbm::Standard::kHbm2 ? 3 : 2;
    const double window = static_cast<double>(std::max(t.faw, 4 * t.rrd_s)) / 8;
    const double bound = std::max(row_bus, window);
    const double each = clocks_of(file, "bgil", anywhere) / kReads;
    // Chance leaves a queue of 128 without a bank that is ready now and then: 5 % at most.
    CHECK_MESSAGE(each >= bound * 0.998, file, ": ", each);
    CHECK_MESSAGE(each <= bound * 1.05, file, ": ", each);
    // Two pseudo-channels take a burst's clocks for two reads. (A queue of 64 holds 64 clocks of
    // them, which the faster clocks' tRP and tRCD are longer than.)
    const double burst = static_cast<double>(t.burst) / 2;
    CHECK_MESSAGE(clocks_of(file, "bgil", in_order) / kReads <= burst * 1.01, file);
  }
}

std::string mixed(int accesses) {
  RandomStream random(1, "memory", "mixed");
  std::string text;
  for (int i = 0; i < accesses; ++i) {
    text += random.below(3) == 0 ? "W " : "R ";
    text += std::to_string(random.below(std::uint64_t{1} << 23) * 32) + "\n";
  }
  return text;
}

TEST_CASE("threads share the channels and change nothing; banks' counts add up") {
  const auto config = load_memory(device("hbm3-6400.yaml"), {});
  const TemporaryFile trace("jobs.txt");
  trace.write(mixed(20'000));
  const TemporaryFile one_counts("one.csv");
  const TemporaryFile five_counts("five.csv");
  MemoryRunOptions options;
  options.bank_counts = one_counts.path();
  const MemoryRun one = run_memory(config, trace.path(), options);
  options.jobs = 5;
  options.bank_counts = five_counts.path();
  const MemoryRun five = run_memory(config, trace.path(), options);
  CHECK(one.cycles == five.cycles);
  CHECK(one.statistics.commands == five.statistics.commands);
  CHECK(one.statistics.read_latency_sum == five.statistics.read_latency_sum);
  CHECK(one.p99_read_latency_ns == five.p99_read_latency_ns);
  CHECK(one.energy.total_pj() == five.energy.total_pj());
  CHECK(one_counts.text() == five_counts.text());

  std::istringstream lines(one_counts.text());
  std::string line;
  std::getline(lines, line);
  CHECK(line ==
        "channel,pseudo_channel,stack_id,bank_group,bank,ACT,PRE,PREab,RD,WR,REFab,REFpb,RDA,WRA,"
        "RFMpb,RFMab");
  std::int64_t banks = 0;
  std::int64_t activates = 0;
  while (std::getline(lines, line)) {
    for (int comma = 0; comma < 5; ++comma) line = line.substr(line.find(',') + 1);
    activates += std::atoll(line.c_str());
    ++banks;
  }
  CHECK(banks == 16 * 64);
  CHECK(activates == one.statistics.commands[hbm::index_of(hbm::Command::kAct)]);

  const auto refused = [&](const std::vector<std::string>& set, const std::string& commands) {
    options.commands = commands;
    try {
      static_cast<void>(
          run_memory(load_memory(device("hbm3-6400.yaml"), set), trace.path(), options));
    } catch (const ConfigError& error) {
      return std::string(error.what()).substr(0, 7);
    }
    return std::string("no error");
  };
  CHECK(refused({"feed=in-order"}, "") == "--jobs:");
  CHECK(refused({}, "commands.csv") == "--jobs:");
  CHECK(error_of({"in_flight=4"}).find("in_flight") != std::string::npos);
}

TEST_CASE("energy of streams and of random reads beside the published figures") {
  // Of O'Connor et al. (MICRO 2017): 909 pJ an activate of 1 KiB, 3.48 pJ/bit a read; a stream
  // reads all 32 accesses of a row, 909 / 8192 + 3.48 = 3.59 pJ/bit, and a random read one of 256
  // bits, 909 / 256 + 3.48 = 7.03. On average over GPU workloads they give 3.92, 1.21 of it for
  // activates, of data that toggles less than every other bit.
  const auto config =
      load_memory(device("hbm2-2000.yaml"), {"refresh=none", "energy.background_mw=0"});
  const auto pj_per_bit = [&](const std::string& text, double accesses) {
    const TemporaryFile trace("energy-beside.txt");
    trace.write(text);
    const MemoryRun run = run_memory(config, trace.path(), std::nullopt, "");
    return run.energy.total_pj() / (accesses * 256);
  };
  const double streamed = pj_per_bit(stream(1 << 16), 1 << 16);
  std::string text;
  RandomStream random(2, "memory", "energy");
  for (int i = 0; i < 10'000; ++i) {
    text += "R " + std::to_string(random.below(std::uint64_t{1} << 28) * 32) + "\n";
  }
  const double scattered = pj_per_bit(text, 10'000);
  CHECK(streamed == doctest::Approx(3.591).epsilon(0.001));
  CHECK(scattered == doctest::Approx(7.031).epsilon(0.001));
  MESSAGE("pJ/bit: stream ", streamed, ", random ", scattered,
          "; published 3.92 on average: ", streamed - 3.92, ", +", scattered - 3.92);
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

TEST_CASE("RFM is off unless asked for, and refused where the device has none") {
  for (const char* name : {"hbm3-6400.yaml", "hbm3e-7992.yaml", "hbm4-8000.yaml"}) {
    const auto on = load_memory(device(name), {"rfm=on", "refresh_management.raaimt=32"});
    CHECK(on.controller.rfm == hbm::Rfm::kOn);
    CHECK(on.device.refresh_management->raaimt == 32);
    CHECK(load_memory(device(name), {}).controller.rfm == hbm::Rfm::kOff);
  }
  try {
    static_cast<void>(load_memory(device("hbm2-2000.yaml"), {"rfm=on"}));
    FAIL("not refused");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()).find("refresh_management") != std::string::npos);
  }
}

// Reads of one row of one channel at clocks 0 and 500 (ticks 0 and 1000). The first ends after ACT,
// RD at 64 and 45 ticks of data; the second is a hit, and ends 45 ticks after it came. With
// power-down after 100 clocks PDE comes 200 ticks after RD 64, and tXP (13 clocks, 25 ticks and to
// the next even one) puts the second RD off by 26 ticks: 71 instead of 45. Of 1071 ticks 736 are
// spent in power-down at 24 mW and the others in standby at 33; without, all 1045 at 33. A tick is
// 0.3125 ns.
TEST_CASE("idle traffic: power-down costs tXP and saves what it says") {
  const TemporaryFile trace("idle.txt");
  trace.write("0x0 READ 0\n0x20 READ 500\n");
  const std::vector<std::string> plain = {"channels=1", "refresh=none", "address_map=robaracoch"};
  std::vector<std::string> saving = plain;
  saving.insert(saving.end(), {"power_down=active", "power_down_after=100"});
  const MemoryRun off = run_memory(load_memory(device("hbm3-6400.yaml"), plain), trace.path(), {});
  const MemoryRun on = run_memory(load_memory(device("hbm3-6400.yaml"), saving), trace.path(), {});
  CHECK(off.cycles == 1'045 / 2.0);
  CHECK(on.cycles == 1'071 / 2.0);
  CHECK(off.avg_read_latency_ns == doctest::Approx((109 + 45) / 2.0 * 0.3125));
  CHECK(on.avg_read_latency_ns == doctest::Approx((109 + 71) / 2.0 * 0.3125));
  const double accesses = 909 + 2 * 890.9;
  CHECK(off.energy.total_pj() == doctest::Approx(accesses + 0.3125 * 33 * 1'045));
  CHECK(on.energy.total_pj() == doctest::Approx(accesses + 0.3125 * (33 * 335 + 24 * 736)));
  CHECK(on.power_mw == doctest::Approx(on.energy.total_pj() / (1'071 * 0.3125)));
  CHECK(on.statistics.power_ticks == hbm::PowerTicks{335, 0, 736, 0, 0});
  CHECK(off.statistics.power_ticks == hbm::PowerTicks{});
}

TEST_CASE("each state's time adds up over channels, by threads too, and the deeper the cheaper") {
  const TemporaryFile trace("idle-many.txt");
  std::string text;
  RandomStream random(3, "memory", "idle");
  std::int64_t at = 0;
  for (int i = 0; i < 3'000; ++i) {
    if (i % 100 == 0) at += 40'000;
    at += random.between(0, 5);
    text += std::to_string(random.below(1 << 24) * 32) + (i % 3 == 0 ? " WRITE " : " READ ") +
            std::to_string(at) + "\n";
  }
  trace.write(text);
  const auto run = [&](std::vector<std::string> set, int jobs) {
    MemoryRunOptions options;
    options.jobs = jobs;
    return run_memory(load_memory(device("hbm3-6400.yaml"), set), trace.path(), options);
  };
  const MemoryRun off = run({}, 1);
  const MemoryRun down = run({"power_down=precharge", "power_down_after=200"}, 1);
  const MemoryRun asleep = run({"power_down=precharge", "power_down_after=200", "self_refresh=on",
                                "self_refresh_after=2000"},
                               1);
  const MemoryRun threads = run({"power_down=precharge", "power_down_after=200", "self_refresh=on",
                                 "self_refresh_after=2000"},
                                5);
  for (const MemoryRun* each : {&down, &asleep}) {
    hbm::Tick sum = 0;
    for (const hbm::Tick ticks : each->statistics.power_ticks) sum += ticks;
    CHECK(sum == 16 * each->statistics.end);
  }
  CHECK(off.energy.total_pj() > down.energy.total_pj());
  CHECK(down.energy.total_pj() > asleep.energy.total_pj());
  // A gap is 40,000 clocks, of which a channel sleeps all but the 2000 before it does, and what it
  // takes to give the refreshes owed: 9 in 10 at least.
  const auto share = [](const MemoryRun& of, hbm::PowerState state) {
    return static_cast<double>(of.statistics.power_ticks[hbm::index_of(state)]) /
           (16.0 * static_cast<double>(of.statistics.end));
  };
  CHECK(share(asleep, hbm::PowerState::kSelfRefresh) > 0.9);
  CHECK(share(down, hbm::PowerState::kPrechargePowerDown) > 0.9);
  // Some reads of each burst wait for tXP (8.1 ns) or tXS (358 ns) and none for both.
  CHECK(down.avg_read_latency_ns > off.avg_read_latency_ns);
  CHECK(asleep.avg_read_latency_ns > down.avg_read_latency_ns + 100);
  CHECK(threads.statistics.power_ticks == asleep.statistics.power_ticks);
  CHECK(threads.statistics.commands == asleep.statistics.commands);
  CHECK(threads.energy.total_pj() == asleep.energy.total_pj());
}

TEST_CASE("what saving power needs is one line") {
  CHECK(error_of({"self_refresh=on", "refresh=none"}).find("self_refresh: on does not go with") !=
        std::string::npos);
  CHECK(error_of({"timing.refi=350ns", "refresh=all-bank"}).find("refi is so short") !=
        std::string::npos);
  CHECK(error_of({"timing.refi=160ns"}).find("refi is so short") != std::string::npos);
  CHECK(error_of({"timing.refi=161ns"}) == "no error");
  CHECK(error_of({"power_down=deep"}).find("power_down") != std::string::npos);
  CHECK(error_of({"power_down_after=-1"}).find("power_down_after") != std::string::npos);
}

TEST_CASE("inline ECC is counted apart from the data, and the same by threads") {
  const TemporaryFile trace("ecc.txt");
  std::string text;
  // Each of the 16 channels, 2 pseudo-channels and 4 groups has columns 0 to 7 of a row read: a
  // span each.
  for (int i = 0; i < 16 * 2 * 4 * 8; ++i) text += "R " + std::to_string(i * 32) + "\n";
  trace.write(text);
  const auto plain = load_memory(device("hbm3-6400.yaml"), {});
  const auto config = load_memory(device("hbm3-6400.yaml"), {"ecc=inline"});
  MemoryRunOptions options;
  const MemoryRun one = run_memory(config, trace.path(), options);
  options.jobs = 3;
  const MemoryRun three = run_memory(config, trace.path(), options);
  CHECK(one.requests() == 1'024);
  CHECK(one.ecc.reads == 128);
  CHECK(one.ecc.writes == 0);
  CHECK(one.statistics.reads == 1'024 + 128);
  CHECK(one.gb_per_s == doctest::Approx(1'024 * 32 / (one.cycles * one.clock_ps) * 1e3));
  CHECK(three.ecc.reads == one.ecc.reads);
  CHECK(three.cycles == one.cycles);
  CHECK(three.statistics.commands == one.statistics.commands);
  CHECK(run_memory(plain, trace.path(), {}).ecc.reads == 0);
  CHECK(error_of({"ecc=inline", "geometry.columns=4"}).find("ecc") != std::string::npos);
}

}  // namespace
}  // namespace orrery
