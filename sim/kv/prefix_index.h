// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_KV_PREFIX_INDEX_H_
#define ORRERY_SIM_KV_PREFIX_INDEX_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/ids.h"
#include "sim/kv/block_keys.h"

namespace orrery {

/// From block keys to the physical blocks that carry them. Several blocks may carry one key (vLLM
/// does not deduplicate): the one inserted first and still there is the one found.
///
/// Keys of one group stand side by side, so a walk along a sequence costs one hash probe for 32
/// blocks.
class PrefixIndex {
 public:
  explicit PrefixIndex(std::size_t blocks);

  /// Where a group's keys stand, for as long as nothing is inserted or erased.
  class Group {
   public:
    /// kNoBlock if no block carries the key at this place.
    [[nodiscard]] BlockId at(std::uint32_t place) const {
      return heads_ == nullptr ? kNoBlock : heads_[place];
    }

   private:
    friend class PrefixIndex;
    const BlockId* heads_ = nullptr;
  };
  [[nodiscard]] Group find(std::uint64_t group) const;

  /// The block must carry no key yet.
  void insert(std::uint64_t group, std::uint32_t place, BlockId block);
  /// The same for consecutive places.
  void insert(const KeyRun& run, const BlockId* blocks);
  /// Takes the keys from those of the blocks that carry one.
  void forget(std::span<const BlockId> blocks);
  [[nodiscard]] bool carries_key(BlockId block) const { return entries_[block].group != kNoGroup; }
  /// Blocks that carry a key.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::uint32_t kNoGroup = UINT32_MAX;

  struct Node {
    std::uint64_t key = 0;
    std::uint32_t used = 0;
    std::array<BlockId, kBlocksPerGroup> heads{};
  };
  /// Carriers of one key are a ring, oldest first; the head's `previous` is the youngest.
  struct Entry {
    std::uint32_t group = kNoGroup;
    std::uint32_t place = 0;
    BlockId next{};
    BlockId previous{};
  };
  struct Bucket {
    std::uint64_t key = 0;
    std::uint32_t node = kNoGroup;
  };

  [[nodiscard]] std::size_t home(std::uint64_t key) const { return key & (table_.size() - 1); }
  [[nodiscard]] std::uint32_t find_node(std::uint64_t key) const;
  [[nodiscard]] std::uint32_t make_node(std::uint64_t key);
  void drop_node(std::uint32_t node);
  void link(std::uint32_t node, std::uint32_t place, BlockId block, BlockId& head);
  void unlink_duplicate(BlockId block, const Entry& entry, BlockId& head);
  void grow();

  std::vector<Bucket> table_;  // open addressing, linear probing, at most half full
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_nodes_;
  IdVector<BlockId, Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_KV_PREFIX_INDEX_H_
