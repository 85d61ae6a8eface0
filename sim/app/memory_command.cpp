// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/app/memory_patterns.h"
#include "sim/core/errors.h"
#include "sim/study/devices/memory_run.h"

namespace orrery {
namespace {

/// A bare number is GB/s, as in the usage line; a unit may stand beside it.
std::optional<double> rate_of(const Arguments& arguments) {
  if (!arguments.has("rate")) return std::nullopt;
  const std::string text = arguments.text("rate");
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) {
    value *= 1e9;
  } else {
    try {
      value = static_cast<double>(parse_bandwidth(text).units_per_second());
    } catch (const std::invalid_argument& error) {
      throw ConfigError(std::string("--rate: ") + error.what());
    }
  }
  if (!(value > 0 && value < 1e18)) throw ConfigError("--rate: '" + text + "' is not above 0 GB/s");
  return value;
}

int jobs_of(const Arguments& arguments) {
  if (!arguments.has("jobs")) return 1;
  constexpr int kMostJobs = 1024;
  const std::string text = arguments.text("jobs");
  int jobs = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), jobs);
  if (error != std::errc() || end != text.data() + text.size() || jobs < 1 || jobs > kMostJobs) {
    throw ConfigError(
        fmt::format("--jobs: expected a whole number from 1 to {}, found '{}'", kMostJobs, text));
  }
  return jobs;
}

/// Of all channels together.
double channel_ticks(const MemoryRun& run) {
  hbm::Tick all = 0;
  for (const hbm::Tick ticks : run.statistics.power_ticks) all += ticks;
  return static_cast<double>(all);
}

void print_power_states(const MemoryRun& run) {
  fmt::print("power states  ");
  for (std::size_t s = 0; s < hbm::kPowerStates; ++s) {
    std::string name(hbm::kPowerStateNames[s]);
    std::ranges::replace(name, '_', ' ');
    const auto ticks = static_cast<double>(run.statistics.power_ticks[s]);
    fmt::print("{} {} {:.1f} %", s == 0 ? "" : ",", name, 100 * ticks / channel_ticks(run));
  }
  fmt::print("\n");
}

void print_json(const hbm::MemoryConfig& config, const MemoryRun& run) {
  using nlohmann::ordered_json;
  ordered_json commands;
  for (std::size_t c = 0; c < hbm::kCommandNames.size(); ++c) {
    commands[std::string(hbm::kCommandNames[c])] = run.statistics.commands[c];
  }
  const hbm::EnergyUse& energy = run.energy;
  ordered_json document = {{"cycles", run.cycles},
                           {"clock_ps", run.clock_ps},
                           {"gb_per_s", run.gb_per_s},
                           {"share_of_peak", run.share_of_peak},
                           {"row_hit_rate", run.row_hit_rate},
                           {"avg_read_latency_ns", run.avg_read_latency_ns},
                           {"p50_read_latency_ns", run.p50_read_latency_ns},
                           {"p99_read_latency_ns", run.p99_read_latency_ns},
                           {"commands", commands},
                           {"energy_pj", energy.total_pj()},
                           {"energy_parts_pj",
                            {{"activate", energy.activate_pj},
                             {"read", energy.read_pj},
                             {"write", energy.write_pj},
                             {"refresh", energy.refresh_pj},
                             {"background", energy.background_pj}}},
                           {"power_mw", run.power_mw},
                           {"requests", run.requests()},
                           {"reads", run.reads()},
                           {"writes", run.writes()},
                           {"forwarded_reads", run.statistics.forwarded_reads},
                           {"merged_writes", run.statistics.merged_writes},
                           {"cpu_s", run.cpu_s}};
  if (config.controller.saves_power()) {
    const double all = channel_ticks(run);
    for (std::size_t s = 0; s < hbm::kPowerStates; ++s) {
      document["power_states"][std::string(hbm::kPowerStateNames[s])] = {
          {"share", static_cast<double>(run.statistics.power_ticks[s]) / all},
          {"energy_pj", energy.state_pj[s]}};
    }
  }
  if (config.ecc == hbm::Ecc::kInline) {
    document["ecc"] = {{"reads", run.ecc.reads}, {"writes", run.ecc.writes}};
  }
  fmt::print("{}\n", document.dump(2));
}

