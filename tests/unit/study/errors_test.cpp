// SPDX-License-Identifier: Apache-2.0
//
// A wrong input gets one clear line.
#include <doctest/doctest.h>

#include <string>

#include "sim/config/yaml.h"
#include "sim/study/run.h"
#include "sim/study/world.h"

namespace orrery {
namespace {

/// The one line that comes of a scenario's text.
std::string refusal(const std::string& text) {
  const Policies policies = builtin();
  try {
    const Scenario scenario = read_scenario(parse_yaml(text, "s.yaml"), "s.yaml", policies);
    static_cast<void>(run(scenario, {}));
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

const std::string kWorkload =
    "workload: {synthetic: {arrivals: {process: constant, rate: 1/s}, requests: 1,\n"
    "  input_tokens: {distribution: fixed, value: 100},\n"
    "  output_tokens: {distribution: fixed, value: 10}}}\n";

TEST_CASE("a scenario that is whole is accepted") {
  CHECK(refusal("cost: {step: 1ms}\nengine: {num_gpu_blocks_override: 64}\n" + kWorkload) ==
        "accepted");
}

TEST_CASE("names that are not shipped") {
  const std::string line = refusal("model: llama-3.1-8\nhardware: h200-sxm\n" + kWorkload);
  CHECK(line.starts_with("s.yaml:1:8: model: 'llama-3.1-8' is not shipped; known: "));
  CHECK(line.ends_with("(did you mean llama-3.1-8b?)"));
  CHECK(refusal("engine: {preset: vllm}\n" + kWorkload).starts_with("s.yaml:1:18: engine.preset:"));
}

TEST_CASE("what is needed and missing") {
  CHECK(refusal("model: llama-3.1-8b\nengine: {num_gpu_blocks_override: 64}\n" + kWorkload) ==
        "s.yaml: hardware: needed unless `cost:` gives the time of a step");
  CHECK(refusal("cost: {step: 1ms}\n" + kWorkload) ==
        "s.yaml: engine.num_gpu_blocks_override: needed where no model and hardware say how many "
        "KV blocks there are");
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\n").find("workload") != std::string::npos);
}

TEST_CASE("what an engine would not start with") {
  // 64 blocks, one of them the null block, of 16: 1008 tokens.
  CHECK(refusal("cost: {step: 1ms}\nengine: {num_gpu_blocks_override: 64, max_model_len: 1009}\n" +
                kWorkload) ==
        "s.yaml: engine.max_model_len: 1009 tokens do not fit in the KV cache, which holds 1008 "
        "(63 blocks of 16); the engine would not start");
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\nplan: {tensor_parallel: 3}\n" + kWorkload)
            .find("tensor_parallel") != std::string::npos);
}

TEST_CASE("links of a machine that nobody described") {
  const std::string rest =
      "plan: {tensor_parallel: 2}\nfidelity: {links: calibrated}\n" + kWorkload;
  CHECK(
      refusal("model: llama-3.1-8b\nhardware: rtx-4090\n" + rest)
          .starts_with("s.yaml:2:11: fidelity.links: no machine in configs/hardware/nodes is full "
                       "of 'rtx-4090'; known: hgx-a100-8, "));
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\n" + rest) == "accepted");
  // A replica of one GPU has no links.
  CHECK(refusal("model: llama-3.1-8b\nhardware: rtx-4090\nfidelity: {links: calibrated}\n" +
                kWorkload) == "accepted");
  CHECK(refusal("model: llama-2-70b\nhardware: hgx-h100-8x4-rails\n"
                "plan: {tensor_parallel: 16}\nfidelity: {links: calibrated}\n" +
                kWorkload) == "accepted");
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\n"
                "engine: {disable_custom_all_reduce: true}\n" +
                kWorkload)
            .starts_with("s.yaml: engine.disable_custom_all_reduce: the roofline of links knows "));
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\n"
                "engine: {disable_custom_all_reduce: true}\n" +
                rest) == "accepted");
  // More ranks than GPUs.
  CHECK(refusal("model: llama-2-70b\nhardware: hgx-h200-8\nfidelity: {links: calibrated}\n"
                "plan: {tensor_parallel: 16}\n" +
                kWorkload)
            .find("16 ranks talk to each other, but HGX H200, 8 GPUs has 8 GPUs") !=
        std::string::npos);
}

TEST_CASE("memory that nobody described or measured") {
  CHECK(refusal("model: llama-3.1-8b\nhardware: l40s\nfidelity: {memory: clocked}\n" + kWorkload) ==
        "s.yaml: fidelity.memory: clocked: NVIDIA L40S says nothing of its DRAM "
        "(memory_system); roofline needs nothing");
  CHECK(refusal("model: llama-3.1-8b\nhardware: h200-sxm\nfidelity: {memory: calibrated}\n" +
                kWorkload)
            .starts_with("s.yaml: fidelity.memory: no rate of paged KV reads of NVIDIA H200 SXM"));
  CHECK(refusal("model: llama-3.1-8b\nhardware: rtx-4090\n"
                "fidelity: {compute: calibrated, memory: calibrated}\n" +
                kWorkload)
            .starts_with("s.yaml: fidelity.memory: no memory rate of NVIDIA GeForce RTX 4090"));
  CHECK(refusal("cost: {step: 1ms}\nengine: {num_gpu_blocks_override: 64}\n"
                "fidelity: {memory: clocked}\n" +
                kWorkload) ==
        "s.yaml: fidelity.memory: a fixed cost of a step asks no memory; only roofline goes with "
        "`cost:`");
}

TEST_CASE("slips of the finger") {
  CHECK(refusal("cost: {step: 1ms}\nengine: {max_num_seq: 4}\n" + kWorkload)
            .find("did you mean max_num_seqs?") != std::string::npos);
  CHECK(refusal("cost: {step: 1}\nengine: {num_gpu_blocks_override: 64}\n" + kWorkload)
            .find("cost.step") != std::string::npos);
  CHECK(refusal("fidelity: {compute: calibratd}\n" + kWorkload).find("fidelity.compute") !=
        std::string::npos);
}

}  // namespace
}  // namespace orrery
