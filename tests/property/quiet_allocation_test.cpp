// SPDX-License-Identifier: Apache-2.0
//
// A quiet step asks nobody and allocates nothing. This executable counts every operator new.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "tests/world/one_replica.h"

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace orrery::property {
namespace {

void check_quiet(const std::string& scheduler, const std::string& eviction, bool async) {
  // An early request leaves 15,000 cached blocks of 16,000. 40 requests then decode 6,000 tokens
  // each, a step a millisecond: from the 2nd to the 5th second there are 3,000 quiet steps, in
  // which 40 x 3,000 / 16 = 7,500 blocks get keys, and most of them are taken from the cached ones.
  world::OneReplicaOptions options;
  options.scheduler = scheduler;
  options.eviction = eviction;
  options.engine.usable_blocks = 16'000;
  options.engine.async_scheduling = async;
  options.cost.token = 0;
  std::vector<world::PlannedRequest> plan = {world::planned(0, 15'000 * 16, 1)};
  for (std::int32_t i = 0; i < 40; ++i) {
    plan.push_back(world::planned(100'000 + i * 1000, 100 + i, 6'000));
  }
  // One that finds no blocks waits all the time, and nobody is asked for it either.
  plan.push_back(world::planned(200'000, 15'900 * 16, 20));
  ServingObserver nobody;
  world::OneReplica world(options, plan, nobody);
  world.start();
  world.run_until(Instant::at(seconds(2)));
  const Replica::Counters before = world.replica().counters();
  const long allocated = allocations;
  world.run_until(Instant::at(seconds(5)));
  const long after = allocations;
  const Replica::Counters& now = world.replica().counters();
  const std::string name = scheduler + " " + eviction + (async ? " async" : " sync");
  INFO(name);
  CHECK(now.steps - before.steps == 3'000);
  CHECK(now.steps - before.steps == now.quiet_steps - before.quiet_steps);
  CHECK(world.replica().state().waiting.size() == 1);
  CHECK(after - allocated == 0);
}

TEST_CASE("thousands of quiet steps allocate nothing") {
  for (const bool async : {false, true}) {
    for (const char* scheduler : {"vllm-v1", "sarathi-serve", "orca", "hf-continuous-batching"}) {
      check_quiet(scheduler, "lru", async);
    }
    check_quiet("vllm-v1", "lfu", async);
    check_quiet("vllm-v1", "fifo", async);
  }
}

TEST_CASE("the count counts") {
  const long before = allocations;
  delete new int(1);
  const std::vector<int> three(3);
  CHECK(allocations - before >= 1);
  CHECK(three.size() == 3);
}

}  // namespace
}  // namespace orrery::property
