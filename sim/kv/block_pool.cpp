// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/block_pool.h"

#include <algorithm>
#include <utility>

namespace orrery {

BlockPool::BlockPool(const BlockPoolOptions& options, std::unique_ptr<EvictionPolicy> eviction)
    : caching_(options.prefix_caching),
      partial_first_(options.partial_blocks_first),
      free_(options.blocks),
      eviction_(std::move(eviction)),
      index_(static_cast<std::size_t>(options.blocks)),
      holders_(static_cast<std::size_t>(options.blocks)) {
  ORRERY_CHECK(options.blocks > 0 && options.blocks < INT32_MAX);
  unkeyed_.reserve(holders_.size());
  for (std::size_t i = holders_.size(); i > 0; --i) {
    unkeyed_.push_back(BlockId{static_cast<std::uint32_t>(i - 1)});
  }
}

BlockPool::Match BlockPool::match(const Request& request, std::int32_t limit,
                                  std::int32_t block_tokens, std::vector<BlockId>& found) const {
  Match result;
  KeyCursor keys(request, block_tokens);
  found.clear();
  while (result.blocks < limit) {
    const KeyRun run = keys.next(request, static_cast<std::uint32_t>(limit - result.blocks));
    const PrefixIndex::Group group = index_.find(run.group);
    for (std::uint32_t i = 0; i < run.count; ++i) {
      const BlockId block = group.at(run.first + i);
      if (block == kNoBlock) {
        result.missing_group = run.group;
        result.missing_place = run.first + i;
        return result;
      }
      found.push_back(block);
      ++result.blocks;
      if (holders_[block] == 0) ++result.unheld;
    }
  }
  return result;
}

void BlockPool::hold(std::span<const BlockId> hits, Instant now) {
  const std::span<BlockId> unheld = scratch(hits.size());
  std::size_t count = 0;
  for (const BlockId block : hits) {
    if (holders_[block]++ == 0) unheld[count++] = block;
  }
  free_ -= static_cast<std::int64_t>(count);
  if (count > 0) eviction_->retain(unheld.first(count));
  if (!hits.empty()) eviction_->on_hit(hits, now);
}

void BlockPool::allocate(std::int32_t count, std::vector<BlockId>& table, Instant now) {
  ORRERY_CHECK(count <= free_);
  free_ -= count;
  const std::size_t before = table.size();
  const auto wanted = static_cast<std::size_t>(count);
  const std::size_t unkeyed = std::min(wanted, unkeyed_.size());
  table.insert(table.end(), unkeyed_.rbegin(), unkeyed_.rbegin() + static_cast<int>(unkeyed));
  unkeyed_.resize(unkeyed_.size() - unkeyed);
  if (unkeyed < wanted) {
    const std::span<BlockId> evicted = scratch(wanted - unkeyed);
    eviction_->evict_many(evicted, now);
    index_.forget(evicted);
    table.insert(table.end(), evicted.begin(), evicted.end());
  }
  for (const BlockId block : std::span(table).subspan(before)) {
    ORRERY_DCHECK(holders_[block] == 0);
    holders_[block] = 1;
  }
}

std::span<BlockId> BlockPool::scratch(std::size_t count) {
  if (scratch_.size() < count) scratch_.resize(count);
  return std::span(scratch_).first(count);
}

void BlockPool::publish(const Request& request, KeyCursor& keys, const BlockId* blocks,
                        std::int32_t count) {
  for (std::int32_t done = 0; done < count;) {
    const KeyRun run = keys.next(request, static_cast<std::uint32_t>(count - done));
    index_.insert(run, blocks + done);
    done += static_cast<std::int32_t>(run.count);
  }
}

void BlockPool::release(std::span<const BlockId> table, Instant now) {
  BlockId* const queued = scratch(table.size()).data();
  std::size_t count = 0;
  std::int64_t freed = 0;
  for (std::size_t i = table.size(); i > 0; --i) {
    const BlockId block = table[i - 1];
    if (--holders_[block] > 0) continue;
    ++freed;
    if (!partial_first_ || index_.carries_key(block)) {
      queued[count++] = block;
    } else {
      unkeyed_.push_back(block);
    }
  }
  free_ += freed;
  if (count > 0) eviction_->release({queued, count}, now);
}

}  // namespace orrery