/// Beside what O'Connor et al. (Fine-Grained DRAM, MICRO 2017, section 2) give for HBM2 on average
/// over GPU workloads: 3.92 pJ/bit, 1.21 of it for activates.
void print_energy(const hbm::EnergyUse& energy, double bits) {
  constexpr double kPublished = 3.92;
  constexpr double kPublishedActivates = 1.21;
  const double all = energy.total_pj() / bits;
  const double activates = energy.activate_pj / bits;
  fmt::print(
      "energy         {:.2f} pJ/bit: activates {:.2f}, accesses {:.2f}, refresh {:.2f}, "
      "background {:.2f}\n",
      all, activates, (energy.read_pj + energy.write_pj) / bits, energy.refresh_pj / bits,
      energy.background_pj / bits);
  fmt::print(
      "               HBM2 over GPU workloads, published: {} pJ/bit, activates {}; here "
      "{:+.2f} and {:+.2f}\n",
      kPublished, kPublishedActivates, all - kPublished, activates - kPublishedActivates);
}

void print_table(const hbm::MemoryConfig& config, const MemoryRun& run) {
  const auto requests = static_cast<double>(run.requests());
  const double bits = requests * static_cast<double>(config.device.geometry.access.count()) * 8;
  fmt::print("{}: {} requests in {:.1f} clocks of {:.2f} ps\n", config.device.name, run.requests(),
             run.cycles, run.clock_ps);
  if (config.ecc == hbm::Ecc::kInline) {
    fmt::print("check bytes    {} reads and {} writes more, {:.1f} % of the accesses of data\n",
               run.ecc.reads, run.ecc.writes,
               100 * static_cast<double>(run.ecc.reads + run.ecc.writes) / requests);
  }
  fmt::print("bandwidth      {:.2f} GB/s, {:.1f} % of peak\n", run.gb_per_s,
             100 * run.share_of_peak);
  fmt::print("row hits       {:.1f} %\n", 100 * run.row_hit_rate);
  fmt::print("read latency   mean {:.1f} ns, p50 {:.1f}, p99 {:.1f}\n", run.avg_read_latency_ns,
             run.p50_read_latency_ns, run.p99_read_latency_ns);
  print_energy(run.energy, bits);
  fmt::print("power          {:.1f} mW on average\n", run.power_mw);
  if (config.controller.saves_power()) print_power_states(run);
  fmt::print("commands      ");
  for (std::size_t c = 0; c < hbm::kCommandNames.size(); ++c) {
    if (run.statistics.commands[c] == 0) continue;
    fmt::print(" {} {}", hbm::kCommandNames[c], run.statistics.commands[c]);
  }
  fmt::print("\n");
}

}  // namespace

int memory_command(const std::vector<std::string>& words, const Policies&) {
  Arguments arguments("memory", "DEVICE.yaml");
  arguments.values("set", "key.path=value: overrides the file; may be repeated");
  arguments.value("trace", "accesses: 64-bit words, or lines of R|W 0xADDRESS");
  arguments.value("rate", "GB/s at which the accesses arrive; as fast as they are taken if absent");
  arguments.value("commands", "file for the command trace (CSV)");
  arguments.flag("patterns", "the device is a GPU: what its memory gives to patterns of a model");
  arguments.value("model", "of --patterns; llama-3.1-8b if absent");
  arguments.value("bank-counts", "file for the commands that each bank was given, counted (CSV)");
  arguments.value("jobs", "threads that share the channels; the result is the same");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(words)) return 0;
  if (arguments.has("patterns")) return show_memory_patterns(arguments);
  if (!arguments.has("trace")) throw ConfigError("orrery memory: --trace FILE is missing");
  MemoryRunOptions options;
  options.rate = rate_of(arguments);
  if (arguments.has("commands")) options.commands = arguments.text("commands");
  if (arguments.has("bank-counts")) options.bank_counts = arguments.text("bank-counts");
  options.jobs = jobs_of(arguments);
  const hbm::MemoryConfig config = load_memory(arguments.file(), arguments.texts("set"));
  const MemoryRun run = run_memory(config, arguments.text("trace"), options);
  if (arguments.has("json")) {
    print_json(config, run);
  } else {
    print_table(config, run);
  }
  return 0;
}

}  // namespace orrery
