// SPDX-License-Identifier: Apache-2.0
//
// Decode attention placed in PIM stacks: what a step then costs, and that a scenario can say so.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/pim/pim_attention.h"
#include "models/pim/pim_head_times.h"
#include "models/transformer/transformer.h"
#include "sim/core/errors.h"
#include "sim/study/catalogue.h"
#include "sim/study/run.h"
#include "sim/study/world.h"
#include "tests/unit/study/pim_world.h"

namespace orrery::testing {
namespace {

const std::string kScenario = ORRERY_SOURCE_DIR "/configs/scenarios/gpu-and-pim.yaml";

/// `decodes` of equal context, and a chunk if it has tokens.
BatchShape batch(std::int32_t decodes, std::int64_t context, const PrefillChunk* chunk = nullptr) {
  BatchShape shape;
  shape.decodes = decodes;
  shape.sampled_rows = decodes;
  shape.decode_context = decodes * context;
  shape.decode_context_max = context;
  shape.decode_tiles = decodes * ((context + 127) / 128);
  if (chunk != nullptr) {
    shape.chunks = {chunk, 1};
    shape.prefill_tokens = chunk->tokens;
  }
  return shape;
}

Duration sum_of(const Breakdown& breakdown) {
  Duration sum;
  for (const OperatorCost& op : breakdown.operators) sum += op.time;
  return sum;
}

std::shared_ptr<const CostModel> cost_with(const std::vector<std::string>& overrides) {
  const Policies policies = builtin();
  return build_world(load_scenario(kScenario, overrides, policies)).cost;
}

TEST_CASE("explain of a step with PIM sums to its cost") {
  for (const char* const sub_batches : {"1", "2"}) {
    const auto cost = cost_with({std::string("placement.sub_batches=") + sub_batches});
    const PrefillChunk chunk{700, 300, true};
    for (const BatchShape& shape : {batch(1, 40), batch(2, 4000), batch(7, 1), batch(129, 1777),
                                    batch(0, 0, &chunk), batch(33, 900, &chunk)}) {
      Breakdown breakdown;
      cost->explain(shape, breakdown);
      CHECK(sum_of(breakdown) == cost->cost(shape).device);
    }
  }
}

// One at a time: the GPU's own work, then of each of 40 layers the queries with the new keys and
// values (3 x 40 heads x 128 x 2 B a decode), the banks, and the results (40 x 128 x 2 B), at
// 450 GB/s and 1 us a transfer.
TEST_CASE("without sub-batches a step is GEMMs, transfers and banks in turn") {
  const Policies policies = builtin();
  const Scenario scenario = load_scenario(kScenario, {}, policies);
  const World world = build_world(scenario);
  const BatchShape shape = batch(80, 1024);
  const PimHeadTimes heads(world.pim->device, 1, 128, world.model->max_position);
  // 3200 heads on 5 x 16 channels: 40 for each.
  const Duration banks = heads.start(1024) + heads.sum(40, 40 * 1024);
  const double link_s = 80.0 * 4 * 40 * 128 * 2 / 450e9;
  ExecutionOptions execution = scenario.engine.execution;
  execution.decode_attention_elsewhere = true;
  execution.max_num_seqs = world.engine.max_num_seqs;
  execution.max_num_batched_tokens = world.engine.max_num_batched_tokens;
  const auto gpu = make_roofline(*world.model, *world.gpu, scenario.plan, execution);
  const double expected =
      to_seconds(gpu->cost(shape).device) + 40 * (to_seconds(banks) + link_s + 2e-6);
  CHECK(to_seconds(world.cost->cost(shape).device) == doctest::Approx(expected).epsilon(1e-6));
}

TEST_CASE("sub-batches hide attention behind GEMMs, at the price of reading weights twice") {
  const auto in_turn = cost_with({"placement.sub_batches=1"});
  const auto halves = cost_with({"placement.sub_batches=2"});
  // Bound by weights: two halves read them twice, which costs more than hiding a little.
  CHECK(halves->cost(batch(16, 200)).device > in_turn->cost(batch(16, 200)).device);
  // Long contexts keep the banks busy longer than weights take: half of the GEMMs vanish.
  CHECK(halves->cost(batch(64, 4000)).device < in_turn->cost(batch(64, 4000)).device);
}

/// What the table says of ten heads in each channel over what the channel itself takes, less 1.
double table_error(const pim::Device& device, const PimHeadTimes& heads, std::int64_t tokens) {
  constexpr std::int64_t kEach = 10;
  const std::int64_t all = kEach * device.geometry.channels;
  const pim::Report report =
      run_plan(device, make_mapper(device)->attention({4 * all, all, 128, tokens}));
  const double clocked = static_cast<double>(report.cycles * device.timing.clock.count());
  const Duration table = heads.start(tokens) + heads.sum(kEach, kEach * tokens);
  return static_cast<double>(table.count()) / clocked - 1;
}

// The table asks the channel about a few contexts and numbers of heads; between them it must say
// what the channel itself would. A refresh more or less is 456 of at least 30,000 clocks.
TEST_CASE("remembered head times agree with the clocked channel") {
  const pim::Device device = shipped_pim("attacc-hbm3");
  const PimHeadTimes heads(device, 4, 128, 4096);
  for (const std::int64_t tokens : {300, 1000, 1600, 3500}) {
    CAPTURE(tokens);
    CHECK(std::abs(table_error(device, heads, tokens)) < 0.03);
  }
}

// NeuPIMs opens a row of 512 tokens of values whether it needs all of them or one, so that one
// length can be off by a good part of a row; a batch of many lengths is not.
TEST_CASE("remembered head times agree over many lengths where rows are long") {
  const pim::Device device = shipped_pim("neupims");
  const PimHeadTimes heads(device, 4, 128, 4096);
  double mean = 0;
  for (std::int64_t tokens = 640; tokens < 4096; tokens += 216) {
    const double error = table_error(device, heads, tokens);
    CHECK(std::abs(error) < 0.15);
    mean += error / 16;
  }
  CHECK(std::abs(mean) < 0.05);
}

TEST_CASE("KV in the stacks: their capacity decides the blocks, and a trace can be served") {
  const Policies policies = builtin();
  const Scenario scenario = load_scenario(kScenario, {{"workload.trace.limit=200"}}, policies);
  const World world = build_world(scenario);
  // 5 stacks of 16 GiB over blocks of 16 tokens x 40 layers x 2 x 40 heads x 128 x 2 B.
  const std::int64_t block = 16LL * 40 * 2 * 40 * 128 * 2;
  CHECK(world.memory->num_blocks == 5 * (16LL << 30) / block);
  const RunResult pim = run(scenario, {});
  const RunResult gpu =
      run(load_scenario(kScenario, {{"workload.trace.limit=200", "placement.decode_attention=gpu"}},
                        policies),
          {});
  CHECK(pim.summary.completed == gpu.summary.completed);
  CHECK(pim.summary.fingerprint != gpu.summary.fingerprint);
}

TEST_CASE("a placement that cannot be is refused") {
  const Policies policies = builtin();
  const auto builds = [&](const std::vector<std::string>& overrides) {
    static_cast<void>(build_world(load_scenario(kScenario, overrides, policies)));
  };
  CHECK_THROWS_AS(builds({"placement.device=nothing"}), ConfigError);
  CHECK_THROWS_AS(builds({"placement.link=wire"}), ConfigError);
  CHECK_THROWS_AS(builds({"placement.sub_batches=3"}), ConfigError);
  CHECK_THROWS_AS(builds({"engine.kv_cache_dtype=fp8"}), ConfigError);
  CHECK_THROWS_AS(builds({"hardware=l40s", "model=llama-2-7b"}), ConfigError);  // No NVLink.
}

}  // namespace
}  // namespace orrery::testing
