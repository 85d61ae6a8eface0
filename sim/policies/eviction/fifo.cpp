// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <utility>

#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// First in, first out: the block whose content came first goes first, however often it was hit
/// since. Its time of entry is its first release after it was filled.
class Fifo final : public EvictionPolicy {
 public:
  using Options = NoOptions;
  Fifo(const Options&, std::size_t blocks) : entered_(blocks, kNotSeen) {}

  void release(std::span<const BlockId> tail_first, Instant) override {
    for (const BlockId block : tail_first) {
      if (entered_[block] == kNotSeen) entered_[block] = ++entries_;
      queue_.insert({entered_[block], block});
    }
  }

  void retain(std::span<const BlockId> blocks) override {
    for (const BlockId block : blocks) queue_.erase({entered_[block], block});
  }

  BlockId evict(Instant) override {
    const BlockId block = queue_.begin()->second;
    queue_.erase(queue_.begin());
    entered_[block] = kNotSeen;
    return block;
  }

 private:
  static constexpr std::int64_t kNotSeen = 0;

  IdVector<BlockId, std::int64_t> entered_;
  std::set<std::pair<std::int64_t, BlockId>> queue_;
  std::int64_t entries_ = 0;
};

}  // namespace

void add_fifo(EvictionRegistry& registry) {
  registry.add<Fifo>("fifo", "First cached first, hits do not matter.");
}

}  // namespace orrery
