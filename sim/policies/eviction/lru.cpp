// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// vLLM's free queue: the block released longest ago goes first. A request's tail is released
/// before its head, so a prefix outlives what followed it.
class Lru final : public EvictionPolicy {
 public:
  using Options = NoOptions;
  Lru(const Options&, std::size_t blocks) : links_(blocks) {}

  void release(std::span<const BlockId> tail_first, Instant) override {
    for (const BlockId block : tail_first) {
      links_[block] = {newest_, kNoBlock};
      (newest_ == kNoBlock ? oldest_ : links_[newest_].next) = block;
      newest_ = block;
    }
  }

  void retain(std::span<const BlockId> blocks) override {
    for (const BlockId block : blocks) unlink(block);
  }

  BlockId evict(Instant) override {
    const BlockId block = oldest_;
    unlink(block);
    return block;
  }

 private:
  struct Link {
    BlockId previous;
    BlockId next;
  };

  void unlink(BlockId block) {
    const Link link = links_[block];
    (link.previous == kNoBlock ? oldest_ : links_[link.previous].next) = link.next;
    (link.next == kNoBlock ? newest_ : links_[link.next].previous) = link.previous;
  }

  IdVector<BlockId, Link> links_;
  BlockId oldest_ = kNoBlock;
  BlockId newest_ = kNoBlock;
};

}  // namespace

void add_lru(EvictionRegistry& registry) {
  registry.add<Lru>("lru", "Least recently released first; within a request its tail (vLLM's).");
}

}  // namespace orrery
