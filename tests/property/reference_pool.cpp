// SPDX-License-Identifier: Apache-2.0
#include "tests/property/reference_pool.h"

#include <algorithm>

#include "sim/core/check.h"

namespace orrery::property {

ReferencePool::ReferencePool(const Options& options)
    : options_(options), blocks_(static_cast<std::size_t>(options.blocks)) {
  for (Block block = 0; block < static_cast<Block>(options.blocks); ++block) {
    unnamed_.push_back(block);
  }
}

ReferencePool::Rank ReferencePool::rank(const State& state) const {
  if (options_.eviction == "lfu") return {state.hits, state.released};
  if (options_.eviction == "fifo") return {state.entered, 0};
  ORRERY_CHECK(options_.eviction == "lru");
  return {state.released, 0};
}

ReferencePool::Table ReferencePool::lookup(const std::vector<BlockName>& names) const {
  Table found;
  if (!options_.caching) return found;
  for (const BlockName name : names) {
    const auto carriers = cached_.find(name);
    if (carriers == cached_.end()) break;
    found.push_back(carriers->second.front());
  }
  return found;
}

std::int64_t ReferencePool::unheld(const Table& hits) const {
  return std::count_if(hits.begin(), hits.end(), [this](Block block) {
    return blocks_[static_cast<std::size_t>(block)].holders == 0;
  });
}

void ReferencePool::hold(const Table& hits) {
  for (const Block block : hits) {
    State& state = blocks_[static_cast<std::size_t>(block)];
    if (state.holders++ == 0) queue_.erase({rank(state), block});
    ++state.hits;
  }
}

void ReferencePool::take(std::int64_t count, Table& table) {
  for (std::int64_t i = 0; i < count; ++i) {
    Block block = 0;
    if (!unnamed_.empty()) {
      block = unnamed_.back();
      unnamed_.pop_back();
    } else {
      block = queue_.begin()->second;
      queue_.erase(queue_.begin());
    }
    State& state = blocks_[static_cast<std::size_t>(block)];
    if (state.name != kNoName) {
      Table& carriers = cached_[state.name];
      carriers.erase(std::find(carriers.begin(), carriers.end(), block));
      if (carriers.empty()) cached_.erase(state.name);
    }
    state = State();
    state.holders = 1;
    table.push_back(block);
  }
}

void ReferencePool::set_name(Block block, BlockName name) {
  if (!options_.caching) return;
  blocks_[static_cast<std::size_t>(block)].name = name;
  cached_[name].push_back(block);
}

void ReferencePool::release(const Table& table) {
  for (auto block = table.rbegin(); block != table.rend(); ++block) {
    State& state = blocks_[static_cast<std::size_t>(*block)];
    if (--state.holders > 0) continue;
    if (state.name == kNoName && options_.partial_first) {
      unnamed_.push_back(*block);
      continue;
    }
    state.released = ++releases_;
    if (state.entered == 0) state.entered = state.released;
    queue_.insert({rank(state), *block});
  }
}

}  // namespace orrery::property
