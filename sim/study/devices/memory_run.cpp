// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/memory_run.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"
#include "sim/hardware/hbm/memory_system.h"
#include "sim/study/catalogue.h"
#include "sim/study/host_clock.h"
#include "sim/workload/byte_source.h"

namespace orrery {
namespace {

/// As words, so that a trace of words need not be copied.
hbm::MemoryTrace load_trace(const std::string& path) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const auto source = open_file(path);
  std::error_code no_size;
  const std::uintmax_t size = std::filesystem::file_size(path, no_size);
  // One word more than a plain file has, to find its end without growing.
  std::vector<std::uint64_t> buffer(no_size ? 1024 : static_cast<std::size_t>(size) / kWord + 2);
  std::size_t filled = 0;
  while (true) {
    if (filled == buffer.size() * kWord) buffer.resize(2 * buffer.size());
    char* const begin = reinterpret_cast<char*>(buffer.data());
    const std::size_t got = source->read({begin + filled, buffer.size() * kWord - filled});
    filled += got;
    if (got == 0) return hbm::parse_memory_trace(std::move(buffer), filled, path);
  }
}

/// A line a command: the clock it starts at, where it goes, and its row and column.
class CommandFile final : public hbm::SystemListener {
 public:
  CommandFile(const std::string& path, const hbm::Device& device)
      : path_(path),
        geometry_(device.geometry),
        ticks_per_clock_(hbm::TickTiming(device).ticks_per_clock),
        file_(std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) throw RunError(path + ": cannot be written");
    lines_ = "ck,channel,command,pseudo_channel,stack_id,bank_group,bank,row,column\n";
  }
  ~CommandFile() override {
    if (file_ != nullptr) std::fclose(file_);
  }
  CommandFile(const CommandFile&) = delete;
  CommandFile& operator=(const CommandFile&) = delete;

  void begin_channel(std::uint32_t channel) override { channel_ = channel; }

  void on_command(hbm::Tick at, hbm::Command command, std::uint32_t bank, std::uint32_t row,
                  std::uint32_t column) override {
    const auto banks = static_cast<std::uint32_t>(geometry_.banks);
    const auto groups = static_cast<std::uint32_t>(geometry_.bank_groups);
    const auto stacks = static_cast<std::uint32_t>(geometry_.stack_ids);
    const std::uint32_t group = bank / banks;
    const std::uint32_t stack = group / groups;
    fmt::format_to(std::back_inserter(lines_), "{}{},{},{},{},{},{},{},{},{}\n",
                   at / ticks_per_clock_, at % ticks_per_clock_ != 0 ? ".5" : "", channel_,
                   hbm::kCommandNames[hbm::index_of(command)], stack / stacks, stack % stacks,
                   group % groups, bank % banks, row, column);
    constexpr std::size_t kFull = std::size_t{1} << 20;
    if (lines_.size() > kFull) write();
  }

  void close() {
    write();
    const int result = std::fclose(file_);
    file_ = nullptr;
    if (result != 0) throw RunError(path_ + ": cannot be written");
  }

 private:
  void write() {
    if (std::fwrite(lines_.data(), 1, lines_.size(), file_) != lines_.size()) {
      throw RunError(path_ + ": cannot be written");
    }
    lines_.clear();
  }

  std::string path_;
  const hbm::Geometry& geometry_;
  hbm::Tick ticks_per_clock_;
  std::FILE* file_;
  std::string lines_;
  std::uint32_t channel_ = 0;
};

/// A line a bank: how often each command reached it. An all-bank command reaches all banks of its
/// pseudo-channel; those of the whole channel are left out.
void write_bank_counts(const std::string& path, const std::vector<hbm::BankCounts>& channels,
                       const hbm::Geometry& geometry) {
  const auto of_pseudo = static_cast<std::size_t>(geometry.banks_of_pseudo_channel());
  const auto groups = static_cast<std::size_t>(geometry.bank_groups);
  const auto banks = static_cast<std::size_t>(geometry.banks);
  std::string text = "channel,pseudo_channel,stack_id,bank_group,bank";
  for (std::size_t c = 0; c < hbm::kBankCommands; ++c) {
    text += "," + std::string(hbm::kCommandNames[c]);
  }
  text += "\n";
  const auto write_bank = [&](std::size_t channel, std::size_t b) {
    const std::size_t pseudo = b / of_pseudo;
    const std::size_t stack = b % of_pseudo / banks / groups;
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{}", channel, pseudo, stack,
                   b / banks % groups, b % banks);
    for (std::size_t c = 0; c < hbm::kBankCommands; ++c) {
      const auto command = static_cast<hbm::Command>(c);
      const bool all = command == hbm::Command::kPreab || command == hbm::Command::kRefab ||
                       command == hbm::Command::kRfmab;
      const std::size_t counted = all ? pseudo * of_pseudo : b;
      fmt::format_to(std::back_inserter(text), ",{}", channels[channel][counted][c]);
    }
    text += "\n";
  };
  for (std::size_t channel = 0; channel < channels.size(); ++channel) {
    for (std::size_t b = 0; b < channels[channel].size(); ++b) write_bank(channel, b);
  }
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw RunError(path + ": cannot be written");
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) throw RunError(path + ": cannot be written");
}

