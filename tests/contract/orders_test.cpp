// SPDX-License-Identifier: Apache-2.0
//
// What the policies that ship decide, derived by hand.
#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "sim/policies/builtin.h"

namespace orrery::contract {
namespace {

/// An eviction policy in the terms of a story.
class Story {
 public:
  explicit Story(const char* name) : policy_(builtin().eviction.at(name).prepare()->make(10)) {}

  Story& release(std::initializer_list<std::uint32_t> tail_first) {
    policy_->release(ids(tail_first), now_);
    return *this;
  }
  /// Hits on released blocks hold them again.
  Story& hit_released(std::initializer_list<std::uint32_t> blocks) {
    policy_->retain(ids(blocks));
    policy_->on_hit(ids(blocks), now_);
    return *this;
  }
  Story& hit_held(std::initializer_list<std::uint32_t> blocks) {
    policy_->on_hit(ids(blocks), now_);
    return *this;
  }
  std::vector<std::uint32_t> evict(std::size_t count) {
    std::vector<std::uint32_t> blocks;
    for (; count > 0; --count) {
      blocks.push_back(static_cast<std::uint32_t>(policy_->evict(now_)));
    }
    return blocks;
  }

 private:
  static std::vector<BlockId> ids(std::initializer_list<std::uint32_t> blocks) {
    std::vector<BlockId> result;
    for (const std::uint32_t block : blocks) result.push_back(BlockId{block});
    return result;
  }
  std::unique_ptr<EvictionPolicy> policy_;
  Instant now_;
};

using Blocks = std::vector<std::uint32_t>;

TEST_CASE("what is released together goes tail first, and in the order of release") {
  // Request A had blocks 0, 1, 2 and ends before B, which had 3, 4.
  for (const char* name : {"lru", "lfu", "fifo"}) {
    CHECK(Story(name).release({2, 1, 0}).release({4, 3}).evict(5) == Blocks{2, 1, 0, 4, 3});
  }
}

TEST_CASE("lru: a hit makes a block young again, when it is released") {
  // 2 1 0 wait; a second request hits 0 and 1 and releases them after 4 3 were released.
  Story story("lru");
  story.release({2, 1, 0}).hit_released({0, 1}).release({4, 3}).release({1, 0});
  CHECK(story.evict(5) == Blocks{2, 4, 3, 1, 0});
  // A hit while others hold the block says nothing: only its release counts.
  Story held("lru");
  held.release({5}).hit_held({6}).release({6}).release({7});
  CHECK(held.evict(3) == Blocks{5, 6, 7});
}

TEST_CASE("fifo: a hit does not help") {
  // The same story: 0 and 1 entered before 4 and 3, so back in the queue they stand before them;
  // among themselves 1 entered first.
  Story story("fifo");
  story.release({2, 1, 0}).hit_released({0, 1}).release({4, 3}).release({1, 0});
  CHECK(story.evict(5) == Blocks{2, 1, 0, 4, 3});
  // Evicted and filled anew, a block is new: 2 entered again, after 0.
  Story anew("fifo");
  anew.release({2, 1, 0});
  CHECK(anew.evict(1) == Blocks{2});
  anew.release({2});
  CHECK(anew.evict(3) == Blocks{1, 0, 2});
}

TEST_CASE("lfu: fewest hits first, then least recently released") {
  // 0 is hit twice (once while held), 1 once, 2, 3 and 4 never. Of these 2 was released first.
  Story story("lfu");
  story.release({2, 1, 0}).hit_released({0, 1}).hit_held({0}).release({4, 3}).release({1, 0});
  CHECK(story.evict(5) == Blocks{2, 4, 3, 1, 0});
  // Filled anew, a block has lost its hits: 0 goes before 1, which was hit once.
  Story anew("lfu");
  anew.release({0}).hit_released({0}).release({0});
  CHECK(anew.evict(1) == Blocks{0});
  anew.release({1}).hit_released({1}).release({1}).release({0});
  CHECK(anew.evict(2) == Blocks{0, 1});
}

std::vector<ReplicaSnapshot> busy(std::initializer_list<std::int64_t> outstanding) {
  std::vector<ReplicaSnapshot> snapshots;
  for (const std::int64_t requests : outstanding) snapshots.push_back({requests, 0, 0, 0, 0});
  return snapshots;
}

TEST_CASE("round-robin takes each in turn, whatever they do") {
  const auto router = builtin().routers.at("round-robin").prepare()->make();
  const auto replicas = busy({9, 0, 5});
  for (const std::size_t expected : {0, 1, 2, 0, 1}) {
    CHECK(router->route(Request(), replicas) == expected);
  }
}

TEST_CASE("least-outstanding takes the first of those with the fewest") {
  const auto router = builtin().routers.at("least-outstanding").prepare()->make();
  CHECK(router->route(Request(), busy({3, 1, 1, 2})) == 1);
  CHECK(router->route(Request(), busy({0, 0, 0})) == 0);
  CHECK(router->route(Request(), busy({2, 2, 1})) == 2);
}

}  // namespace
}  // namespace orrery::contract
