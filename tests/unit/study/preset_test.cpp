// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "sim/config/yaml.h"
#include "sim/study/scenario.h"

namespace orrery {
namespace {

Scenario read_engine(const Policies& policies, const std::string& engine) {
  const std::string text =
      "workload: {closed_loop: {concurrency: 1, requests: 1, "
      "input_tokens: {distribution: fixed, value: 1}, "
      "output_tokens: {distribution: fixed, value: 1}}}\n"
      "cost: {step: 1ms}\nengine: " +
      engine + "\n";
  return read_scenario(parse_yaml(text, "scenario.yaml"), "scenario.yaml", policies);
}

bool says(const Scenario& scenario, const std::string& key) {
  return scenario.config_json.find('"' + key + '"') != std::string::npos;
}

TEST_CASE("a preset's options of its scheduler go with that scheduler") {
  const Policies policies = builtin();
  const Scenario usual = read_engine(policies, "{preset: vllm-v1@0.15}");
  CHECK(usual.engine.scheduler == "vllm-v1");
  CHECK(says(usual, "scheduling_policy"));
  // Orca has no such option; what the preset says of the engine otherwise stays.
  const Scenario orca = read_engine(policies, "{preset: vllm-v1@0.15, scheduler: orca}");
  CHECK(orca.engine.scheduler == "orca");
  CHECK(!says(orca, "scheduling_policy"));
  CHECK(orca.engine.free_partial_blocks == EngineSettings::FreePartialBlocks::kBack);
  // The preset's watermark is vLLM's, 0; Sarathi-Serve keeps its own.
  const Scenario sarathi = read_engine(policies, "{preset: vllm-v1, scheduler: sarathi-serve}");
  CHECK(sarathi.config_json.find("\"watermark\": 0.01") != std::string::npos);
  // Naming the preset's own scheduler changes nothing.
  CHECK(read_engine(policies, "{preset: vllm-v1@0.15, scheduler: vllm-v1}").config_json ==
        usual.config_json);
  // An option of a scheduler that is not there is still nobody's.
  CHECK_THROWS_AS(read_engine(policies, "{scheduler: orca, scheduling_policy: fcfs}"), ConfigError);
}

}  // namespace
}  // namespace orrery
