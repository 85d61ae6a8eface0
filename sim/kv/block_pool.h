// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_KV_BLOCK_POOL_H_
#define ORRERY_SIM_KV_BLOCK_POOL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/units.h"
#include "sim/kv/block_keys.h"
#include "sim/kv/eviction_policy.h"
#include "sim/kv/prefix_index.h"

namespace orrery {

struct BlockPoolOptions {
  /// Blocks that can be handed out (the null block is not among them).
  std::int64_t blocks = 0;
  bool prefix_caching = true;
  /// Freed blocks without a key go to the front of the free queue (vLLM since 2026-06-04); before
  /// that, they queued at the back with the others.
  bool partial_blocks_first = true;
};

/// The KV blocks of one replica: reference counts, the free queue and the prefix cache. A block
/// that nobody holds but that carries a key is free and can still be hit.
///
/// Order of reuse: blocks never used, then (or mixed, see the option) blocks without a key, then
/// what the eviction policy picks.
class BlockPool {
 public:
  BlockPool(const BlockPoolOptions& options, std::unique_ptr<EvictionPolicy> eviction);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(holders_.size()); }
  /// Blocks nobody holds, cached or not.
  [[nodiscard]] std::int64_t free() const { return free_; }
  [[nodiscard]] bool caching() const { return caching_; }

  struct Match {
    /// The longest run of cached blocks from the sequence's beginning.
    std::int32_t blocks = 0;
    /// Those of them that nobody holds: a hit on one takes it out of the free ones.
    std::int32_t unheld = 0;
    /// The first key that was not found; meaningless if all `limit` were.
    std::uint64_t missing_group = 0;
    std::uint32_t missing_place = 0;
  };
  /// Looks up the request's first blocks, at most `limit`; `found` gets those of the run.
  Match match(const Request& request, std::int32_t limit, std::int32_t block_tokens,
              std::vector<BlockId>& found) const;

  /// Holds blocks that match() found.
  void hold(std::span<const BlockId> hits, Instant now);
  /// Takes `count` <= free() blocks and appends them to `table`; what they cached is forgotten.
  void allocate(std::int32_t count, std::vector<BlockId>& table, Instant now);
  /// Gives blocks a key: the next `count` of the request's.
  void publish(const Request& request, KeyCursor& keys, const BlockId* blocks, std::int32_t count);
  /// Lets go of a request's blocks, tail first.
  void release(std::span<const BlockId> table, Instant now);

  /// Whether allocating so many blocks may forget something cached.
  [[nodiscard]] bool would_evict(std::int64_t count) const {
    return count > static_cast<std::int64_t>(unkeyed_.size());
  }

  /// For checkers: how many hold a block, and whether it carries a key.
  [[nodiscard]] std::int32_t holders(BlockId block) const { return holders_[block]; }
  [[nodiscard]] bool cached(BlockId block) const { return index_.carries_key(block); }

 private:
  /// Room for so many ids, until it is asked for again.
  [[nodiscard]] std::span<BlockId> scratch(std::size_t count);

  bool caching_;
  bool partial_first_;
  std::int64_t free_;
  std::unique_ptr<EvictionPolicy> eviction_;
  PrefixIndex index_;
  IdVector<BlockId, std::int32_t> holders_;
  std::vector<BlockId> unkeyed_;  // reused before anything is evicted; a stack
  std::vector<BlockId> scratch_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_KV_BLOCK_POOL_H_
