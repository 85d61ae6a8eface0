// SPDX-License-Identifier: Apache-2.0
#include "sim/config/overrides.h"

#include <doctest/doctest.h>

#include <string>

#include "sim/config/yaml.h"
#include "tests/unit/config/config_errors.h"

namespace orrery {
namespace {

Node tree() {
  return parse_yaml(
      "engine: {preset: vllm-v1}\nstages: [{rate: 1/s}, {rate: 2/s}]\nslo:\nnames: [a, b]\n",
      "f.yaml");
}

std::string error_of(const std::string& assignment) {
  return config_error_of([&] {
    Node root = tree();
    apply_override(root, assignment);
  });
}

TEST_CASE("--set replaces, adds and makes the mappings on the way") {
  Node root = tree();
  apply_override(root, "engine.preset=sglang");
  apply_override(root, "engine.max_num_seqs=256");
  apply_override(root, "stages[1].rate=8/s");
  apply_override(root, "names[0]=c");
  apply_override(root, "slo.ttft=500ms");
  apply_override(root, "fidelity.compute=roofline");
  apply_override(root, "cost.step=1000us + 10us * tokens");
  apply_override(root, "sizes=[1, 2]");
  CHECK(root.find("engine")->find("preset")->text == "sglang");
  CHECK(root.find("engine")->find("preset")->at.text() == "--set engine.preset");
  CHECK(root.find("engine")->find("max_num_seqs")->text == "256");
  CHECK(root.find("stages")->items[0].find("rate")->text == "1/s");
  CHECK(root.find("stages")->items[1].find("rate")->text == "8/s");
  CHECK(root.find("names")->items[0].text == "c");
  CHECK(root.find("slo")->find("ttft")->text == "500ms");
  CHECK(root.find("fidelity")->entry("compute")->at.text() == "--set fidelity.compute");
  CHECK(root.find("cost")->find("step")->text == "1000us + 10us * tokens");
  REQUIRE(root.find("sizes")->items.size() == 2);
  CHECK(root.find("sizes")->items[1].at.text() == "--set sizes");
}

TEST_CASE("only the first equals sign splits") {
  Node root = tree();
  apply_override(root, "map=Bg^=Ro[1:0]");
  CHECK(root.find("map")->text == "Bg^=Ro[1:0]");
}

TEST_CASE("a --set that cannot be applied says why") {
  CHECK(error_of("engine.preset") == "--set engine.preset: expected key.path=value");
  CHECK(error_of("=3") == "--set =3: expected key.path=value");
  CHECK(error_of("engine.=3") == "--set engine.: a key is missing; write key.path=value");
  CHECK(error_of("a..b=3") == "--set a..b: a key is missing; write key.path=value");
  CHECK(error_of("[0]=3") == "--set [0]: a key is missing; write key.path=value");
  CHECK(error_of("stages[x].rate=3") == "--set stages[x].rate: an index is written [0], [1], ...");
  CHECK(error_of("stages[0=3") == "--set stages[0: an index is written [0], [1], ...");
  CHECK(error_of("stages[0]rate=3") == "--set stages[0]rate: expected '.' or '[' after ']'");
  CHECK(error_of("stages[2].rate=3") ==
        "--set stages[2].rate: stages has 2 items, counted from [0]");
  CHECK(error_of("engine[0]=3") == "--set engine[0]: engine is a mapping (f.yaml:1:9), not a list");
  CHECK(error_of("engine.preset.x=3") ==
        "--set engine.preset.x: engine.preset is 'vllm-v1' (f.yaml:1:18), not a mapping");
  CHECK(error_of("stages.rate=3") ==
        "--set stages.rate: stages is a list (f.yaml:2:9), not a mapping");
  CHECK(error_of("engine.preset=") == "--set engine.preset: has no value");
  CHECK(error_of("sizes=[1") ==
        "--set sizes: value:1:1: a key must be a plain name; is a bracket left open?");
  CHECK(error_of("name=\"x").starts_with("--set name: value:1:3: not YAML: "));
  CHECK(error_of("sizes={a: 1, a: 2}") ==
        "--set sizes: value:1:8: a: stands twice; first in line 1");
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  CHECK(error_of(deep + "=1").ends_with("has too many steps"));
}

TEST_CASE("a point of a sweep sets a whole tree") {
  Node root = tree();
  set_value(root, "engine", parse_yaml("{preset: x}", "sweep.yaml"));
  CHECK(root.find("engine")->find("preset")->at.text() == "sweep.yaml:1:10");
}

}  // namespace
}  // namespace orrery
