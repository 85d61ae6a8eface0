// SPDX-License-Identifier: Apache-2.0
//
// Worlds made by hand for corners that random ones reach seldom. Each once went wrong, or nearly.
#include <doctest/doctest.h>

#include <string>

#include "tests/property/world_check.h"

namespace orrery::property {
namespace {

using world::PlannedRequest;

/// One replica of vLLM, 16 tokens a block, a millisecond a step and nothing else.
Scenario plain() {
  Scenario scenario;
  scenario.scheduler = "vllm-v1";
  scenario.eviction = "lru";
  scenario.router = "round-robin";
  scenario.engine.usable_blocks = 100;
  scenario.engine.max_num_batched_tokens = 512;
  scenario.engine.max_num_seqs = 8;
  scenario.engine.async_scheduling = false;
  scenario.cost.token = 0;
  return scenario;
}

PlannedRequest request(std::int64_t arrival_us, std::int32_t prompt, std::int32_t outputs) {
  PlannedRequest planned;
  planned.arrival = Instant::at(microseconds(arrival_us));
  planned.own_tokens = prompt;
  planned.output_tokens = planned.max_tokens = outputs;
  return planned;
}

/// A next turn that is sent while the turn before it may still be talking.
PlannedRequest quoting(std::size_t before, std::int64_t arrival_us, std::int32_t quoted,
                       std::int32_t own, std::int32_t outputs) {
  PlannedRequest planned = request(arrival_us, own, outputs);
  planned.before = before;
  planned.generated = quoted;
  return planned;
}

void check_both_modes(Scenario scenario) {
  for (const bool async : {false, true}) {
    scenario.engine.async_scheduling = async;
    const WorldCheck check = check_world(scenario);
    CHECK_MESSAGE(check.failures.empty(), std::string(async ? "async" : "sync")
                                              << check.failures.text());
  }
}

TEST_CASE("a prompt that quotes what still runs is let in by the very step that writes its block") {
  // Ten blocks; request 0 holds 4 of them (48 + up to 40 tokens), request 1 needs 143 tokens = 9
  // blocks, of which it finds 3, then 4, then 5. A quiet step of request 0 publishes them.
  Scenario scenario = plain();
  scenario.engine.usable_blocks = 10;
  scenario.plan = {request(0, 48, 40), quoting(0, 2'500, 40, 55, 5)};
  check_both_modes(scenario);
}

TEST_CASE("a prompt refused for the budget fits once its quotation is cached") {
  // Without chunking, request 1 needs 64 - 16 = 48 tokens at once and 39 are left beside request 0;
  // when request 0 has filled its second block, it needs 32.
  Scenario scenario = plain();
  scenario.scheduler_options.numbers["enable_chunked_prefill"] = 0;
  scenario.engine.max_num_batched_tokens = 40;
  scenario.plan = {request(0, 16, 60), quoting(0, 2'500, 32, 16, 5)};
  check_both_modes(scenario);
}

TEST_CASE("what a victim gives back does not enlarge the chunk that it was preempted for") {
  // Priority: request 0 (least important) decodes, request 1 prefills 200 tokens in chunks of what
  // the budget of 20 leaves: 19. When the blocks run out, request 0 is preempted after it was
  // served; request 1 still gets 19.
  Scenario scenario = plain();
  scenario.scheduler_options.words["scheduling_policy"] = "priority";
  scenario.scheduler_options.numbers["scheduler_reserve_full_isl"] = 0;
  scenario.engine.usable_blocks = 14;
  scenario.engine.max_num_batched_tokens = 20;
  scenario.plan = {request(0, 20, 60), request(1'500, 200, 4)};
  scenario.plan[0].priority = 1;
  check_both_modes(scenario);
}

TEST_CASE("what a victim gives back is there for those behind it") {
  // Chunks of at most 10 of a budget of 20: request 0, the least important, takes 10, request 1
  // decodes, request 2 gets the 9 that are left. In some of these memories request 1 has to preempt
  // request 0 after it was served: then request 2 gets 10 in that step.
  Scenario scenario = plain();
  scenario.scheduler_options.words["scheduling_policy"] = "priority";
  scenario.scheduler_options.numbers["scheduler_reserve_full_isl"] = 0;
  scenario.scheduler_options.numbers["long_prefill_token_threshold"] = 10;
  scenario.engine.max_num_batched_tokens = 20;
  scenario.plan = {request(0, 100, 4), request(500, 10, 60), request(500, 120, 4)};
  scenario.plan[0].priority = 2;
  scenario.plan[2].priority = 1;
  for (std::int64_t blocks = 8; blocks < 20; ++blocks) {
    scenario.engine.usable_blocks = blocks;
    check_both_modes(scenario);
  }
}

TEST_CASE("evicting the middle of a refused request's hits lets it in") {
  // First in, first out: a long prompt (request 0) leaves its blocks cached, head first to go.
  // Request 2 finds them all, unheld, and its chunk lies behind them; request 1 decodes and evicts.
  for (const char* eviction : {"fifo", "lfu", "lru"}) {
    Scenario scenario = plain();
    scenario.eviction = eviction;
    scenario.scheduler_options.numbers["scheduler_reserve_full_isl"] = 0;
    scenario.engine.usable_blocks = 14;
    scenario.engine.max_num_batched_tokens = 40;
    PlannedRequest first = request(0, 1, 2);
    first.shared = {{hashed_content(7, 1), 150}};
    PlannedRequest again = request(40'000, 40, 3);
    again.shared = first.shared;
    scenario.plan = {first, request(20'000, 55, 160), again};
    check_both_modes(scenario);
  }
}

TEST_CASE("an EOS at a block's edge wastes one token and its block") {
  // 16 + 16 tokens: the wasted token of the async engine is the first of a third block.
  Scenario scenario = plain();
  scenario.plan = {request(0, 16, 17), request(0, 5, 40)};
  scenario.plan[0].max_tokens = 50;
  check_both_modes(scenario);
  scenario.engine.usable_blocks = 5;  // the third block is only there if somebody is preempted
  check_both_modes(scenario);
}

TEST_CASE("one-token requests, one-token prompts, one block, one sequence") {
  Scenario scenario = plain();
  scenario.engine.max_num_seqs = 1;
  scenario.engine.usable_blocks = 1;
  scenario.plan = {request(0, 1, 1), request(0, 15, 1), request(0, 16, 1), request(500, 1, 16),
                   request(500, 1, 1)};
  check_both_modes(scenario);
}

TEST_CASE("fewer tokens a step than requests that run") {
  Scenario scenario = plain();
  scenario.engine.max_num_batched_tokens = 3;
  for (std::int32_t i = 0; i < 8; ++i) scenario.plan.push_back(request(i * 700, 4 + i, 20 + i));
  for (const char* scheduler : {"vllm-v1", "sarathi-serve", "orca"}) {
    scenario.scheduler = scheduler;
    check_both_modes(scenario);
  }
}

}  // namespace
}  // namespace orrery::property
