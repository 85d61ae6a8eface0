// SPDX-License-Identifier: Apache-2.0
#include "sim/study/validation/validate.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/core/errors.h"
#include "sim/study/calibration/table.h"
#include "sim/study/catalogue.h"
#include "sim/study/validation/validate_memory.h"
#include "sim/study/validation/validate_plot.h"

namespace orrery {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const ErrorGroup& group) {
  ordered_json json = {{"n", group.n},
                       {"median_abs_error", group.median_abs_error},
                       {"p90_abs_error", group.p90_abs_error},
                       {"worst_abs_error", group.worst_abs_error},
                       {"bias", group.bias},
                       {"extrapolated", group.extrapolated}};
  if (group.with_interval > 0) {
    json["interval_coverage"] =
        static_cast<double>(group.within_interval) / static_cast<double>(group.with_interval);
  }
  return json;
}

void print_group(const ErrorGroup& group) {
  fmt::print("{:<36} {:>7} {:>7.2f} % {:>7.2f} % {:>7.1f} % {:>+7.2f} %", group.name, group.n,
             100 * group.median_abs_error, 100 * group.p90_abs_error, 100 * group.worst_abs_error,
             100 * group.bias);
  if (group.with_interval > 0) {
    fmt::print(" {:>7.1f} %", 100 * static_cast<double>(group.within_interval) /
                                  static_cast<double>(group.with_interval));
  }
  fmt::print("\n");
}

void print_head(const char* what) {
  fmt::print("{:<36} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}\n", what, "n", "median", "p90", "worst",
             "bias", "interval");
}

void print_validation(const Validation& validation) {
  print_head("kernels");
  for (const ErrorGroup& group : validation.groups) print_group(group);
  print_group(validation.overall);
}

void print_memory(const MemoryValidation& memory) {
  print_head("clocked memory");
  for (const MemoryGroup& group : memory.groups) {
    print_group(group.errors);
    for (const auto& [bound, rows] : group.bounds) fmt::print("    {} bound by {}\n", rows, bound);
  }
}

void write_file(const std::string& text, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw UserError(path + ": cannot be written");
}

}  // namespace

int validate_command(const std::vector<std::string>& words, const Policies& /*policies*/) {
  Arguments arguments("validate", "TABLE.csv");
  arguments.value("hardware", "a name in configs/hardware, or a path");
  arguments.value("format", "orrery (default), aiconfigurator or llmservingsim");
  arguments.value("out", "FILE.csv: a row a point");
  arguments.value("plot", "FILE.svg: predicted over measured, a dot a point");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(words)) return 0;
  if (!arguments.has("hardware")) throw ConfigError("orrery validate: needs --hardware");
  const GpuSpec gpu = load_gpu(arguments.text("hardware"), {});
  const MeasuredTable table =
      read_table(arguments.file(),
                 table_format(arguments.has("format") ? arguments.text("format") : "orrery"));
  const Validation validation = validate(gpu, table.rows);
  const MemoryValidation memory = validate_memory(gpu, table.memory);
  if (!memory.why_not.empty()) fmt::print(stderr, "{}: {}\n", arguments.file(), memory.why_not);
  for (const auto& [name, count] : table.skipped) {
    fmt::print(stderr, "{}: {} rows of {} are not predicted\n", arguments.file(), count, name);
  }
  if (arguments.has("out")) write_file(points_csv(validation, memory), arguments.text("out"));
  if (arguments.has("plot") && !validation.points.empty())
    write_file(scatter_svg(validation), arguments.text("plot"));
  if (!arguments.has("json")) {
    if (!validation.points.empty()) print_validation(validation);
    if (!memory.groups.empty()) print_memory(memory);
    return 0;
  }
  ordered_json groups = ordered_json::object();
  for (const ErrorGroup& group : validation.groups) groups[group.name] = to_json(group);
  ordered_json patterns = ordered_json::object();
  for (const MemoryGroup& group : memory.groups) {
    patterns[group.errors.name] = to_json(group.errors);
    patterns[group.errors.name]["bounds"] = group.bounds;
  }
  ordered_json skipped = ordered_json::object();
  for (const auto& [name, count] : table.skipped) skipped[name] = count;
  fmt::print("{}\n", ordered_json{{"hardware", gpu.name},
                                  {"groups", groups},
                                  {"overall", to_json(validation.overall)},
                                  {"memory", patterns},
                                  {"not_predicted", skipped}}
                         .dump(2));
  return 0;
}

}  // namespace orrery
