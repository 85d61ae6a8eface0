// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_REFERENCE_POOL_H_
#define ORRERY_TESTS_PROPERTY_REFERENCE_POOL_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/text.h"

namespace orrery::property {

/// vLLM's BlockPool in the plainest way: blocks with a reference count and a name, a set of free
/// blocks in the order in which they would go, a map from names to blocks.
class ReferencePool {
 public:
  struct Options {
    std::int64_t blocks = 0;
    bool caching = true;
    bool partial_first = true;
    std::string eviction;
  };
  explicit ReferencePool(const Options& options);

  using Block = std::int32_t;
  using Table = std::vector<Block>;

  [[nodiscard]] std::int64_t free() const {
    return static_cast<std::int64_t>(unnamed_.size() + queue_.size());
  }
  /// The blocks of the longest run of these names, from the first, that is cached.
  [[nodiscard]] Table lookup(const std::vector<BlockName>& names) const;
  /// How many of these nobody holds.
  [[nodiscard]] std::int64_t unheld(const Table& hits) const;
  void hold(const Table& hits);
  /// Appends so many blocks to the table.
  void take(std::int64_t count, Table& table);
  void set_name(Block block, BlockName name);
  void release(const Table& table);

 private:
  struct State {
    std::int32_t holders = 0;
    BlockName name = kNoName;
    std::int64_t hits = 0;      // since it was filled
    std::int64_t entered = 0;   // its first release since it was filled; 0: not yet
    std::int64_t released = 0;  // its newest release
  };
  using Rank = std::pair<std::int64_t, std::int64_t>;
  [[nodiscard]] Rank rank(const State& state) const;

  Options options_;
  std::vector<State> blocks_;
  Table unnamed_;
  std::set<std::pair<Rank, Block>> queue_;
  std::map<BlockName, Table> cached_;  // carriers of a name, oldest first
  std::int64_t releases_ = 0;
};

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_REFERENCE_POOL_H_
