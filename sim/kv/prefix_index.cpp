// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/prefix_index.h"

namespace orrery {

PrefixIndex::PrefixIndex(std::size_t blocks) : table_(64), entries_(blocks) {}

std::uint32_t PrefixIndex::find_node(std::uint64_t key) const {
  for (std::size_t at = home(key);; at = (at + 1) & (table_.size() - 1)) {
    if (table_[at].node == kNoGroup) return kNoGroup;
    if (table_[at].key == key) return table_[at].node;
  }
}

PrefixIndex::Group PrefixIndex::find(std::uint64_t group) const {
  Group result;
  const std::uint32_t node = find_node(group);
  if (node != kNoGroup) result.heads_ = nodes_[node].heads.data();
  return result;
}

std::uint32_t PrefixIndex::make_node(std::uint64_t key) {
  if ((nodes_.size() - free_nodes_.size() + 1) * 2 > table_.size()) grow();
  std::uint32_t node = 0;
  if (free_nodes_.empty()) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    node = free_nodes_.back();
    free_nodes_.pop_back();
  }
  nodes_[node].key = key;
  nodes_[node].used = 0;
  nodes_[node].heads.fill(kNoBlock);
  std::size_t at = home(key);
  while (table_[at].node != kNoGroup) at = (at + 1) & (table_.size() - 1);
  table_[at] = {key, node};
  return node;
}

void PrefixIndex::drop_node(std::uint32_t node) {
  const std::size_t mask = table_.size() - 1;
  std::size_t hole = home(nodes_[node].key);
  while (table_[hole].node != node) hole = (hole + 1) & mask;
  // Close the hole: whoever probed across it moves back.
  for (std::size_t at = (hole + 1) & mask; table_[at].node != kNoGroup; at = (at + 1) & mask) {
    const std::size_t wish = home(table_[at].key);
    if (((at - wish) & mask) >= ((at - hole) & mask)) {
      table_[hole] = table_[at];
      hole = at;
    }
  }
  table_[hole].node = kNoGroup;
  free_nodes_.push_back(node);
}

void PrefixIndex::grow() {
  std::vector<Bucket> old(table_.size() * 2);
  old.swap(table_);
  for (const Bucket& bucket : old) {
    if (bucket.node == kNoGroup) continue;
    std::size_t at = home(bucket.key);
    while (table_[at].node != kNoGroup) at = (at + 1) & (table_.size() - 1);
    table_[at] = bucket;
  }
}

void PrefixIndex::link(std::uint32_t node, std::uint32_t place, BlockId block, BlockId& head) {
  Entry& entry = entries_[block];
  ORRERY_DCHECK(entry.group == kNoGroup);
  entry.group = node;
  entry.place = place;
  if (head == kNoBlock) {
    head = entry.next = entry.previous = block;
    return;
  }
  const BlockId youngest = entries_[head].previous;
  entry.next = head;
  entry.previous = youngest;
  entries_[youngest].next = block;
  entries_[head].previous = block;
}

void PrefixIndex::insert(const KeyRun& run, const BlockId* blocks) {
  std::uint32_t index = find_node(run.group);
  if (index == kNoGroup) index = make_node(run.group);
  Node& node = nodes_[index];
  for (std::uint32_t i = 0; i < run.count; ++i) {
    link(index, run.first + i, blocks[i], node.heads[run.first + i]);
  }
  node.used += run.count;
  size_ += run.count;
}

void PrefixIndex::insert(std::uint64_t group, std::uint32_t place, BlockId block) {
  insert(KeyRun{group, place, 1}, &block);
}

/// The carrier of a key that others carry too.
void PrefixIndex::unlink_duplicate(BlockId block, const Entry& entry, BlockId& head) {
  entries_[entry.previous].next = entry.next;
  entries_[entry.next].previous = entry.previous;
  if (head == block) head = entry.next;
}

void PrefixIndex::forget(std::span<const BlockId> blocks) {
  // Blocks that are forgotten together mostly lie in one group.
  std::uint32_t group = kNoGroup;
  Node* node = nullptr;
  for (const BlockId block : blocks) {
    Entry& entry = entries_[block];
    if (entry.group == kNoGroup) continue;
    if (entry.group != group) {
      group = entry.group;
      node = &nodes_[group];
    }
    if (entry.next == block) {
      node->heads[entry.place] = kNoBlock;
    } else {
      unlink_duplicate(block, entry, node->heads[entry.place]);
    }
    entry.group = kNoGroup;
    --size_;
    if (--node->used == 0) {
      drop_node(group);
      group = kNoGroup;
    }
  }
}

}  // namespace orrery
