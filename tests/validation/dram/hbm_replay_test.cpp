// SPDX-License-Identifier: Apache-2.0
//
// The independent checker on every device that is shipped: in random configurations, on the traces
// on which memories are compared, and on what --commands writes.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/random.h"
#include "sim/hardware/hbm/memory_system.h"
#include "sim/study/devices/memory_run.h"
#include "tests/unit/hardware/hbm_replay.h"
#include "tests/validation/dram/dram_traces.h"

namespace orrery {
namespace {

using hbm::checker::Part;
using hbm::testing::Replay;

struct Shipped {
  const char* name;
  Part part;
};
constexpr std::array<Shipped, 11> kShipped = {{{"hbm2-2000", Part::kHbm2At2000},
                                               {"hbm2e-3200", Part::kHbm2eAt3200},
                                               {"hbm3-6400", Part::kHbm3At6400},
                                               {"hbm3e-9200", Part::kHbm3eAt9200},
                                               {"hbm3e-9600", Part::kHbm3eAt9600},
                                               {"hbm4-8000", Part::kHbm4At8000},
                                               {"hbm3-5236", Part::kHbm3At5236},
                                               {"hbm3e-6250", Part::kHbm3eAt6250},
                                               {"hbm3e-7992", Part::kHbm3eAt7992},
                                               {"hbm2-2430", Part::kHbm2At2430},
                                               {"hbm2e-3186", Part::kHbm2eAt3186}}};

/// A checker a channel.
class SystemReplay final : public hbm::SystemListener {
 public:
  SystemReplay(const hbm::MemoryConfig& config, Part part) {
    for (std::int64_t c = 0; c < config.device.geometry.channels; ++c) {
      channels_.emplace_back(config.device, part, config.controller.refresh, config.controller.rfm);
    }
  }
  void begin_channel(std::uint32_t channel) override { own_ = &channels_[channel]; }
  void on_command(hbm::Tick at, hbm::Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t column) override {
    own_->on_command(at, command, bank, row, column);
  }
  [[nodiscard]] std::string wrong() const {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      if (!channels_[c].wrong().empty()) return std::to_string(c) + ": " + channels_[c].wrong();
    }
    return {};
  }
  [[nodiscard]] std::int64_t commands() const {
    std::int64_t all = 0;
    for (const Replay& channel : channels_) all += channel.commands();
    return all;
  }

