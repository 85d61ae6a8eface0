// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <vector>

#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// vLLM's free queue: the block released longest ago goes first. A request's tail is released
/// before its head, so a prefix outlives what followed it.
///
/// The queue is an array, not a list: blocks that are reused together stand together, so that
/// eviction reads memory in order. Whoever is held again leaves an empty place behind.
class Lru final : public EvictionPolicy {
 public:
  using Options = NoOptions;
  Lru(const Options&, std::size_t blocks)
      : queue_(std::bit_ceil(2 * blocks + 2), kNoBlock), places_(blocks) {}

  void release(std::span<const BlockId> tail_first, Instant) override {
    if (end_ - begin_ + tail_first.size() > queue_.size()) close_up();
    for (const BlockId block : tail_first) {
      queue_[at(end_)] = block;
      places_[block] = end_++;
    }
  }

  void retain(std::span<const BlockId> blocks) override {
    for (const BlockId block : blocks) queue_[at(places_[block])] = kNoBlock;
  }

  BlockId evict(Instant) override {
    while (queue_[at(begin_)] == kNoBlock) ++begin_;
    return queue_[at(begin_++)];
  }

  void evict_many(std::span<BlockId> out, Instant now) override {
    for (BlockId& block : out) block = Lru::evict(now);
  }

 private:
  [[nodiscard]] std::size_t at(std::uint64_t place) const { return place & (queue_.size() - 1); }

  /// Moves those who wait together. At most half of the places are taken, so this pays for itself.
  void close_up() {
    std::uint64_t end = begin_;
    for (std::uint64_t place = begin_; place < end_; ++place) {
      const BlockId block = queue_[at(place)];
      if (block == kNoBlock) continue;
      queue_[at(end)] = block;
      places_[block] = end++;
    }
    end_ = end;
  }

  std::vector<BlockId> queue_;  // a ring
  IdVector<BlockId, std::uint64_t> places_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace

void add_lru(EvictionRegistry& registry) {
  registry.add<Lru>("lru", "Least recently released first; within a request its tail (vLLM's).");
}

}  // namespace orrery