void check_jobs(const hbm::MemoryConfig& config, const MemoryRunOptions& options) {
  if (!options.commands.empty()) {
    throw ConfigError("--jobs: --commands writes the commands in one order: take --jobs 1");
  }
  if (config.feed == hbm::Feed::kInOrder) {
    throw ConfigError("--jobs: feed=in-order couples the channels: take --jobs 1");
  }
}

MemoryRun summarize(const hbm::Served& served, const hbm::Device& device) {
  const hbm::Statistics& statistics = served.statistics;
  MemoryRun run;
  run.statistics = statistics;
  run.ecc = served.ecc;
  run.energy = energy_of(statistics, device);
  const auto per_clock = static_cast<double>(hbm::TickTiming(device).ticks_per_clock);
  const auto clock = static_cast<double>(device.timing.clock.units_per_second());
  const auto requests = static_cast<double>(statistics.requests());
  const auto bytes =
      static_cast<double>(run.requests()) * static_cast<double>(device.geometry.access.count());
  const double ns_per_tick = 1e9 / (clock * per_clock);
  run.cycles = static_cast<double>(statistics.end) / per_clock;
  run.clock_ps = 1e12 / clock;
  run.gb_per_s = bytes / (run.cycles / clock) * 1e-9;
  run.share_of_peak = run.gb_per_s * 1e9 / device.peak_bytes_per_second();
  // A pJ a ps is a W.
  run.power_mw = run.energy.total_pj() / (run.cycles * run.clock_ps) * 1e3;
  run.row_hit_rate = static_cast<double>(statistics.row_hits) / requests;
  if (statistics.reads > 0) {
    run.avg_read_latency_ns = static_cast<double>(statistics.read_latency_sum) * ns_per_tick /
                              static_cast<double>(statistics.reads);
  }
  const auto percentile = [&](double share) {
    return static_cast<double>(statistics.read_latency.percentile(share)) * ns_per_tick;
  };
  run.p50_read_latency_ns = percentile(0.5);
  run.p99_read_latency_ns = percentile(0.99);
  run.cpu_s = host_usage().cpu_s;
  return run;
}

}  // namespace

hbm::MemoryConfig load_memory(const std::string& name, const std::vector<std::string>& overrides) {
  Node tree = load_yaml(find_config("hardware/memory", name, {}, "DEVICE"));
  for (const std::string& assignment : overrides) apply_override(tree, assignment);
  hbm::MemoryConfig config;
  read(tree, config);
  return config;
}

MemoryRun run_memory(const hbm::MemoryConfig& config, const std::string& trace,
                     const MemoryRunOptions& options) {
  if (options.jobs > 1) check_jobs(config, options);
  const hbm::MemoryTrace parsed = load_trace(trace);
  if (options.rate && !parsed.arrivals.empty()) {
    throw ConfigError("--rate: the trace " + trace + " has times of its own");
  }
  std::unique_ptr<CommandFile> file;
  if (!options.commands.empty()) {
    file = std::make_unique<CommandFile>(options.commands, config.device);
  }
  const hbm::Served served =
      hbm::serve(config, parsed,
                 {.bytes_per_second = options.rate, .listener = file.get(), .jobs = options.jobs});
  if (file) file->close();
  if (!options.bank_counts.empty()) {
    write_bank_counts(options.bank_counts, served.bank_counts, config.device.geometry);
  }
  return summarize(served, config.device);
}

MemoryRun run_memory(const hbm::MemoryConfig& config, const std::string& trace,
                     std::optional<double> rate, const std::string& commands) {
  MemoryRunOptions options;
  options.rate = rate;
  options.commands = commands;
  return run_memory(config, trace, options);
}

}  // namespace orrery
