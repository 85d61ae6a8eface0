// SPDX-License-Identifier: Apache-2.0
//
// A pipeline's step against its stages, each costed alone.
#include <doctest/doctest.h>

#include <vector>

#include "models/transformer/transformer.h"
#include "tests/unit/models/batches.h"
#include "tests/unit/models/shapes.h"

namespace orrery {
namespace {

using test::Batch;
using test::line_of;

/// The host launches in no time, so that the device alone counts.
std::unique_ptr<CostModel> model(std::int64_t layers, std::int64_t stages,
                                 Duration launch = Duration()) {
  ModelCard card = test::llama_8b();
  card.layers = layers;
  GpuSpec gpu = test::round_gpu();
  gpu.launch.launch = gpu.launch.graph_replay = launch;
  Plan plan;
  plan.pipeline_parallel = stages;
  return make_roofline(card, gpu, plan, ExecutionOptions());
}

TEST_CASE("a stage takes what its layers take, a step takes all stages and the sends") {
  const Batch batch = Batch().decode(64, 1000);
  const auto two = model(4, 2);
  std::vector<StageCost> stages(2);
  const StepCost cost = two->cost_of_stages(batch.shape(), stages);
  CHECK(cost.device == two->cost(batch.shape()).device);
  // Two layers with the LM head and no embedding are the last stage, and the other way round.
  const auto half = model(2, 1);
  const Duration all = half->cost(batch.shape()).device;
  const Duration embedding = line_of(*half, batch.shape(), "embedding").time;
  CHECK(stages[1].busy == all - embedding);
  const Duration send = line_of(*two, batch.shape(), "stage_sends").time;
  // 64 rows of hidden state and residual, 2 x 4096 x 2 B each over 400 GB/s, and 5 us.
  CHECK(to_seconds(send) * 1e6 == doctest::Approx(5 + 64 * 16384 / 400e3).epsilon(1e-6));
  CHECK(stages[0].hand_over == send);
  CHECK(cost.device == stages[0].busy + send + stages[1].busy);
  CHECK(cost.device == model(4, 1)->cost(batch.shape()).device + send);
  // 64 token ids of 8 B go back.
  CHECK(to_seconds(stages[1].hand_over) * 1e6 == doctest::Approx(5 + 512 / 400e3).epsilon(1e-6));
}

TEST_CASE("each stage waits for the launches of its own host") {
  // 1 ms a graph, far more than two layers take.
  const Batch batch = Batch().decode(64, 1000);
  const auto two = model(4, 2, milliseconds(1));
  std::vector<StageCost> stages(2);
  static_cast<void>(two->cost_of_stages(batch.shape(), stages));
  CHECK(stages[0].busy == milliseconds(1));
  // The last stage's rows are launched one by one: norm, LM head and sampler at 1 ms each.
  CHECK(stages[1].busy > milliseconds(2));
  CHECK(stages[1].busy.count() % milliseconds(1).count() == 0);
}

TEST_CASE("the lines of a pipeline's step sum to it, and its stages are listed") {
  for (const Duration launch : {Duration(), microseconds(40)}) {
    const auto four = model(8, 4, launch);
    const Batch batch = Batch().decode(64, 1000).prefill(200);
    Breakdown breakdown;
    four->explain(batch.shape(), breakdown);
    Duration sum;
    for (const OperatorCost& line : breakdown.operators) sum += line.time;
    CHECK(sum == four->cost(batch.shape()).device);
    REQUIRE(breakdown.stages.size() == 4);
    std::vector<StageCost> stages(4);
    static_cast<void>(four->cost_of_stages(batch.shape(), stages));
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(breakdown.stages[i].layers == 2);
      CHECK(breakdown.stages[i].cost.busy == stages[i].busy);
      CHECK(breakdown.stages[i].cost.hand_over == stages[i].hand_over);
    }
  }
}

TEST_CASE("all stages work on the whole batch") {
  const auto kv = [&](const Batch& batch, std::int64_t stages) {
    return line_of(*model(4, stages), batch.shape(), "attention_decode").shape;
  };
  CHECK(kv(Batch().decode(1, 1000), 2) == "1 decodes, 1000 KV tokens");
  CHECK(kv(Batch().decode(64, 1000), 2) == "64 decodes, 64000 KV tokens");
}

}  // namespace
}  // namespace orrery