 private:
  std::deque<Replay> channels_;
  Replay* own_ = nullptr;
};

std::string pick(RandomStream& random, const std::vector<std::string>& words) {
  return words[random.below(words.size())];
}

/// Refresh management, where the part has it, with thresholds that are met; saving of power.
void add_commands(RandomStream& random, bool managed, std::vector<std::string>& overrides) {
  if (managed && random.below(2) == 0) {
    overrides.push_back("rfm=" + pick(random, {"on", "all-bank"}));
    overrides.push_back("refresh_management.raaimt=" + std::to_string(random.between(2, 64)));
    overrides.push_back("refresh_management.raammt=" + std::to_string(random.between(1, 6)));
  }
  overrides.push_back("power_down=" + pick(random, {"off", "active", "precharge"}));
  overrides.push_back("power_down_after=" +
                      std::to_string(random.between(0, 5'000) >> random.below(12)));
  if (random.below(2) == 0) return;
  overrides.push_back("self_refresh=on");
  overrides.push_back("self_refresh_after=" +
                      std::to_string(random.between(0, 20'000) >> random.below(12)));
}

std::vector<std::string> random_overrides(RandomStream& random) {
  const bool reference = random.below(4) == 0;
  const auto number = [&](std::int64_t most) { return std::to_string(random.between(1, most)); };
  const bool in_order = random.below(3) == 0;
  const double high = random.uniform();
  return {
      std::string("controller=") + (reference ? "reference" : "default"),
      "refresh=" + (reference ? "all-bank" : pick(random, {"all-bank", "per-bank", "per-bank"})),
      "scheduler=" + pick(random, {"fr-fcfs", "fr-fcfs-row-hit", "fr-fcfs-row-hit", "fcfs"}),
      "row_policy=" + pick(random, {"open", "open", "closed", "adaptive"}),
      "address_map=" + pick(random, {"bgil", "robaracoch", "hashed"}),
      "read_queue=" + number(128),
      "write_queue=" + number(128),
      "write_high_watermark=" + std::to_string(high),
      "write_low_watermark=" + std::to_string(high * random.uniform()),
      std::string("feed=") + (in_order ? "in-order" : "per-channel"),
      "in_flight=" + (in_order && random.below(2) == 0 ? number(256) : std::string("0")),
      // The more requests a channel has, the more refreshes it must make.
      "channels=" + pick(random, {"1", "1", "2"}),
  };
}

hbm::MemoryTrace random_trace(RandomStream& random, const hbm::MemoryConfig& config) {
  constexpr int kRequests = 1 << 14;
  const hbm::Geometry& geometry = config.device.geometry;
  const auto capacity =
      static_cast<std::uint64_t>((geometry.channel_capacity() * geometry.channels).count()) / 32;
  // Rows of each bank that are used.
  const std::uint64_t rows = std::uint64_t{1} << random.below(10);
  const std::uint64_t blocks = capacity / static_cast<std::uint64_t>(geometry.rows) * rows;
  const std::uint64_t near = random.below(101);
  const std::uint64_t writes = random.below(101);
  const std::int64_t spacing = random.below(3) == 0 ? random.between(1, 60) : 0;
  // Of gaps of all orders of magnitude, one in a hundred accesses.
  const std::int64_t longest_gap = random.below(3) == 0 ? 100'000 : 0;
  std::int64_t at = 0;
  hbm::MemoryTrace trace;
  trace.name = "random";
  std::uint64_t block = 0;
  for (std::int64_t i = 0; i < kRequests; ++i) {
    block = random.below(100) < near ? (block + 1) % blocks : random.below(blocks);
    const bool write = random.below(100) < writes;
    trace.accesses.push_back(block * 32 | (write ? hbm::MemoryTrace::kWrite : 0));
    if (spacing == 0 && longest_gap == 0) continue;
    trace.arrivals.push_back(at);
    at += spacing;
    if (longest_gap > 0 && random.below(100) == 0) {
      at += random.between(0, longest_gap >> random.below(12));
    }
  }
  return trace;
}

TEST_CASE("every memory that is shipped has its figures in the checker") {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(ORRERY_SOURCE_DIR "/configs/hardware/memory")) {
    const std::string name = entry.path().stem().string();
    const auto same = [&](const Shipped& shipped) { return name == shipped.name; };
    CHECK_MESSAGE(std::ranges::any_of(kShipped, same), name);
    ++files;
  }
  CHECK(files == kShipped.size());
}

TEST_CASE("500 random configurations, refreshes on, without a violation") {
  std::int64_t commands = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomStream random(seed, "hbm", "replay");
    const Shipped& shipped = kShipped[seed % kShipped.size()];
    auto overrides = random_overrides(random);
    const bool managed = std::string_view(shipped.name).substr(0, 4) != "hbm2";
    add_commands(random, managed, overrides);
    const auto config = load_memory(memory_file(shipped.name), overrides);
    const hbm::MemoryTrace trace = random_trace(random, config);
    SystemReplay replay(config, shipped.part);
    const auto served = hbm::serve(config, trace, std::nullopt, &replay);
    CHECK(served.requests() == 1 << 14);
    std::string all = shipped.name;
    for (const std::string& word : overrides) all += " " + word;
    CHECK_MESSAGE(replay.wrong().empty(), "seed ", seed, ": ", all, ": channel ", replay.wrong());
    commands += replay.commands();
  }
  // An access is a column command unless a queued write answers it, and rows must be opened.
  CHECK(commands > 500 * (1 << 14));
}

void check_shared_trace(const Shipped& shipped, const std::string& kind, bool stack, int access) {
  const std::string file = DramTraces::instance().file(kind, stack, access);
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const hbm::MemoryTrace trace = hbm::parse_memory_trace(bytes, file);
  for (const char* controller : {"default", "reference"}) {
    for (const char* feed : {"per-channel", "in-order"}) {
      std::vector<std::string> set = {std::string("controller=") + controller,
                                      std::string("feed=") + feed};
      if (!stack) set.push_back("channels=1");
      const auto config = load_memory(memory_file(shipped.name), set);
      SystemReplay replay(config, shipped.part);
      const auto served = hbm::serve(config, trace, std::nullopt, &replay);
      CHECK(served.requests() == 1 << 20);
      const std::string name =
          std::string(shipped.name) + " " + kind + " " + controller + " " + feed;
      CHECK_MESSAGE(replay.wrong().empty(), name, ": channel ", replay.wrong());
    }
  }
}

TEST_CASE("the traces on which memories are compared, refreshes on, without a violation") {
  if (!shared_is_there()) return;
  REQUIRE(DramTraces::instance().made());
  for (const char* kind : {"stream", "random", "mix"}) {
    for (const int access : {32, 64}) {
      for (const bool stack : {false, true}) {
        check_shared_trace(kShipped[0], kind, stack, access);
        check_shared_trace(kShipped[2], kind, stack, access);
      }
    }
  }
}

/// Fields of a line, which must be so many.
template <std::size_t kFields>
std::array<std::string_view, kFields> fields_of(std::string_view line) {
  std::array<std::string_view, kFields> fields;
  std::size_t count = 0;
  while (true) {
    const std::size_t comma = line.find(',');
    REQUIRE(count < kFields);
    fields[count++] = line.substr(0, comma);
    if (comma == std::string_view::npos) break;
    line.remove_prefix(comma + 1);
  }
  REQUIRE(count == kFields);
  return fields;
}

int number(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// ck,channel,command,pseudo_channel,stack_id,bank_group,bank,row,column
std::string first_wrong_line(const std::string& file, Part part) {
  using hbm::checker::Op;
  const std::vector<std::string_view> names = {"ACT",   "PRE",   "PREab", "RD",  "WR",
                                               "REFab", "REFpb", "RDA",   "WRA", "RFMpb",
                                               "RFMab", "PDE",   "PDX",   "SRE", "SRX"};
  std::deque<hbm::checker::Checker> channels;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  for (int lines = 1; std::getline(in, line); ++lines) {
    const auto f = fields_of<9>(line);
    const bool half = f[0].ends_with(".5");
    const auto op = static_cast<std::size_t>(std::ranges::find(names, f[2]) - names.begin());
    const auto channel = static_cast<std::size_t>(number(f[1]));
    while (channels.size() <= channel) channels.emplace_back(part);
    const char* wrong = channels[channel].check(
        {std::int64_t{2} * number(f[0]) + (half ? 1 : 0), static_cast<Op>(op), number(f[3]),
         number(f[4]), number(f[5]), number(f[6]), static_cast<std::uint32_t>(number(f[7]))});
    if (wrong != nullptr) return std::to_string(lines) + ": " + wrong;
  }
  return channels.empty() ? "no commands" : "";
}

TEST_CASE("--commands changes nothing and writes what the checker accepts, with either feed") {
  namespace fs = std::filesystem;
  const std::string base =
      (fs::temp_directory_path() / ("orrery-hbm-replay-" + std::to_string(getpid()))).string();
  RandomStream random(1, "hbm", "commands");
  for (const Shipped& shipped : kShipped) {
    for (const char* feed : {"per-channel", "in-order"}) {
      // The accesses come slowly enough for the channels to power down and refresh themselves.
      const auto config =
          load_memory(memory_file(shipped.name),
                      {std::string("feed=") + feed, "channels=4", "power_down=precharge",
                       "power_down_after=5", "self_refresh=on", "self_refresh_after=20"});
      constexpr double kRate = 2e9;
      const hbm::MemoryTrace trace = random_trace(random, config);
      std::ofstream(base + ".bin", std::ios::binary)
          .write(reinterpret_cast<const char*>(trace.accesses.data()),
                 static_cast<std::streamsize>(trace.accesses.size() * 8));
      const MemoryRun alone = run_memory(config, base + ".bin", kRate, "");
      const MemoryRun told = run_memory(config, base + ".bin", kRate, base + ".csv");
      CHECK(alone.cycles == told.cycles);
      CHECK(alone.statistics.commands == told.statistics.commands);
      for (const hbm::Command each : {hbm::Command::kPde, hbm::Command::kSre}) {
        CHECK(told.statistics.commands[hbm::index_of(each)] > 0);
      }
      const std::string wrong = first_wrong_line(base + ".csv", shipped.part);
      CHECK_MESSAGE(wrong.empty(), shipped.name, " ", feed, ": line ", wrong);
    }
  }
  fs::remove(base + ".bin");
  fs::remove(base + ".csv");
}

}  // namespace
}  // namespace orrery
