// SPDX-License-Identifier: Apache-2.0
//
// A pipeline's steps in flight, by hand. Hosts take no time, and turns that schedule nothing have
// no pause, unless said otherwise.
#include "sim/serving/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/world/one_replica.h"

namespace orrery {
namespace {

using world::OneReplica;
using world::OneReplicaOptions;
using world::planned;
using world::PlannedRequest;

Instant us(std::int64_t n) { return Instant::at(microseconds(n)); }
StageCost stage(std::int64_t busy_us, std::int64_t way_us = 0) {
  return {microseconds(busy_us), microseconds(way_us)};
}

TEST_CASE("the recurrence over three steps and three stages") {
  // Stages of 10, 20 and 5 us, 1 us between them; all three steps are ready at 0, the last has a
  // second stage of 2 us.
  //   step 0:  0-10   11-31   32-37
  //   step 1: 10-20   31-51   52-57      its second stage waits for step 0's
  //   step 2: 20-30   51-53   57-62      53 + 1 = 54 is before step 1 has left the third stage
  Pipeline pipeline(3);
  const std::vector<std::vector<std::int64_t>> starts = {{0, 11, 32}, {10, 31, 52}, {20, 51, 57}};
  const std::vector<std::vector<std::int64_t>> ends = {{10, 31, 37}, {20, 51, 57}, {30, 53, 62}};
  for (std::size_t step = 0; step < 3; ++step) {
    const std::vector<StageCost> costs = {stage(10, 1), stage(step == 2 ? 2 : 20, 1), stage(5)};
    std::copy(costs.begin(), costs.end(), pipeline.costs().begin());
    std::vector<StageWork> work;
    pipeline.run(us(0), static_cast<std::int32_t>(step), false, work);
    REQUIRE(work.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(work[i].start == us(starts[step][i]));
      CHECK(work[i].end == us(ends[step][i]));
    }
  }
}

TEST_CASE("a step that goes on from tokens waits until they are back at the first stage") {
  // Two stages of 10 us; tokens take 3 us back: 20 + 3.
  for (const bool takes_tokens : {false, true}) {
    Pipeline pipeline(2);
    const std::vector<StageCost> costs = {stage(10), stage(10, 3)};
    std::copy(costs.begin(), costs.end(), pipeline.costs().begin());
    std::vector<StageWork> work;
    pipeline.run(us(0), 0, false, work);
    pipeline.run(us(0), 0, takes_tokens, work);
    CHECK(work.front().start == us(takes_tokens ? 23 : 10));
  }
}

TEST_CASE("rates of equal and unequal stages") {
  const std::vector<StageCost> equal = {stage(10), stage(10)};
  PipelineRates rates = pipeline_rates(equal);
  CHECK(rates.lone_step == microseconds(20));
  CHECK(rates.period == microseconds(10));
  CHECK(rates.lone_bubble == doctest::Approx(0.5));
  CHECK(rates.full_bubble == doctest::Approx(0));
  const std::vector<StageCost> unequal = {stage(10), stage(30)};
  rates = pipeline_rates(unequal);
  CHECK(rates.lone_step == microseconds(40));
  CHECK(rates.period == microseconds(30));
  // 40 us of work in 2 x 40 us alone, in 2 x 30 us when full.
  CHECK(rates.lone_bubble == doctest::Approx(0.5));
  CHECK(rates.full_bubble == doctest::Approx(1.0 / 3));
  // Ways of 14 us and 6 us: two steps in flight go round in 40 us, so one comes every 20.
  const std::vector<StageCost> slow_links = {stage(10, 14), stage(10, 6)};
  rates = pipeline_rates(slow_links);
  CHECK(rates.lone_step == microseconds(34));
  CHECK(rates.period == microseconds(20));
}

class Memory final : public ServingObserver {
 public:
  void on_step(const StepRecord& step) override {
    steps.push_back(step);
    steps.back().stages = {};
  }
  void on_leave(const RequestRecord& record, std::string_view) override {
    records.push_back(record);
    last = std::max(last, record.last_token);
  }
  std::vector<StepRecord> steps;
  std::vector<RequestRecord> records;
  Instant last;
};

/// Whatever a step holds takes 3000 us; stages share it 1 : 2.
OneReplicaOptions pipeline_of(std::int32_t stages, bool async) {
  OneReplicaOptions options;
  options.engine.async_scheduling = async;
  options.engine.pipeline_stages = stages;
  options.engine.idle_sleep = Duration();
  options.cost.base = 3'000'000'000;
  options.cost.token = 0;
  options.cost.stages = stages;
  return options;
}

TEST_CASE("a lone request takes all stages for each token") {
  for (const bool async : {false, true}) {
    Memory memory;
    OneReplica world(pipeline_of(2, async), {planned(0, 10, 5)}, memory);
    world.run();
    REQUIRE(memory.steps.size() == 5);
    CHECK(memory.last == us(5 * 3'000));
  }
}

TEST_CASE("two requests that do not fit in one step share a pipeline, the slower stage bounds") {
  // A step takes one prompt of 10 tokens. Stages take 1000 and 2000 us. Alternately the requests
  // have a token every 2000 us: request 0 first at 3000, request 1 at 5000, and so on to the 20th.
  for (const bool async : {false, true}) {
    Memory memory;
    OneReplicaOptions options = pipeline_of(2, async);
    options.engine.max_num_batched_tokens = 10;
    OneReplica world(options, {planned(0, 10, 10), planned(0, 10, 10)}, memory);
    world.run();
    CHECK(memory.steps.size() == 20);
    CHECK(memory.records[0].first_token == us(3'000));
    CHECK(memory.records[1].first_token == us(5'000));
    CHECK(memory.last == us(3'000 + 19 * 2'000));
    for (std::size_t i = 2; i < memory.steps.size(); ++i) {
      CHECK(memory.steps[i].decodes == 1);
      CHECK(memory.steps[i].continuing_tokens == 1);
      // From its token two steps before.
      CHECK(memory.steps[i].engine_gap == microseconds(4'000));
    }
  }
}

/// It knows no stages.
class Whole final : public CostModel {
 public:
  [[nodiscard]] StepCost cost(const BatchShape&) const override {
    return {picoseconds(2'001), Duration(), 0};
  }
  void explain(const BatchShape&, Breakdown&) const override {}
  [[nodiscard]] std::string basis() const override { return "whole"; }
};

TEST_CASE("a model that knows no stages shares its time evenly, to the picosecond") {
  std::vector<StageCost> stages(2);
  const StepCost whole = Whole().cost_of_stages(BatchShape(), stages);
  CHECK(whole.device == picoseconds(2'001));
  CHECK(stages[0].busy == picoseconds(1'000));
  CHECK(stages[1].busy == picoseconds(1'001));
}

TEST_CASE("two equal stages give twice the tokens of one step in flight") {
  // Two stages of 1500 us: 200 tokens of one request take 200 x 3000 us, those of two requests that
  // are in a step of their own each 1500 us but for the first.
  OneReplicaOptions options = pipeline_of(2, false);
  options.cost.stages = 1;
  options.engine.max_num_batched_tokens = 10;
  Memory alone;
  OneReplica one(options, {planned(0, 10, 200)}, alone);
  one.run();
  CHECK(alone.last == us(200 * 3'000));
  Memory both;
  OneReplica two(options, {planned(0, 10, 100), planned(0, 10, 100)}, both);
  two.run();
  CHECK(both.last == us(3'000 + 199 * 1'500));
}

TEST_CASE("async scheduling hides the host from a full pipeline, else it is a bubble") {
  // Two stages of 1500 us, 300 us of host a step. Async: the first token at 300 + 3000, then a step
  // every 1500 us. Sync: a step is scheduled when the one two before has left the last stage, so a
  // round of two is 3300 us. Ends at 3300, 4800, 6600, 8100, ...; the 20th is 9 rounds after 4800.
  for (const bool async : {false, true}) {
    Memory memory;
    OneReplicaOptions options = pipeline_of(2, async);
    options.cost.stages = 1;
    options.cost.host_base = 300'000'000;
    options.engine.max_num_batched_tokens = 10;
    OneReplica world(options, {planned(0, 10, 10), planned(0, 10, 10)}, memory);
    world.run();
    CHECK(memory.last == us(async ? 300 + 3'000 + 19 * 1'500 : 4'800 + 9 * 3'300));
  }
}

TEST_CASE("pieces of one prompt follow each other through the stages") {
  // 40 tokens in steps of 10: four steps are scheduled at 0, as far as the pipeline is deep; the
  // last piece leaves at 3000 + 3 x 2000.
  Memory memory;
  OneReplicaOptions options = pipeline_of(2, true);
  options.engine.max_num_batched_tokens = 10;
  OneReplica world(options, {planned(0, 40, 1)}, memory);
  world.run();
  REQUIRE(memory.steps.size() == 4);
  CHECK(memory.steps[1].scheduled == us(0));
  CHECK(memory.steps[2].scheduled == us(0));
  CHECK(memory.last == us(9'000));
}

TEST_CASE("quiet steps ask nobody in a pipeline either") {
  Memory memory;
  OneReplicaOptions options = pipeline_of(2, true);
  options.engine.max_num_batched_tokens = 10;
  OneReplica world(options, {planned(0, 10, 500), planned(0, 10, 500)}, memory);
  world.run();
  CHECK(world.replica().counters().steps == 1'000);
  CHECK(world.replica().counters().quiet_steps > 980);
}

}  // namespace
}  // namespace orrery
