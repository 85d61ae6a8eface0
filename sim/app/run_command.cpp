// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/metrics/tables.h"
#include "sim/study/run.h"

namespace orrery {

int run_command(const std::vector<std::string>& words, const Policies& policies) {
  Arguments arguments("run", "SCENARIO.yaml");
  arguments.values("set", "key.path=value: overrides the file; may be repeated");
  arguments.value("out", "folder for summary.json and requests.csv");
  arguments.value("seed", "seed of all random streams");
  arguments.value("timeline", "trace-event file for Perfetto (.json or .json.gz)");
  arguments.flag("steps", "also write steps.csv into --out");
  arguments.flag("step-by-step", "turn every skip off and check each step");
  arguments.flag("json", "print summary.json on stdout instead of the table");
  if (arguments.parse(words)) return 0;

  std::vector<std::string> overrides = arguments.texts("set");
  if (arguments.has("seed")) overrides.push_back("seed=" + arguments.text("seed"));
  if (arguments.has("steps") && !arguments.has("out")) {
    throw ConfigError("orrery run: --steps needs --out");
  }
  const Scenario scenario = load_scenario(arguments.file(), overrides, policies);
  RunOptions options;
  options.out = arguments.text("out");
  options.steps_csv = arguments.has("steps");
  options.timeline = arguments.text("timeline");
  options.step_by_step = arguments.has("step-by-step");
  options.progress = isatty(STDERR_FILENO) == 1;

  const RunResult result = run(scenario, options);
  if (arguments.has("json")) {
    fmt::print("{}", summary_json(result.summary));
  } else {
    fmt::print("{}\n{}", summary_table(result.summary), closing_lines(result.summary));
  }
  return result.complete ? 0 : 1;
}

}  // namespace orrery
