// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/prefix_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "sim/core/random.h"

namespace orrery {
namespace {

BlockId block(std::uint32_t number) { return BlockId{number}; }

TEST_CASE("of several carriers of a key the one inserted first is found") {
  PrefixIndex index(10);
  CHECK(index.find(5).at(3) == kNoBlock);
  index.insert(5, 3, block(7));
  index.insert(5, 3, block(2));
  index.insert(5, 3, block(9));
  CHECK(index.find(5).at(3) == block(7));
  CHECK(index.find(5).at(4) == kNoBlock);
  CHECK(index.find(6).at(3) == kNoBlock);
  CHECK(index.size() == 3);

  // Taking out one behind it changes nothing; taking out the first leaves the next oldest.
  index.forget(std::vector{block(2)});
  CHECK(index.find(5).at(3) == block(7));
  CHECK_FALSE(index.carries_key(block(2)));
  index.forget(std::vector{block(7)});
  CHECK(index.find(5).at(3) == block(9));
  // Back again it is the youngest.
  index.insert(5, 3, block(7));
  CHECK(index.find(5).at(3) == block(9));
  index.forget(std::vector{block(9)});
  index.forget(std::vector{block(7)});
  CHECK(index.find(5).at(3) == kNoBlock);
  CHECK(index.size() == 0);
}

TEST_CASE("a run of places is inserted at once") {
  PrefixIndex index(10);
  const BlockId blocks[] = {block(4), block(1), block(8)};
  index.insert(KeyRun{77, 29, 3}, blocks);
  CHECK(index.find(77).at(28) == kNoBlock);
  CHECK(index.find(77).at(29) == block(4));
  CHECK(index.find(77).at(30) == block(1));
  CHECK(index.find(77).at(31) == block(8));
}

TEST_CASE("a block without a key has nothing to forget") {
  PrefixIndex index(2);
  index.forget(std::vector{block(1)});
  CHECK(index.size() == 0);
}

/// Random inserts and erases against a plain map. `group_of` decides how keys collide in the table.
template <class GroupOf>
void compare_with_map(std::uint64_t seed, const GroupOf& group_of) {
  constexpr std::uint32_t kBlocks = 3'000;
  RandomStream random(seed, "test", "index");
  PrefixIndex index(kBlocks);
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<BlockId>> plain;
  std::map<BlockId, std::pair<std::uint64_t, std::uint32_t>> keys;
  bool equal = true;
  for (std::int32_t i = 0; i < 30'000; ++i) {
    const BlockId one = block(static_cast<std::uint32_t>(random.below(kBlocks)));
    const auto carried = keys.find(one);
    equal = equal && index.carries_key(one) == (carried != keys.end());
    if (carried == keys.end()) {
      const std::pair<std::uint64_t, std::uint32_t> key = {
          group_of(random.below(1'500)), static_cast<std::uint32_t>(random.below(3))};
      index.insert(key.first, key.second, one);
      plain[key].push_back(one);
      keys[one] = key;
    } else {
      auto& carriers = plain[carried->second];
      carriers.erase(std::find(carriers.begin(), carriers.end(), one));
      index.forget(std::vector{one});
      keys.erase(carried);
    }
    const std::uint64_t group = group_of(random.below(1'500));
    for (std::uint32_t place = 0; place < 3; ++place) {
      const auto found = plain.find({group, place});
      const BlockId expected =
          found == plain.end() || found->second.empty() ? kNoBlock : found->second.front();
      equal = equal && index.find(group).at(place) == expected;
    }
  }
  CHECK(equal);
  CHECK(index.size() == keys.size());
}

TEST_CASE("the table agrees with a map, however its keys fall") {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    compare_with_map(seed, [](std::uint64_t n) { return mix(n); });
    // All in one home, and in one home that wraps around the end.
    compare_with_map(seed, [](std::uint64_t n) { return n << 40; });
    compare_with_map(seed, [](std::uint64_t n) { return ~(n << 40); });
    // Neighbours, so that clusters touch.
    compare_with_map(seed, [](std::uint64_t n) { return n; });
  }
}

}  // namespace
}  // namespace orrery
