// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/calibrate.h"
#include "sim/study/catalogue.h"
#include "sim/study/log_fit.h"

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

void calibrate_from_log(const std::string& log_path, const std::string& base,
                        const std::string& out) {
  const EngineLog log = read_engine_log(log_path);
  const LogFit fit = fit_log(log);
  print_log_fit(fit);
  write_with_steps(base, fit.law, out);
}

}  // namespace

int calibrate_command(const std::vector<std::string>& words, const Policies& /*policies*/) {
  Arguments arguments("calibrate", "");
  arguments.values("from", "TABLE.csv: measured kernels; may be repeated");
  arguments.value("from-log", "ENGINE.log: vLLM's, with --enable-logging-iteration-details");
  arguments.value("format", "orrery (default), aiconfigurator or llmservingsim");
  arguments.value("hardware", "BASE.yaml: a name in configs/hardware, or a path");
  arguments.value("out", "FILE.yaml: the hardware with its calibration, the fits beside it");
  if (arguments.parse(words)) return 0;
  if (arguments.has("from") == arguments.has("from-log")) {
    throw ConfigError("orrery calibrate: needs --from or --from-log, and not both");
  }
  for (const char* needed : {"hardware", "out"}) {
    if (!arguments.has(needed)) {
      throw ConfigError(fmt::format("orrery calibrate: needs --{}", needed));
    }
  }
  const std::string base = find_config("hardware", arguments.text("hardware"), {}, "--hardware");
  if (arguments.has("from-log")) {
    calibrate_from_log(arguments.text("from-log"), base, arguments.text("out"));
    return 0;
  }
  const GpuSpec gpu = load_gpu(arguments.text("hardware"), {});
  const TableFormat format =
      table_format(arguments.has("format") ? arguments.text("format") : "orrery");
  std::vector<MeasuredRow> rows;
  for (const std::string& path : arguments.texts("from")) {
    MeasuredTable table = read_table(path, format);
    for (const auto& [name, count] : table.skipped) {
      fmt::print(stderr, "{}: {} rows of {} are not fitted\n", path, count, name);
    }
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  }
  const std::vector<FitRecord> fits = calibrate(gpu, rows);
  for (const FitRecord& fit : fits) print_fit(fit);
  write_calibrated(base, fits, arguments.text("out"));
  return 0;
}

}  // namespace orrery
