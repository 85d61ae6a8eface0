// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/calibration/calibrate.h"
#include "sim/study/calibration/device.h"
#include "sim/study/calibration/log_fit.h"
#include "sim/study/calibration/memory_fit.h"
#include "sim/study/catalogue.h"
#include "sim/study/devices/memory_run.h"

namespace orrery {
namespace {

void print_fit(const FitRecord& fit) {
  const HeldOut& h = fit.held_out;
  fmt::print(stderr,
             "{}: {} rows of {} families by {}; on families left out: median error {:.2f} %, p90 "
             "{:.2f} %, 90 % interval holds {:.1f} % at a median half-width of {:.1f} %\n",
             fit.set.text(), h.rows, h.families, h.by_size ? "size" : "shape", 100 * h.median,
             100 * h.p90, 100 * h.coverage, 100 * h.half_width);
  for (const auto& [name, value] : fit.parameters) {
    fmt::print(stderr, "  {:<18} {:.4g}\n", name, value);
  }
}

void print_log_fit(const LogFit& fit) {
  for (const FittedScalar& scalar : fit.scalars) {
    fmt::print(stderr, "  {:<14} {:>12.4g} {:<7} from {:g} to {:g}{}\n", scalar.name, scalar.value,
               scalar.unit, scalar.low, scalar.high, scalar.at_bound ? ", at its bound" : "");
  }
  for (const std::string& remark : fit.remarks) fmt::print(stderr, "  {}\n", remark);
  fmt::print(stderr,
             "{} steps fitted; on {} steps held out: median error {:.2f} %, p90 {:.2f} %, bias "
             "{:+.2f} %\n",
             fit.fitted_steps, fit.held_out_steps, 100 * fit.median_abs_error,
             100 * fit.p90_abs_error, 100 * fit.bias);
}

void print_memory_fit(const MemoryFit& fit) {
  fmt::print(stderr, "memory, under address map {}:\n", fit.options.address_map);
  for (const std::string& remark : fit.remarks) fmt::print(stderr, "  {}\n", remark);
  for (const HeldOutCurve& curve : fit.held_out) {
    fmt::print(
        stderr,
        "  {:<18} fitted to {:>2}; on {:>2} held out: median error {:.1f} %, worst {:+.1f} % "
        "({})\n",
        curve.curve, curve.fitted, curve.rows, 100 * curve.median, 100 * curve.worst,
        curve.worst_point);
  }
}

/// `memory_system:` fitted to the rows; empty where it cannot be, and why on stderr.
std::string memory_text_of(const GpuSpec& gpu, const std::vector<MemoryRow>& rows) {
  if (rows.empty()) return {};
  if (!gpu.memory_system) {
    fmt::print(stderr,
               "{} rows of the memory are not fitted: {} says nothing of its DRAM "
               "(memory_system)\n",
               rows.size(), gpu.name);
    return {};
  }
  const MemoryFit fit =
      fit_memory(gpu, load_memory(gpu.memory_system->device, {}), rows, memory_family());
  print_memory_fit(fit);
  return memory_system_text(fit);
}

void calibrate_from_log(const std::string& log_path, const std::string& base,
                        const std::string& out) {
  const EngineLog log = read_engine_log(log_path);
  const LogFit fit = fit_log(log);
  print_log_fit(fit);
  write_with_steps(base, fit.law, out);
}

int device_of(const std::string& text) {
  int device = -1;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), device);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || device < 0) {
    throw ConfigError(fmt::format("--device: '{}' is not the number of a GPU", text));
  }
  return device;
}

/// Tables of kernels: those that were named, or the one that is measured now, beside --out.
std::vector<std::string> tables_of(const Arguments& arguments) {
  if (!arguments.has("device")) return arguments.texts("from");
  if (arguments.has("format")) throw ConfigError("--format: --device writes orrery's own");
  const std::string program =
      arguments.has("kernels") ? arguments.text("kernels") : std::string(kKernelsProgram);
  std::filesystem::path table(arguments.text("out"));
  table.replace_extension(".csv");
  measure_device(program, device_of(arguments.text("device")), table.string());
  return {table.string()};
}

void check_needed(const Arguments& arguments) {
  int ways = 0;
  for (const char* way : {"from", "device", "from-log"}) ways += arguments.has(way) ? 1 : 0;
  if (ways != 1) {
    throw ConfigError("orrery calibrate: needs one of --from, --device and --from-log");
  }
  for (const char* needed : {"hardware", "out"}) {
    if (!arguments.has(needed)) {
      throw ConfigError(fmt::format("orrery calibrate: needs --{}", needed));
    }
  }
}

}  // namespace

int calibrate_command(const std::vector<std::string>& words, const Policies& /*policies*/) {
  Arguments arguments("calibrate", "");
  arguments.values("from", "TABLE.csv: measured kernels; may be repeated");
  arguments.value("device", "N: measure that GPU first, by the program orrery-kernels");
  arguments.value("kernels", "PROGRAM: where orrery-kernels stands, if not in PATH");
  arguments.value("from-log", "ENGINE.log: vLLM's, with --enable-logging-iteration-details");
  arguments.value("format", "orrery (default), aiconfigurator or llmservingsim");
  arguments.value("hardware", "BASE.yaml: a name in configs/hardware, or a path");
  arguments.value("out", "FILE.yaml: the hardware with its calibration, the fits beside it");
  if (arguments.parse(words)) return 0;
  check_needed(arguments);
  const std::string base = find_config("hardware", arguments.text("hardware"), {}, "--hardware");
  if (arguments.has("from-log")) {
    calibrate_from_log(arguments.text("from-log"), base, arguments.text("out"));
    return 0;
  }
  const GpuSpec gpu = load_gpu(arguments.text("hardware"), {});
  const TableFormat format =
      table_format(arguments.has("format") ? arguments.text("format") : "orrery");
  std::vector<MeasuredRow> rows;
  std::vector<MemoryRow> memory;
  for (const std::string& path : tables_of(arguments)) {
    MeasuredTable table = read_table(path, format);
    for (const auto& [name, count] : table.skipped) {
      fmt::print(stderr, "{}: {} rows of {} are not fitted\n", path, count, name);
    }
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    memory.insert(memory.end(), table.memory.begin(), table.memory.end());
  }
  const std::vector<FitRecord> fits = calibrate(gpu, rows);
  for (const FitRecord& fit : fits) print_fit(fit);
  write_calibrated(base, fits, arguments.text("out"), memory_text_of(gpu, memory));
  return 0;
}

}  // namespace orrery
