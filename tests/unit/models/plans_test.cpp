// SPDX-License-Identifier: Apache-2.0
//
// Plans over shipped cards: what steps cost, and what is refused.
#include "models/plans/plan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "models/transformer/graph.h"
#include "models/transformer/transformer.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/errors.h"
#include "sim/core/random.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/cards.h"

namespace orrery {
namespace {

using test::Batch;
using test::explained;
using test::line_of;

ModelCard card_of(const std::string& name) {
  ModelCard card;
  read(load_yaml(std::string(ORRERY_SOURCE_DIR) + "/configs/models/" + name + ".yaml"), card);
  return card;
}

/// The round GPU with more tensor types.
GpuSpec gpu() {
  GpuSpec gpu = test::round_gpu();
  gpu.compute.fp32 = ComputeRate::per_second(60'000'000'000'000);
  gpu.compute.fp8 = ComputeRate::per_second(2'000'000'000'000'000);
  gpu.compute.int8 = gpu.compute.fp8;
  return gpu;
}

struct Degrees {
  std::int64_t tensor = 1;
  std::int64_t pipeline = 1;
  std::int64_t data = 1;
  std::int64_t expert = 1;
  std::int64_t context = 1;
};

Plan plan_of(const Degrees& d) {
  Plan plan;
  plan.tensor_parallel = d.tensor;
  plan.pipeline_parallel = d.pipeline;
  plan.data_parallel = d.data;
  plan.expert_parallel = d.expert;
  plan.context_parallel = d.context;
  return plan;
}

ExecutionOptions small_batches() {
  ExecutionOptions options;
  options.max_num_batched_tokens = 1024;
  options.max_num_seqs = 128;
  return options;
}

std::unique_ptr<CostModel> model_of(const ModelCard& card, const Degrees& degrees,
                                    const ExecutionOptions& options = small_batches()) {
  return make_roofline(card, gpu(), plan_of(degrees), options);
}

Batch random_batch(RandomStream& random) {
  Batch batch;
  batch.decode(static_cast<std::int32_t>(random.between(0, 200)), random.between(1, 9000));
  for (std::int64_t n = random.between(0, 3); n > 0; --n) {
    batch.prefill(static_cast<std::int32_t>(random.between(1, 900)),
                  static_cast<std::int32_t>(random.between(0, 3) * random.between(0, 9000)));
  }
  return batch;
}

void check_sums(const CostModel& model, RandomStream& random) {
  for (int i = 0; i < 25; ++i) {
    const Batch batch = random_batch(random);
    CHECK(explained(model, batch.shape()) == model.cost(batch.shape()).device);
  }
}

TEST_CASE("explain sums to cost exactly, whatever the model and the plan") {
  RandomStream random(3, "plans", "shapes");
  struct Case {
    const char* model;
    Degrees degrees;
  };
  const Case cases[] = {
      {"llama-3.1-8b", {.tensor = 2, .pipeline = 3}},
      {"llama-3.1-8b", {.context = 4}},
      {"mixtral-8x7b", {.tensor = 2}},
      {"mixtral-8x22b", {.tensor = 4, .pipeline = 2, .expert = 4}},
      {"deepseek-v3", {.tensor = 8, .pipeline = 2, .expert = 8}},
      {"deepseek-v3", {.tensor = 1, .data = 32, .expert = 32}},
      {"deepseek-v3", {.tensor = 4, .data = 4, .expert = 16, .context = 2}},
      {"llama-4-scout", {.tensor = 8}},
      {"qwen3-30b-a3b", {.data = 8, .expert = 8}},
      {"gpt-oss-20b", {.tensor = 2, .expert = 2}},
      {"gemma-3-27b", {.tensor = 2, .context = 2}},
      {"bamba-9b", {.tensor = 2, .pipeline = 2}},
      {"qwen2.5-vl-7b", {.tensor = 4}},
      {"whisper-large-v3", {}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.model);
    ExecutionOptions options = small_batches();
    options.images_per_prompt = 2;
    check_sums(*model_of(card_of(each.model), each.degrees, options), random);
  }
}

TEST_CASE("explain sums to cost with every exchange of routed tokens") {
  RandomStream random(4, "plans", "exchanges");
  for (const All2All all2all : {All2All::kAllGatherReduceScatter, All2All::kDeepEpHighThroughput,
                                All2All::kDeepEpLowLatency}) {
    for (const bool overlap : {false, true}) {
      ExecutionOptions options = small_batches();
      options.experts.all2all = all2all;
      options.experts.overlap_shared_experts = overlap;
      const auto model =
          model_of(card_of("deepseek-v3"), {.tensor = 2, .data = 8, .expert = 16}, options);
      check_sums(*model, random);
    }
  }
}

TEST_CASE("layers go to stages as vLLM deals them") {
  CHECK(stage_layers(32, 1) == std::vector<std::int64_t>{32});
  CHECK(stage_layers(80, 4) == std::vector<std::int64_t>{20, 20, 20, 20});
  // 61 over 4: what is left over goes to the last stage but one.
  CHECK(stage_layers(61, 4) == std::vector<std::int64_t>{15, 15, 16, 15});
  CHECK(stage_layers(62, 4) == std::vector<std::int64_t>{15, 16, 16, 15});
}

TEST_CASE("stages share the operators of the whole") {
  const ModelCard card = card_of("deepseek-v3");
  const StepGraph whole = build_graph(card, plan_of({}), small_batches());
  const StepGraph stages = build_graph(card, plan_of({.pipeline = 4}), small_batches());
  REQUIRE(stages.stages.size() == 4);
  const StageGraph merged = stages.whole();
  for (const Operator& op : whole.whole().tokens) {
    std::int64_t count = 0;
    for (const Operator& other : merged.tokens) count += other.name == op.name ? other.count : 0;
    CAPTURE(op.name);
    CHECK(count == op.count);
  }
  // The first three layers are dense: the other stages have no MLP.
  CHECK(stages.stages[0].experts.front().count == 12);
  CHECK(stages.stages[1].experts.front().count == 15);
}

TEST_CASE("four stages run prompts nearly four times as fast, and a lone step no faster") {
  const ModelCard card = test::llama_70b();
  const auto one = model_of(card, {.tensor = 1});
  const auto four = model_of(card, {.tensor = 1, .pipeline = 4});
  // A lone step goes through all 80 layers, and three sends of 5 us and a row.
  const Batch lone = Batch().decode(1, 2000);
  const double ratio =
      to_seconds(four->cost(lone.shape()).device) / to_seconds(one->cost(lone.shape()).device);
  CHECK(ratio > 1.0);
  CHECK(ratio < 1.01);
  const Batch many = Batch().decode(128, 2000);
  CHECK(line_of(*four, many.shape(), "qkv_proj").shape == "128 x 10240 x 8192");
  CHECK(line_of(*four, lone.shape(), "stage_sends").count == 3);
  // A compute-bound prefill in each stage: as fast as four GPUs, but for the sends and the last
  // stage's LM head, a few percent.
  ExecutionOptions options = small_batches();
  options.max_num_batched_tokens = 8192;
  const Batch prefill = Batch().prefill(8192);
  std::vector<StageCost> stages(4);
  static_cast<void>(
      model_of(card, {.pipeline = 4}, options)->cost_of_stages(prefill.shape(), stages));
  const double speedup = to_seconds(model_of(card, {}, options)->cost(prefill.shape()).device) /
                         to_seconds(pipeline_rates(stages).period);
  CHECK(speedup > 4 * 0.93);
  CHECK(speedup <= 4);
}

TEST_CASE("context-parallel ranks share attention and wait for each other's keys") {
  const ModelCard card = test::llama_8b();
  ExecutionOptions options = small_batches();
  options.max_num_batched_tokens = 65536;
  const auto time = [&](std::int64_t ranks, ContextExchange exchange) {
    Plan plan = plan_of({.context = ranks});
    plan.context_exchange = exchange;
    return make_roofline(card, gpu(), plan, options)->cost(Batch().prefill(65536).shape()).device;
  };
  const double one = to_seconds(time(1, ContextExchange::kRing));
  const double ring = to_seconds(time(4, ContextExchange::kRing));
  const double gather = to_seconds(time(4, ContextExchange::kAllGather));
  CHECK(ring < gather);
  // Attention to a share of 16384 x 16384 pairs is 4 x 32 x 128 x 2.7e8 flops, 4.4 ms at 1 PFLOP/s;
  // the next share is 16384 x 4 KiB, 0.17 ms over the link: all of it is hidden.
  CHECK(ring == doctest::Approx(one / 4).epsilon(0.02));
  // All-gathered: 32 layers x 3/4 of 65536 x 4 KiB at 400 GB/s, 16 ms.
  CHECK(gather - ring == doctest::Approx(0.0161).epsilon(0.05));
}

TEST_CASE("DP-attention keeps each group's requests, and routes over all ranks") {
  const ModelCard card = card_of("deepseek-v3");
  const auto model = model_of(card, {.data = 16, .expert = 16});
  const Batch batch = Batch().decode(64 * 16, 4000);
  CHECK(line_of(*model, batch.shape(), "q_up_proj").shape == "64 x 24576 x 1536 fp8_block");
  // 1024 tokens x 8 choices over 16 ranks: 512 rows each, were they even.
  const OperatorCost experts = line_of(*model, batch.shape(), "experts");
  CHECK(experts.shape.find("1024 tokens") != std::string::npos);
  CHECK(experts.shape.find("of 16 experts") != std::string::npos);
  CHECK(line_of(*model, batch.shape(), "experts_all_gather").count == 58);
  CHECK(line_of(*model, batch.shape(), "latent_attention_decode").shape ==
        "64 decodes, 256000 KV tokens");
}

TEST_CASE("illegal plans say what is legal") {
  const auto refuse = [](const char* name, const Degrees& degrees, const char* what) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(check_plan(card_of(name), plan_of(degrees)), doctest::Contains(what),
                         ConfigError);
  };
  refuse("llama-3.1-8b", {.tensor = 3}, "plan.tensor_parallel: 3 does not divide llama-3.1-8b");
  refuse("llama-3.1-8b", {.data = 2}, "write `replicas: 2` instead");
  refuse("llama-3.1-8b", {.expert = 2}, "plan.expert_parallel: llama-3.1-8b has no experts");
  refuse("llama-3.1-8b", {.pipeline = 33}, "33 stages for the 32 layers");
  refuse("mixtral-8x7b", {.tensor = 4, .expert = 3}, "known: 1, 2, 4");
  refuse("deepseek-v3", {.data = 16, .expert = 5}, "known: 1, 2, 4, 8, 16");
  refuse("gpt-oss-20b", {.tensor = 8, .expert = 3}, "known: 1, 2, 4, 8");
  refuse("bamba-9b", {.context = 2}, "plan.context_parallel: bamba-9b has layers");
  refuse("whisper-large-v3", {.pipeline = 2}, "is an encoder-decoder");
  refuse("whisper-large-v3", {.tensor = 8}, "20 encoder heads");
}

TEST_CASE("DeepEP needs whole experts on every rank, and NVLink") {
  ExecutionOptions options = small_batches();
  options.experts.all2all = All2All::kDeepEpLowLatency;
  CHECK_THROWS_WITH_AS(static_cast<void>(model_of(card_of("deepseek-v3"),
                                                  {.tensor = 2, .data = 4, .expert = 4}, options)),
                       doctest::Contains("it needs 8"), ConfigError);
  GpuSpec no_nvlink = gpu();
  no_nvlink.links.nvlink.reset();
  CHECK_THROWS_WITH_AS(static_cast<void>(make_roofline(card_of("deepseek-v3"), no_nvlink,
                                                       plan_of({.data = 8, .expert = 8}), options)),
                       doctest::Contains("DeepEP needs NVLink"), ConfigError);
}

}  // namespace
}  // namespace orrery
