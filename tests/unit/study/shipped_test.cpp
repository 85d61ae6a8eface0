// SPDX-License-Identifier: Apache-2.0
//
// Every shipped YAML says what it should: scenarios run, presets lay under an empty engine.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "sim/study/run.h"
#include "sim/study/world.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> yaml_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(ORRERY_SOURCE_DIR) / folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  return files;
}

TEST_CASE("every shipped scenario runs to its end") {
  const Policies policies = builtin();
  const auto files = yaml_in("configs/scenarios");
  REQUIRE(!files.empty());
  for (const fs::path& file : files) {
    INFO(file.filename().string());
    const Scenario scenario = load_scenario(file.string(), {}, policies);
    const RunResult result = run(scenario, {});
    CHECK(result.complete);
    CHECK(result.summary.completed > 0);
    CHECK(!result.summary.trust.empty());
    CHECK(!result.summary.next.empty());
  }
}

TEST_CASE("every engine preset carries the default scenario") {
  const Policies policies = builtin();
  const std::string scenario_file =
      (fs::path(ORRERY_SOURCE_DIR) / "configs/scenarios/default.yaml").string();
  const auto files = yaml_in("configs/engines");
  REQUIRE(files.size() >= 3);
  for (const fs::path& file : files) {
    INFO(file.filename().string());
    const std::string preset = "engine.preset=" + file.stem().string();
    const std::vector<std::string> overrides = {preset, "workload.trace.limit=50",
                                                "engine.gpu_memory_utilization=0.9"};
    const Scenario scenario = load_scenario(scenario_file, overrides, policies);
    CHECK(scenario.engine.preset == file.stem().string());
    CHECK(run(scenario, {}).summary.completed == 50);
  }
}

TEST_CASE("plain vllm-v1 says which version it means") {
  const Policies policies = builtin();
  const std::string file =
      (fs::path(ORRERY_SOURCE_DIR) / "configs/scenarios/default.yaml").string();
  CHECK(load_scenario(file, {}, policies).engine.preset == "vllm-v1@0.28");
}

TEST_CASE("the default scenario's last line removes its bottleneck") {
  const Policies policies = builtin();
  const std::string file =
      (fs::path(ORRERY_SOURCE_DIR) / "configs/scenarios/default.yaml").string();
  const Summary before = run(load_scenario(file, {}, policies), {}).summary;
  CHECK(before.bound == Bound::kKv);
  const std::size_t at = before.next.find("--set ");
  REQUIRE(at != std::string::npos);
  const std::vector<std::string> overrides = {before.next.substr(at + 6)};
  const Summary after = run(load_scenario(file, overrides, policies), {}).summary;
  CHECK(after.bound != Bound::kKv);
  CHECK(*before.slo_attainment < 0.5);
  CHECK(*after.slo_attainment > 0.99);
}

TEST_CASE("a run's skips change no fact, and its seed fixes all of them") {
  const Policies policies = builtin();
  const std::string file =
      (fs::path(ORRERY_SOURCE_DIR) / "configs/scenarios/default.yaml").string();
  const Scenario scenario = load_scenario(file, {}, policies);
  const std::uint64_t fingerprint = run(scenario, {}).summary.fingerprint;
  CHECK(run(scenario, {}).summary.fingerprint == fingerprint);
  RunOptions walked;
  walked.step_by_step = true;
  CHECK(run(scenario, walked).summary.fingerprint == fingerprint);
}

}  // namespace
}  // namespace orrery
