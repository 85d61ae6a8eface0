// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/devices/pim_run.h"

namespace orrery {
namespace {

using nlohmann::ordered_json;

/// `4096x1024`: `count` whole numbers above 0.
std::vector<std::int64_t> sizes_of(const std::string& option, const std::string& text,
                                   std::size_t count, const char* form) {
  std::vector<std::int64_t> sizes;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t size = 0;
    const auto [stop, error] = std::from_chars(at, end, size);
    if (error != std::errc() || size < 1 || size > std::int64_t{1} << 40) break;
    sizes.push_back(size);
    if (stop == end && sizes.size() == count) return sizes;
    if (stop == end || *stop != 'x') break;
    at = stop + 1;
  }
  throw ConfigError("--" + option + " " + text + ": is not " + form + ", of numbers above 0");
}

PimJob job_of(const Arguments& arguments) {
  PimJob job;
  int jobs = 0;
  if (arguments.has("gemv")) {
    const auto s = sizes_of("gemv", arguments.text("gemv"), 2, "MxN");
    job.gemv = {s[0], s[1], 1};
    ++jobs;
  }
  if (arguments.has("attention")) {
    const auto s =
        sizes_of("attention", arguments.text("attention"), 4, "HEADSxKVHEADSxDIMxCONTEXT");
    job.attention = {s[0], s[1], s[2], s[3]};
    ++jobs;
  }
  using Operation = pim::Elementwise::Operation;
  for (const auto& [name, operation] :
       {std::pair("add", Operation::kAdd), std::pair("mul", Operation::kMultiply),
        std::pair("relu", Operation::kRelu)}) {
    if (!arguments.has(name)) continue;
    job.elementwise = {operation, sizes_of(name, arguments.text(name), 1, "N")[0]};
    ++jobs;
  }
  if (jobs > 1)
    throw ConfigError("orrery pim: only one of --gemv, --attention, --add, --mul, --relu");
  if (arguments.has("batch")) {
    if (!job.gemv) throw ConfigError("--batch: of vectors of a --gemv");
    job.gemv->batch = sizes_of("batch", arguments.text("batch"), 1, "N")[0];
  }
  if (jobs == 0) {
    job.replay = arguments.text("commands");
    if (job.replay.empty()) {
      throw ConfigError(
          "orrery pim: needs --gemv MxN, --attention HEADSxKVHEADSxDIMxCONTEXT, --add N, --mul N, "
          "--relu N or --commands FILE");
    }
  }
  return job;
}

double host_rate_of(const Arguments& arguments) {
  if (!arguments.has("host-gb-per-s")) return 0;
  const std::string text = arguments.text("host-gb-per-s");
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error != std::errc() || end != text.data() + text.size() || !(rate > 0 && rate < 1e6)) {
    throw ConfigError("--host-gb-per-s " + text + ": is not a number above 0");
  }
  return rate * 1e9;
}

ordered_json path_json(const pim::CriticalPath& path) {
  ordered_json terms = ordered_json::array();
  for (const pim::PathTerm& t : path.terms) {
    terms.push_back({{"part", pim::kPartNames[index_of(t.part)]},
                     {"timing", t.timing},
                     {"clocks", t.clocks},
                     {"count", t.count}});
  }
  return terms;
}

void print_json(const pim::Device& device, const PimRun& run) {
  const pim::Report& report = run.report;
  ordered_json breakdown;
  for (std::size_t p = 0; p < pim::kParts; ++p) {
    breakdown[std::string(pim::kPartNames[p])] = report.path.clocks[p];
  }
  ordered_json commands;
  for (std::size_t k = 0; k < pim::kKinds; ++k) {
    if (report.counts.commands[k] == 0) continue;
    commands[std::string(pim::kKindNames[k])] = report.counts.commands[k];
  }
  const pim::EnergyUse& e = report.energy;
  ordered_json document = {{"device", device.name},
                           {"cycles", report.cycles},
                           {"clock_ps", run.clock_ps},
                           {"time_us", run.time_us},
                           {"internal_gb_per_s", run.internal_gb_per_s},
                           {"energy_pj", e.total_pj()},
                           {"breakdown", breakdown},
                           {"critical_path", path_json(report.path)},
                           {"commands", commands},
                           {"energy_parts_pj",
                            {{"activate", e.activate_pj},
                             {"mac", e.mac_pj},
                             {"operand", e.operand_pj},
                             {"move", e.move_pj},
                             {"read", e.read_pj},
                             {"write", e.write_pj},
                             {"refresh", e.refresh_pj},
                             {"background", e.background_pj}}}};
  if (run.host_cycles) document["host_cycles"] = *run.host_cycles;
  if (run.host_latency_ns) document["host_latency_ns"] = *run.host_latency_ns;
  fmt::print("{}\n", document.dump(2));
}

void print_text(const pim::Device& device, const PimRun& run) {
  const pim::Report& report = run.report;
  fmt::print(stderr, "{}: {} clocks of {:.0f} ps = {:.3f} us\n", device.name, report.cycles,
             run.clock_ps, run.time_us);
  fmt::print(stderr, "banks read {:.1f} GB/s   energy {:.2f} uJ\n", run.internal_gb_per_s,
             report.energy.total_pj() * 1e-6);
  if (run.host_cycles) {
    fmt::print(stderr, "plain accesses of the operands would take {} clocks\n", *run.host_cycles);
  }
  if (run.host_latency_ns) {
    fmt::print(stderr, "host reads beside it: mean latency {:.1f} ns\n", *run.host_latency_ns);
  }
  fmt::print(stderr, "where the clocks went, along the longest path:\n");
  for (const pim::PathTerm& t : report.path.terms) {
    fmt::print(stderr, "  {:<12} {:>9} = {:>7} x {:>5}  {}\n", pim::kPartNames[index_of(t.part)],
               t.clocks * t.count, t.count, t.clocks, t.timing);
  }
}

}  // namespace

int pim_command(const std::vector<std::string>& words, const Policies&) {
  Arguments arguments("pim", "DEVICE.yaml");
  arguments.values("set", "key.path=value: overrides the file; may be repeated");
  arguments.value("gemv", "MxN: a matrix of M rows times a vector of N numbers");
  arguments.value("attention", "HEADSxKVHEADSxDIMxCONTEXT: decode attention of one token");
  arguments.value("batch", "N: vectors that the matrix is multiplied with, one after the other");
  arguments.value("add", "N: two vectors of N numbers added");
  arguments.value("mul", "N: two vectors of N numbers multiplied, number by number");
  arguments.value("relu", "N: the negative ones of N numbers made 0");
  arguments.value("commands",
                  "alone: file of commands to replay; beside a job: file for its commands (CSV)");
  arguments.value("host-gb-per-s", "GB/s that the host reads at the same time");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(words)) return 0;
  const PimJob job = job_of(arguments);
  const pim::Device device = load_pim(arguments.file(), arguments.texts("set"));
  const PimRun run = run_pim(device, job, host_rate_of(arguments),
                             job.replay.empty() ? arguments.text("commands") : std::string());
  if (arguments.has("json")) {
    print_json(device, run);
  } else {
    print_text(device, run);
  }
  return 0;
}

}  // namespace orrery
