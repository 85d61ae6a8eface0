// SPDX-License-Identifier: Apache-2.0
//
// The engine's loop, by hand. A step takes 1000 us and 10 us a token; blocks hold 16 tokens.
#include "sim/serving/replica.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/world/one_replica.h"

namespace orrery {
namespace {

using world::OneReplica;
using world::OneReplicaOptions;
using world::planned;
using world::PlannedRequest;

Instant us(std::int64_t n) { return Instant::at(microseconds(n)); }

class Memory final : public ServingObserver {
 public:
  void on_step(const StepRecord& step) override { steps.push_back(step); }
  void on_gap(Duration engine, Duration) override { gaps.push_back(engine); }
  void on_leave(const RequestRecord& record, std::string_view reason) override {
    records.push_back(record);
    reasons.emplace_back(reason);
  }
  [[nodiscard]] const RequestRecord& of(std::uint32_t id) const {
    return *std::find_if(records.begin(), records.end(),
                         [id](const RequestRecord& record) { return record.id == RequestId{id}; });
  }
  std::vector<StepRecord> steps;
  std::vector<Duration> gaps;
  std::vector<RequestRecord> records;
  std::vector<std::string> reasons;
};

OneReplicaOptions sync_engine() {
  OneReplicaOptions options;
  options.engine.async_scheduling = false;
  return options;
}
OneReplicaOptions async_engine() {
  OneReplicaOptions options;
  options.engine.async_scheduling = true;
  return options;
}

TEST_CASE("sync: what arrives during a step runs in the next one") {
  // Step 0: 10 prompt tokens, 0 to 1100. Step 1: a decode, 1100 to 2110; request 1 comes at 1500.
  // Step 2 begins at 2110 with both: 1 + 5 tokens, 1060 us.
  Memory memory;
  OneReplica world(sync_engine(), {planned(0, 10, 10), planned(1'500, 5, 1)}, memory);
  world.run();
  CHECK(memory.of(0).first_scheduled == us(0));
  CHECK(memory.of(0).first_token == us(1'100));
  CHECK(memory.of(1).first_scheduled == us(2'110));
  CHECK(memory.of(1).first_token == us(3'170));
  CHECK(memory.steps[2].prefill_tokens == 5);
  CHECK(memory.steps[2].decodes == 1);
}

TEST_CASE("async: what arrives while step N runs is first scheduled in step N+2") {
  // At 0 steps 0 (10 tokens, 0 to 1100) and 1 (a decode, 1100 to 2110) are scheduled; at 1100, when
  // step 0 is applied, step 2 (2110 to 3120). Request 1 comes at 1500, while step 1 runs. At 2110
  // step 1 is applied and step 3 scheduled, with request 1: 3120 + 1000 + 60 = 4180.
  Memory memory;
  OneReplica world(async_engine(), {planned(0, 10, 10), planned(1'500, 5, 1)}, memory);
  world.run();
  CHECK(memory.of(0).first_token == us(1'100));
  CHECK(memory.of(1).first_scheduled == us(2'110));
  CHECK(memory.steps[3].prefill_tokens == 5);
  CHECK(memory.steps[3].scheduled == us(2'110));
  CHECK(memory.steps[3].device_start == us(3'120));
  CHECK(memory.of(1).first_token == us(4'180));
}

TEST_CASE("an arrival at the very end of a step is in time, one picosecond later it is not") {
  for (const bool late : {false, true}) {
    std::vector<PlannedRequest> plan = {planned(0, 10, 10), planned(2'110, 5, 1)};
    if (late) plan[1].arrival = plan[1].arrival + picoseconds(1);
    Memory memory;
    OneReplica world(async_engine(), plan, memory);
    world.run();
    CHECK(memory.of(1).first_scheduled == us(late ? 3'120 : 2'110));
  }
}

TEST_CASE("one-token requests have one token and no gap") {
  for (const bool async : {false, true}) {
    Memory memory;
    OneReplicaOptions options = async ? async_engine() : sync_engine();
    OneReplica world(options, {planned(0, 4, 1), planned(0, 6, 1)}, memory);
    world.run();
    // One step: 10 prompt tokens, 1100 us.
    REQUIRE(memory.records.size() == 2);
    for (const RequestRecord& record : memory.records) {
      CHECK(record.status == RequestStatus::kFinishedLength);
      CHECK(record.output_tokens == 1);
      CHECK(record.first_token == us(1'100));
      CHECK(record.last_token == us(1'100));
    }
    CHECK(memory.steps.size() == 1);
    CHECK(memory.steps[0].continuing_tokens == 0);
    CHECK(memory.gaps.empty());
  }
}

TEST_CASE("the pause at an async drain delays whoever comes in it, a sync engine has none") {
  // Request 0: 4 tokens, 1040 us, and done. Async: behind it an empty step was scheduled, so after
  // 1040 the loop sleeps 1 ms and reads its input at 2040. Sync: the input is read at once.
  for (const bool async : {false, true}) {
    Memory memory;
    OneReplicaOptions options = async ? async_engine() : sync_engine();
    OneReplica world(options, {planned(0, 4, 1), planned(1'500, 4, 1)}, memory);
    world.run();
    CHECK(memory.of(0).last_token == us(1'040));
    CHECK(memory.of(1).first_scheduled == us(async ? 2'040 : 1'500));
  }
}

TEST_CASE("an EOS costs an async engine one more step, whose block is kept until it is seen") {
  // 15 prompt tokens in one block. Output 1 is computed in step 0, output 2, the EOS, in step 1,
  // which fills the block. Step 2 is scheduled before anybody has seen it and takes a second block;
  // its token is thrown away. Both blocks are free when step 1 has been applied.
  PlannedRequest request = planned(0, 15, 2);
  request.max_tokens = 50;
  Memory memory;
  OneReplicaOptions options = async_engine();
  options.engine.usable_blocks = 10;
  OneReplica world(options, {request}, memory);
  world.start();
  world.run_until(us(1'150));
  REQUIRE(memory.steps.size() == 1);
  CHECK(memory.steps[0].free_blocks == 9);
  CHECK(world.replica().state().pool.free() == 8);
  // Step 0 ends at 1150, step 1 at 2160, step 2 at 3170.
  world.run_until(us(2'160));
  CHECK(memory.of(0).last_token == us(2'160));
  CHECK(memory.of(0).status == RequestStatus::kFinishedEos);
  CHECK(memory.of(0).output_tokens == 2);
  CHECK(world.replica().state().pool.free() == 10);
  world.run();
  REQUIRE(memory.steps.size() == 3);
  CHECK(memory.steps[1].free_blocks == 9);
  CHECK(memory.steps[1].continuing_tokens == 1);
  CHECK(memory.steps[2].free_blocks == 8);
  CHECK(memory.steps[2].decodes == 1);
  CHECK(memory.steps[2].continuing_tokens == 0);
  CHECK(memory.steps[2].device_end == us(3'170));

  // The sync engine sees it in time.
  Memory seen;
  OneReplica sync(sync_engine(), {request}, seen);
  sync.run();
  CHECK(seen.steps.size() == 2);
}

TEST_CASE("an end by length is foreseen and wastes nothing") {
  Memory memory;
  OneReplica world(async_engine(), {planned(0, 15, 2)}, memory);
  world.run();
  CHECK(memory.steps.size() == 2);
  CHECK(memory.of(0).status == RequestStatus::kFinishedLength);
}

TEST_CASE("a prompt cached whole computes its last block again") {
  // 32 tokens are two blocks; the second request with that text finds one of them, because at least
  // one token must be computed. With 33 tokens it finds both.
  std::vector<PlannedRequest> plan = {planned(0, 0, 1), planned(5'000, 0, 1), planned(9'000, 1, 1)};
  for (PlannedRequest& request : plan) request.shared = {{hashed_content(0, 1), 32}};
  Memory memory;
  OneReplica world(sync_engine(), plan, memory);
  world.run();
  CHECK(memory.of(0).cached_tokens == 0);
  CHECK(memory.of(1).cached_tokens == 16);
  CHECK(memory.of(2).cached_tokens == 32);
}

TEST_CASE("max_model_len refuses prompts and cuts outputs") {
  OneReplicaOptions options = sync_engine();
  options.engine.max_model_len = 20;
  Memory memory;
  OneReplica world(options, {planned(0, 20, 5), planned(0, 19, 5), planned(0, 15, 5)}, memory);
  world.run();
  CHECK(memory.of(0).status == RequestStatus::kRejected);
  CHECK(memory.reasons[0] == "the prompt has 20 tokens and max_model_len is 20");
  CHECK(memory.of(0).first_scheduled == Instant::never());
  CHECK(memory.of(1).output_tokens == 1);
  CHECK(memory.of(1).status == RequestStatus::kFinishedLength);
  CHECK(memory.of(2).output_tokens == 5);
  // Only request 1 was cut: request 2 has all its tokens.
  CHECK(world.replica().counters().cut_requests == 1);
}

TEST_CASE("a request that never fits holds up the line, and the run ends and says so") {
  OneReplicaOptions options = sync_engine();
  options.engine.usable_blocks = 10;
  Memory memory;
  OneReplica world(options, {planned(0, 161, 1), planned(5'300, 4, 1)}, memory);
  world.run();
  CHECK(world.replica().stalled());
  for (std::uint32_t id = 0; id < 2; ++id) {
    CHECK(memory.of(id).status == RequestStatus::kUnfinished);
    CHECK(memory.of(id).output_tokens == 0);
  }
  CHECK(memory.reasons[0].find("10 of 10") != std::string::npos);
  CHECK(memory.steps.empty());
}

TEST_CASE("an engine that turns over nothing reads its input a pause apart, asleep or not") {
  // Request 0 never fits. Its turns fall on 0, 1000, 2000, ... us; request 1, which is more
  // important, comes at 5300 and is read at 6000. It does not matter how soon the engine is left
  // alone. Async, two empty steps are in flight, and the turns fall on the same instants.
  for (const bool async : {false, true}) {
    for (const std::int32_t idle_turns : {1, 2, 4, 1'000}) {
      OneReplicaOptions options = async ? async_engine() : sync_engine();
      options.scheduler_options.words["scheduling_policy"] = "priority";
      options.engine.usable_blocks = 10;
      options.idle_turns = idle_turns;
      std::vector<PlannedRequest> plan = {planned(0, 161, 1), planned(5'300, 4, 1)};
      plan[0].priority = 1;
      Memory memory;
      OneReplica world(options, plan, memory);
      world.run();
      INFO("async ", async, " idle_turns ", idle_turns);
      CHECK(memory.of(1).first_scheduled == us(6'000));
      CHECK(memory.of(1).first_token == us(7'040));
      CHECK(memory.of(0).status == RequestStatus::kUnfinished);
    }
  }
}

TEST_CASE("an engine that goes round in circles is left, and says so") {
  // Neither gate nor cache: 160 tokens fill the ten blocks, the 161st finds none, the request
  // preempts itself and begins anew, for ever. One that fits behind it never runs.
  for (const bool async : {false, true}) {
    OneReplicaOptions options = async ? async_engine() : sync_engine();
    options.engine.usable_blocks = 10;
    options.engine.enable_prefix_caching = false;
    options.engine.max_num_batched_tokens = 64;
    options.scheduler_options.numbers["scheduler_reserve_full_isl"] = 0;
    Memory memory;
    OneReplica world(options, {planned(0, 170, 5), planned(100, 4, 1)}, memory);
    world.run();
    for (std::uint32_t id = 0; id < 2; ++id) {
      CHECK(memory.of(id).status == RequestStatus::kUnfinished);
      CHECK(memory.reasons[id].find("goes round in circles") != std::string::npos);
    }
    CHECK(memory.of(0).preemptions >= 100);
    CHECK(world.replica().counters().steps < 10'000);
  }
}

TEST_CASE("many preemptions with tokens between them are no circle") {
  // 200 requests of 16 + 100 tokens in 16 blocks, which hold two of them to their ends: somebody is
  // preempted again and again, more often than a hundred times each of the last few requests, but
  // somebody also gets a token.
  OneReplicaOptions options = sync_engine();
  options.engine.usable_blocks = 16;
  options.engine.enable_prefix_caching = false;
  std::vector<PlannedRequest> plan;
  for (int i = 0; i < 200; ++i) plan.push_back(planned(0, 16, 100));
  Memory memory;
  OneReplica world(options, plan, memory);
  world.run();
  std::int64_t preemptions = 0;
  for (const RequestRecord& record : memory.records) {
    CHECK(record.status == RequestStatus::kFinishedLength);
    preemptions += record.preemptions;
  }
  CHECK(preemptions > 500);
}

TEST_CASE(
    "the watermark is a share of all blocks, the null block too, kept when one joins others") {
  // 19 blocks and the null block: a tenth of 20 is 2 (of 19 it would be 1). Request 0 holds 2
  // blocks of prompt; request 1 needs 15 of the 17 that are free and leaves 2: it joins. With 16 it
  // waits until request 0 is done, and then, alone, keeps nothing free.
  for (const std::int32_t prompt : {15 * 16, 16 * 16}) {
    OneReplicaOptions options = sync_engine();
    options.engine.usable_blocks = 19;
    options.scheduler_options.numbers["watermark"] = 0.1;
    Memory memory;
    OneReplica world(options, {planned(0, 20, 3), planned(500, prompt, 1)}, memory);
    world.run();
    // Steps of request 0: 1200, then two decodes of 1010.
    CHECK(memory.of(1).first_scheduled == us(prompt == 15 * 16 ? 1'200 : 3'220));
  }
}

TEST_CASE("the frontend stands between the engine and its clients") {
  // 100 us a request, 1 us a prompt token, 50 us a step, 10 us a token. Request 0 is queued at 120;
  // its step of 20 tokens ends at 1320 and is seen at 1380; the decode ends at 2330, seen at 2390.
  // Request 1 comes at 1330 while the frontend sends until 1380: queued at 1380 + 100 + 5.
  OneReplicaOptions options = sync_engine();
  options.frontend = {.per_request = microseconds(100),
                      .per_input_token = microseconds(1),
                      .per_step = microseconds(50),
                      .per_output_token = microseconds(10)};
  Memory memory;
  OneReplica world(options, {planned(0, 20, 2), planned(1'330, 5, 1)}, memory);
  world.run();
  const RequestRecord& first = memory.of(0);
  CHECK(first.sent == us(0));
  CHECK(first.queued == us(120));
  CHECK(first.first_scheduled == us(120));
  CHECK(first.first_token == us(1'320));
  CHECK(first.client_first_token == us(1'380));
  CHECK(first.last_token == us(2'330));
  CHECK(first.client_last_token == us(2'390));
  CHECK(memory.of(1).queued == us(1'485));
  CHECK(memory.of(1).first_scheduled == us(2'330));
  CHECK(memory.steps[1].engine_gap == microseconds(1'010));
  CHECK(memory.steps[1].client_gap == microseconds(1'010));
}

TEST_CASE("sync adds the host's time to a step, async hides it behind the device") {
  // 300 us of host a step. Sync: 300 + 1100, then 300 + 1010 each. Async: step 0 starts at 300 and
  // ends at 1400; the host of step 1 is done at 600, so it runs from 1400 to 2410; and so on.
  for (const bool async : {false, true}) {
    OneReplicaOptions options = async ? async_engine() : sync_engine();
    options.cost.host_base = 300'000'000;
    Memory memory;
    OneReplica world(options, {planned(0, 10, 3)}, memory);
    world.run();
    CHECK(memory.of(0).first_token == us(1'400));
    CHECK(memory.of(0).last_token == us(async ? 3'420 : 4'020));
  }
}

TEST_CASE("a client that answers at once is served in the turn after") {
  // The answer to request 0 comes at 1040 and request 1 is sent at that instant; the engine has one
  // more turn without anything to do, and reads it then.
  std::vector<PlannedRequest> plan = {planned(0, 4, 1), planned(0, 4, 1)};
  plan[1].before = 0;
  plan[1].closed = true;
  Memory memory;
  OneReplica world(sync_engine(), plan, memory);
  world.run();
  CHECK(memory.of(1).sent == us(1'040));
  CHECK(memory.of(1).first_scheduled == us(1'040));
  // 4 of request 0, 1 it generated, 4 of its own.
  CHECK(memory.of(1).input_tokens == 9);
}

TEST_CASE("preemption: the last admitted goes back to the head and computes again what it had") {
  // 3 blocks. Both prompts of 16 take one each; with its second token request 0 takes the third
  // block, and in the same step request 1 finds none and preempts itself. It waits until request 0
  // is done: 16 outputs, of which the first comes with the prompt and the last is never computed.
  OneReplicaOptions options = sync_engine();
  options.engine.usable_blocks = 3;
  Memory memory;
  OneReplica world(options, {planned(0, 16, 16), planned(0, 16, 4)}, memory);
  world.run();
  CHECK(memory.of(0).preemptions == 0);
  CHECK(memory.of(1).preemptions == 1);
  // Step 0: 32 tokens, 1320 us. Then 15 steps of request 0 alone, 1010 us each: 16,470.
  CHECK(memory.of(0).last_token == us(16'470));
  CHECK(memory.steps[1].preempted == 1);
  CHECK(memory.steps[1].running == 1);
  // Request 1 had one output, so it computes 17 tokens less the 16 it finds in its old block: the
  // step after takes 1010 us. Its second token comes 17,480 - 1,320 us after its first: one gap
  // that is nobody else's.
  CHECK(memory.steps[16].prefill_tokens + memory.steps[16].decodes == 1);
  REQUIRE(memory.gaps.size() == 1);
  CHECK(memory.gaps[0] == microseconds(16'160));
  CHECK(memory.of(1).output_tokens == 4);
  CHECK(memory.of(1).cached_tokens == 0);
}

TEST_CASE("a lone replica runs ahead of an empty heap") {
  Memory memory;
  OneReplica world(sync_engine(), {planned(0, 10, 500)}, memory);
  world.run();
  CHECK(world.replica().counters().steps == 500);
  // The arrival, the first turn; everything else runs ahead.
  CHECK(world.simulation().alarms() < 5);
  CHECK(world.simulation().run_aheads() >= 500);
}

}  // namespace
}  // namespace orrery
