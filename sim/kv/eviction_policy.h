// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_KV_EVICTION_POLICY_H_
#define ORRERY_SIM_KV_EVICTION_POLICY_H_

#include <cstddef>
#include <span>

#include "sim/core/ids.h"
#include "sim/core/registry.h"
#include "sim/core/units.h"

namespace orrery {

/// Orders the blocks that nobody holds. Blocks without a key that the pool reuses first never come
/// here. A pure function of the calls so far. Ties go to the block released first.
class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;
  /// May be evicted from now on. Given in the order in which a request gives them up: tail first.
  virtual void release(std::span<const BlockId> tail_first, Instant now) = 0;
  /// Held again after a hit on blocks that were released; they must not be evicted until released
  /// anew. Called before on_hit.
  virtual void retain(std::span<const BlockId> blocks) = 0;
  /// Found in the prefix cache by an admitted request, whether held by others or not.
  virtual void on_hit(std::span<const BlockId> blocks, Instant now) {
    static_cast<void>(blocks), static_cast<void>(now);
  }
  /// Picks a released block and forgets it. Called only if one is released.
  [[nodiscard]] virtual BlockId evict(Instant now) = 0;
  /// The same once for each place of `out`, in order: for a policy that does it faster in one go.
  virtual void evict_many(std::span<BlockId> out, Instant now) {
    for (BlockId& block : out) block = evict(now);
  }
};

/// Policies are made for the number of blocks of the pool.
using EvictionRegistry = Registry<EvictionPolicy, std::size_t>;

}  // namespace orrery

#endif  // ORRERY_SIM_KV_EVICTION_POLICY_H_
