// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pim/run.h"

#include <algorithm>
#include <bit>

namespace orrery::pim {
namespace {

void count_access(Counts& counts, const Issued& c, std::int64_t banks, std::int64_t channels) {
  // In Samsung's lock-step modes a read is a MAC, and a write brings operands or stores results.
  if (c.purpose == Part::kMac) {
    counts.mac_columns += banks * channels;
  } else if (c.purpose == Part::kBroadcast || (c.purpose == Part::kMode && banks > 1)) {
    counts.operand_accesses += channels;
  } else if (c.kind == Kind::kRead) {
    counts.reads += channels;
  } else {
    counts.writes += banks * channels;
  }
}

void count(Counts& counts, const ChannelRun& run, std::int64_t channels) {
  for (const Issued& c : run.commands) {
    const auto banks = static_cast<std::int64_t>(std::popcount(c.banks));
    counts.commands[index_of(c.kind)] += channels;
    switch (c.kind) {
      case Kind::kActivate:
      case Kind::kActivateAll:
      case Kind::kActivateFour:
      case Kind::kActivateSome:
        counts.activated_rows += banks * channels;
        break;
      case Kind::kRead:
      case Kind::kWrite:
        count_access(counts, c, banks, channels);
        break;
      case Kind::kMac:
      case Kind::kMacBank:
      case Kind::kMultiply:
      case Kind::kFunction:
        counts.mac_columns += banks * channels;
        break;
      case Kind::kBufferWrite:
      case Kind::kBiasWrite:
        counts.operand_accesses += channels;
        break;
      case Kind::kWriteAll:
        counts.writes += banks * channels;
        break;
      case Kind::kBufferMove:
      case Kind::kResultMove:
      case Kind::kCopyOut:
      case Kind::kCopyIn:
        counts.moved_accesses += channels;
        break;
      case Kind::kRefresh:
        counts.refreshed_banks += banks * channels;
        break;
      default:
        break;
    }
  }
}

}  // namespace

namespace {

/// One column read and multiplied; where the unit is not at the bank, it is moved there first.
double mac_energy_pj(const Device& device) {
  const Energy& e = device.energy;
  switch (device.compute.level) {
    case Level::kBank:
      return e.mac_pj;
    case Level::kBankGroup:
      return e.mac_pj + e.group_move_pj;
    case Level::kBuffer:
      return e.mac_pj + e.move_pj;
  }
  return 0;
}

}  // namespace

EnergyUse energy_of(const Device& device, const Counts& counts, std::int64_t cycles) {
  const Energy& e = device.energy;
  EnergyUse use;
  use.activate_pj = e.activate_pj * static_cast<double>(counts.activated_rows);
  use.mac_pj = mac_energy_pj(device) * static_cast<double>(counts.mac_columns);
  use.operand_pj = e.buffer_write_pj * static_cast<double>(counts.operand_accesses);
  use.move_pj = e.move_pj * static_cast<double>(counts.moved_accesses);
  use.read_pj = e.read_pj * static_cast<double>(counts.reads);
  use.write_pj = e.write_pj * static_cast<double>(counts.writes);
  use.refresh_pj =
      e.refresh_row_pj * device.rows_of_refresh() * static_cast<double>(counts.refreshed_banks);
  const double ns = static_cast<double>(device.timing.clock.count() * cycles) * 1e-3;
  // A milliwatt for a nanosecond is a picojoule.
  use.background_pj = e.background_mw * ns * static_cast<double>(device.geometry.channels);
  return use;
}

Report run_plan(const Device& device, const Plan& plan, const Program& host,
                const CommandSink& sink) {
  const std::vector<Rule> rules = rules_of(device);
  Report report;
  std::int64_t host_clocks = 0;
  std::int64_t host_requests = 0;
  for (const ChannelWork& work : plan) {
    const ChannelRun run = run_channel(device, rules, work.program, host);
    const std::int64_t channels = work.channels();
    if (sink) sink(channels, run);
    count(report.counts, run, channels);
    host_clocks += run.host_latency * channels;
    host_requests += run.host_requests * channels;
    if (run.program_end < report.cycles) continue;
    report.cycles = run.program_end;
    report.path = critical_path(device, rules, run);
  }
  report.energy = energy_of(device, report.counts, report.cycles);
  if (host_requests > 0) {
    report.host_latency = static_cast<double>(host_clocks) / static_cast<double>(host_requests);
  }
  return report;
}

double internal_bytes_per_second(const Device& device, const Report& report) {
  if (report.cycles == 0) return 0;
  const auto bytes =
      static_cast<double>(device.geometry.access.count() * report.counts.mac_columns);
  return bytes / (static_cast<double>(device.timing.clock.count() * report.cycles) * 1e-12);
}

}  // namespace orrery::pim
