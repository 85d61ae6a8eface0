// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/pim_run.h"

#include <memory>

#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"
#include "sim/study/catalogue.h"
#include "sim/study/devices/pim_stream.h"

namespace orrery {
namespace {

pim::Plan plan_of(const pim::Device& device, const PimJob& job) {
  if (!job.replay.empty()) return read_pim_commands(device, job.replay);
  const std::unique_ptr<pim::Mapper> mapper = make_mapper(device);
  if (job.gemv) return mapper->gemv(*job.gemv);
  if (job.attention) return mapper->attention(*job.attention);
  return mapper->elementwise(job.elementwise.value());
}

/// What the host reads and writes to do the job itself.
std::optional<pim::Plan> host_plan_of(const pim::Device& device, const PimJob& job) {
  const Bytes element = device.compute.element;
  if (job.gemv) {
    const pim::Gemv& g = *job.gemv;
    return host_accesses(device, element * (g.outputs + g.batch) * g.inputs,
                         element * g.outputs * g.batch);
  }
  if (job.elementwise) {
    const Bytes vector = element * job.elementwise->elements;
    return host_accesses(device, vector * job.elementwise->operands(), vector);
  }
  return std::nullopt;
}

/// Reads of a channel, evenly spread until `end`: bank by bank, in the rows at the top.
pim::Program host_reads(const pim::Device& device, double bytes_per_second, std::int64_t end) {
  const pim::Geometry& g = device.geometry;
  const double clocks = static_cast<double>(g.access.count() * g.channels) / bytes_per_second /
                        (static_cast<double>(device.timing.clock.count()) * 1e-12);
  const std::int64_t banks = g.banks_of_channel();
  pim::Program program;
  for (std::int64_t i = 0; static_cast<double>(i) * clocks < static_cast<double>(end); ++i) {
    pim::Request request;
    request.arrival = static_cast<std::int64_t>(static_cast<double>(i) * clocks);
    request.banks = pim::BankSet{1} << (i % banks);
    request.column = static_cast<std::int32_t>(i / banks % g.columns);
    // Samsung's rows with bit 12 set have another meaning; the top quarter but one is data.
    const std::int64_t top = g.rows * 3 / 4 - 1;
    request.row = static_cast<std::int32_t>(top - i / (banks * g.columns) % 1024);
    program.push_back(request);
  }
  return program;
}

}  // namespace

pim::Device load_pim(const std::string& name, const std::vector<std::string>& overrides) {
  Node tree = load_yaml(find_config("hardware/pim", name, {}, "DEVICE"));
  for (const std::string& assignment : overrides) apply_override(tree, assignment);
  pim::Device device;
  read(tree, device);
  return device;
}

PimRun run_pim(const pim::Device& device, const PimJob& job, double host_bytes_per_second,
               const std::string& commands) {
  const pim::Plan plan = plan_of(device, job);
  pim::Program host;
  if (host_bytes_per_second > 0) {
    // Sharing slows the job; twice its time alone is long enough to cover it at any load below
    // the one that the job would never end under.
    host = host_reads(device, host_bytes_per_second, 2 * run_plan(device, plan).cycles);
  }
  std::unique_ptr<PimCommandFile> file;
  pim::CommandSink sink;
  if (!commands.empty()) {
    file = std::make_unique<PimCommandFile>(commands);
    sink = [&](std::int64_t channels, const pim::ChannelRun& run) { file->write(channels, run); };
  }
  PimRun run;
  run.report = run_plan(device, plan, host, sink);
  if (file) file->close();
  run.clock_ps = static_cast<double>(device.timing.clock.count());
  run.time_us = run.clock_ps * static_cast<double>(run.report.cycles) * 1e-6;
  run.internal_gb_per_s = internal_bytes_per_second(device, run.report) * 1e-9;
  if (const auto accesses = host_plan_of(device, job)) {
    run.host_cycles = run_plan(device, *accesses).cycles;
  }
  if (!host.empty()) run.host_latency_ns = run.report.host_latency * run.clock_ps * 1e-3;
  return run;
}

}  // namespace orrery
