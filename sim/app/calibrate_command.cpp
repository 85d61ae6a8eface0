// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/calibrate.h"
#include "sim/study/catalogue.h"

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

}  // namespace

int calibrate_command(const std::vector<std::string>& words, const Policies& /*policies*/) {
  Arguments arguments("calibrate", "");
  arguments.values("from", "TABLE.csv: measured kernels; may be repeated");
  arguments.value("format", "orrery (default), aiconfigurator or llmservingsim");
  arguments.value("hardware", "BASE.yaml: a name in configs/hardware, or a path");
  arguments.value("out", "FILE.yaml: the hardware with its calibration, the fits beside it");
  if (arguments.parse(words)) return 0;
  for (const char* needed : {"from", "hardware", "out"}) {
    if (!arguments.has(needed)) {
      throw ConfigError(fmt::format("orrery calibrate: needs --{}", needed));
    }
  }
  const std::string base = find_config("hardware", arguments.text("hardware"), {}, "--hardware");
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
