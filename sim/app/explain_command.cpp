// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/study/explain.h"

namespace orrery {
namespace {

using nlohmann::ordered_json;

void print_table(const Explanation& explanation) {
  const Breakdown& step = explanation.breakdown;
  const double total = to_seconds(explanation.cost.device);
  fmt::print("{}\nlaunched as: {}\n\n", explanation.batch, step.launch_mode);
  fmt::print("{:<26} {:<34} {:>6} {:>12} {:>12} {:>11} {:>7}  {:<8} {}\n", "operator", "shape",
             "count", "FLOPs", "bytes", "time", "share", "bound", "basis");
  for (const OperatorCost& op : step.operators) {
    fmt::print("{:<26} {:<34} {:>6} {:>12} {:>12} {:>11} {:>6.1f}%  {:<8} {}\n", op.name, op.shape,
               op.count, human(op.flops), human(op.bytes), human(op.time),
               total > 0 ? 100 * to_seconds(op.time) / total : 0, op.bound, op.basis);
  }
  fmt::print("\ndevice {}   host {}   {}\n", human(explanation.cost.device),
             human(explanation.cost.host), explanation.basis);
  for (const std::string& line : explanation.pipeline) fmt::print("{}\n", line);
  for (const std::string& line : explanation.memory) fmt::print("{}\n", line);
}

ordered_json pipeline_json(const Explanation& explanation) {
  ordered_json stages = ordered_json::array();
  for (const StageLine& stage : explanation.breakdown.stages) {
    stages.push_back({{"layers", stage.layers},
                      {"busy_us", to_seconds(stage.cost.busy) * 1e6},
                      {"hand_over_us", to_seconds(stage.cost.hand_over) * 1e6}});
  }
  const PipelineRates& rates = *explanation.rates;
  return {{"lone_step_us", to_seconds(rates.lone_step) * 1e6},
          {"lone_bubble", rates.lone_bubble},
          {"period_us", to_seconds(rates.period) * 1e6},
          {"full_bubble", rates.full_bubble},
          {"stages", stages}};
}

void print_json(const Explanation& explanation) {
  ordered_json operators = ordered_json::array();
  for (const OperatorCost& op : explanation.breakdown.operators) {
    operators.push_back({{"name", op.name},
                         {"shape", op.shape},
                         {"count", op.count},
                         {"flops", op.flops.count()},
                         {"bytes", op.bytes.count()},
                         {"time_us", to_seconds(op.time) * 1e6},
                         {"bound", op.bound},
                         {"basis", op.basis}});
  }
  ordered_json document = {{"batch", explanation.batch},
                           {"launch_mode", explanation.breakdown.launch_mode},
                           {"device_us", to_seconds(explanation.cost.device) * 1e6},
                           {"host_us", to_seconds(explanation.cost.host) * 1e6},
                           {"basis", explanation.basis},
                           {"operators", operators}};
  if (explanation.rates) document["pipeline"] = pipeline_json(explanation);
  fmt::print("{}\n", document.dump(2));
}

}  // namespace

int explain_command(const std::vector<std::string>& words, const Policies& policies) {
  Arguments arguments("explain", "SCENARIO.yaml");
  arguments.values("set", "key.path=value: overrides the file; may be repeated");
  arguments.values("prefill", "TOKENS[@CONTEXT]: a prompt chunk and what is computed before it");
  arguments.values("decode", "COUNT@CONTEXT: decoding requests and their context");
  arguments.flag("json", "print one JSON object");
  if (arguments.parse(words)) return 0;
  const Scenario scenario = load_scenario(arguments.file(), arguments.texts("set"), policies);
  const Explanation explanation =
      explain(scenario, parse_batch(arguments.texts("prefill"), arguments.texts("decode")));
  if (arguments.has("json")) {
    print_json(explanation);
  } else {
    print_table(explanation);
  }
  return 0;
}

}  // namespace orrery
