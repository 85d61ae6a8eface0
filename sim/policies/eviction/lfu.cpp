// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <tuple>

#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// Fewest hits first, counted since the block was filled; among equals the one released longest
/// ago.
class Lfu final : public EvictionPolicy {
 public:
  using Options = NoOptions;
  Lfu(const Options&, std::size_t blocks) : blocks_(blocks) {}

  void release(std::span<const BlockId> tail_first, Instant) override {
    for (const BlockId block : tail_first) {
      blocks_[block].released = ++releases_;
      queue_.insert(key(block));
    }
  }

  void retain(std::span<const BlockId> blocks) override {
    for (const BlockId block : blocks) queue_.erase(key(block));
  }

  void on_hit(std::span<const BlockId> blocks, Instant) override {
    // Called after retain: a hit block is not in the queue, so its key may change.
    for (const BlockId block : blocks) ++blocks_[block].hits;
  }

  BlockId evict(Instant) override {
    const BlockId block = std::get<2>(*queue_.begin());
    queue_.erase(queue_.begin());
    blocks_[block].hits = 0;
    return block;
  }

 private:
  struct Uses {
    std::int64_t hits = 0;
    std::int64_t released = 0;
  };
  using Key = std::tuple<std::int64_t, std::int64_t, BlockId>;

  [[nodiscard]] Key key(BlockId block) const {
    return {blocks_[block].hits, blocks_[block].released, block};
  }

  IdVector<BlockId, Uses> blocks_;
  std::set<Key> queue_;
  std::int64_t releases_ = 0;
};

}  // namespace

void add_lfu(EvictionRegistry& registry) {
  registry.add<Lfu>("lfu", "Fewest hits first, then least recently released.");
}

}  // namespace orrery
