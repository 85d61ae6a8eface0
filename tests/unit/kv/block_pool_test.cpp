// SPDX-License-Identifier: Apache-2.0
#include "sim/kv/block_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace orrery {
namespace {

/// Released first, evicted first.
class InOrder final : public EvictionPolicy {
 public:
  void release(std::span<const BlockId> tail_first, Instant) override {
    queue_.insert(queue_.end(), tail_first.begin(), tail_first.end());
  }
  void retain(std::span<const BlockId> blocks) override {
    for (const BlockId block : blocks) std::erase(queue_, block);
  }
  BlockId evict(Instant) override {
    const BlockId block = queue_.front();
    queue_.pop_front();
    return block;
  }

 private:
  std::deque<BlockId> queue_;
};

BlockPool make_pool(std::int64_t blocks, bool caching = true, bool partial_first = true) {
  return BlockPool(
      {.blocks = blocks, .prefix_caching = caching, .partial_blocks_first = partial_first},
      std::make_unique<InOrder>());
}

constexpr std::int32_t kBlockTokens = 16;

/// A request whose prompt is `blocks` whole blocks of one text (and has more to come).
Request of_text(std::uint32_t id, std::uint64_t text, std::int32_t blocks) {
  Request request;
  request.id = RequestId{id};
  request.input_tokens = blocks * kBlockTokens;
  request.prompt = {{hashed_content(0, text), request.input_tokens}};
  return request;
}

using Table = std::vector<BlockId>;

/// Takes blocks for the request and gives all but the last `partial` of them keys.
Table fill(BlockPool& pool, const Request& request, std::int32_t blocks, std::int32_t partial = 0) {
  Table table;
  pool.allocate(blocks, table, Instant());
  KeyCursor keys(request, kBlockTokens);
  pool.publish(request, keys, table.data(), blocks - partial);
  return table;
}

Table matched(const BlockPool& pool, const Request& request, std::int32_t limit) {
  Table found;
  static_cast<void>(pool.match(request, limit, kBlockTokens, found));
  return found;
}

TEST_CASE("blocks are free until they are taken, and again when nobody holds them") {
  BlockPool pool = make_pool(5);
  CHECK(pool.size() == 5);
  CHECK(pool.free() == 5);
  Table table;
  pool.allocate(3, table, Instant());
  CHECK(pool.free() == 2);
  for (const BlockId block : table) CHECK(pool.holders(block) == 1);
  CHECK_THROWS_AS(pool.allocate(3, table, Instant()), InternalError);
  pool.release(table, Instant());
  CHECK(pool.free() == 5);
  for (const BlockId block : table) CHECK(pool.holders(block) == 0);
}

TEST_CASE("a match is the longest run from the beginning, and counts who holds it") {
  BlockPool pool = make_pool(10);
  const Request four = of_text(0, 1, 4);
  const Table table = fill(pool, four, 4);
  const Request six = of_text(1, 1, 6);
  Table found;
  BlockPool::Match match = pool.match(six, 6, kBlockTokens, found);
  CHECK(match.blocks == 4);
  CHECK(match.unheld == 0);
  CHECK(found == table);
  // The fifth key is the one that is missing: place 4 of the same group.
  KeyCursor keys(six, kBlockTokens);
  CHECK(match.missing_group == keys.next(six, 6).group);
  CHECK(match.missing_place == 4);

  pool.release(table, Instant());
  match = pool.match(six, 6, kBlockTokens, found);
  CHECK(match.blocks == 4);
  CHECK(match.unheld == 4);
  CHECK(pool.match(six, 2, kBlockTokens, found).blocks == 2);
  CHECK(pool.match(of_text(2, 9, 6), 6, kBlockTokens, found).blocks == 0);
}

TEST_CASE("a hit takes an unheld block out of the free ones and holds it") {
  BlockPool pool = make_pool(4);
  const Request request = of_text(0, 1, 4);
  const Table table = fill(pool, request, 4);
  pool.release(table, Instant());
  const Table hits = matched(pool, request, 2);
  pool.hold(hits, Instant());
  CHECK(pool.free() == 2);
  pool.hold(hits, Instant());  // a second request: held twice, nothing more is taken
  CHECK(pool.free() == 2);
  CHECK(pool.holders(hits[0]) == 2);
  // What is held is not evicted: the two that are free go.
  Table other;
  pool.allocate(2, other, Instant());
  CHECK(matched(pool, request, 4) == hits);
  pool.release(hits, Instant());
  CHECK(pool.free() == 0);
  pool.release(hits, Instant());
  CHECK(pool.free() == 2);
}

TEST_CASE("the tail of a request is evicted before its head") {
  BlockPool pool = make_pool(4);
  const Request request = of_text(0, 1, 4);
  pool.release(fill(pool, request, 4), Instant());
  for (std::size_t left = 3; left > 0; --left) {
    Table other;
    pool.allocate(1, other, Instant());
    CHECK(matched(pool, request, 4).size() == left);
  }
}

TEST_CASE("of blocks with one key the one that got it first is hit") {
  // Two requests compute the same text side by side. The second's blocks are duplicates.
  BlockPool pool = make_pool(6);
  const Request request = of_text(0, 1, 2);
  const Table first = fill(pool, request, 2);
  const Table second = fill(pool, request, 2);
  CHECK(matched(pool, request, 2) == first);
  pool.release(second, Instant());
  pool.release(first, Instant());
  CHECK(matched(pool, request, 2) == first);
  // Two never used blocks, then second's (tail first), then first's: with four taken only the
  // first's are left, with five its head.
  Table other;
  pool.allocate(4, other, Instant());
  CHECK(matched(pool, request, 2) == first);
  pool.allocate(1, other, Instant());
  CHECK(matched(pool, request, 2) == Table{first[0]});
}

TEST_CASE("if the first carrier is evicted the next one is hit") {
  BlockPool pool = make_pool(4);
  const Request request = of_text(0, 1, 2);
  const Table first = fill(pool, request, 2);
  const Table second = fill(pool, request, 2);
  pool.release(first, Instant());
  Table other;
  pool.allocate(2, other, Instant());
  CHECK(matched(pool, request, 2) == second);
}

TEST_CASE("blocks without a key are reused first") {
  // Two requests of two blocks each, the second block partial. Request 0 leaves first.
  BlockPool pool = make_pool(4);
  const Request a = of_text(0, 1, 2);
  const Request b = of_text(1, 2, 2);
  const Table of_a = fill(pool, a, 2, /*partial=*/1);
  const Table of_b = fill(pool, b, 2, /*partial=*/1);
  pool.release(of_a, Instant());
  pool.release(of_b, Instant());
  CHECK_FALSE(pool.would_evict(2));
  CHECK(pool.would_evict(3));
  // The two partial ones go first, so both heads are still there; then a's, which is older.
  Table other;
  pool.allocate(2, other, Instant());
  CHECK(matched(pool, a, 1) == Table{of_a[0]});
  CHECK(matched(pool, b, 1) == Table{of_b[0]});
  pool.allocate(1, other, Instant());
  CHECK(matched(pool, a, 1).empty());
  CHECK(matched(pool, b, 1) == Table{of_b[0]});
}

TEST_CASE("as vLLM had it before, blocks without a key queue with the others") {
  // The same story. The queue is a's partial block, a's head, b's partial, b's head: with two
  // taken, a's head is gone.
  BlockPool pool = make_pool(4, /*caching=*/true, /*partial_first=*/false);
  const Request a = of_text(0, 1, 2);
  const Request b = of_text(1, 2, 2);
  const Table of_a = fill(pool, a, 2, /*partial=*/1);
  const Table of_b = fill(pool, b, 2, /*partial=*/1);
  pool.release(of_a, Instant());
  pool.release(of_b, Instant());
  CHECK(pool.would_evict(1));
  Table other;
  pool.allocate(1, other, Instant());
  CHECK(matched(pool, a, 1) == Table{of_a[0]});
  pool.allocate(1, other, Instant());
  CHECK(matched(pool, a, 1).empty());
  CHECK(matched(pool, b, 1) == Table{of_b[0]});
}

TEST_CASE("blocks that were never used go before anything cached") {
  BlockPool pool = make_pool(6);
  const Request request = of_text(0, 1, 3);
  pool.release(fill(pool, request, 3), Instant());
  Table other;
  pool.allocate(3, other, Instant());
  CHECK(matched(pool, request, 3).size() == 3);
  pool.allocate(1, other, Instant());
  CHECK(matched(pool, request, 3).size() == 2);
}

TEST_CASE("a block that is taken has forgotten its text, and may get another") {
  BlockPool pool = make_pool(1);
  const Request a = of_text(0, 1, 1);
  const Request b = of_text(1, 2, 1);
  pool.release(fill(pool, a, 1), Instant());
  CHECK(pool.cached(BlockId{0}));
  Table table;
  pool.allocate(1, table, Instant());
  CHECK_FALSE(pool.cached(BlockId{0}));
  KeyCursor keys(b, kBlockTokens);
  pool.publish(b, keys, table.data(), 1);
  CHECK(matched(pool, a, 1).empty());
  CHECK(matched(pool, b, 1) == table);
}

TEST_CASE("a key is given block by block as they fill") {
  // 40 prompt tokens, so the third block has 8 of them and 8 generated ones.
  BlockPool pool = make_pool(8);
  Request request = of_text(0, 1, 2);
  request.prompt[0].tokens = request.input_tokens = 40;
  Table table;
  pool.allocate(4, table, Instant());
  KeyCursor keys(request, kBlockTokens);
  pool.publish(request, keys, table.data(), 2);
  CHECK(matched(pool, request, 4).size() == 2);
  pool.publish(request, keys, table.data() + 2, 1);
  CHECK(matched(pool, request, 4).size() == 3);
  // A next turn that quotes the 8 generated tokens finds that block too.
  Request next = of_text(1, 1, 2);
  next.prompt = {{hashed_content(0, 1), 40}, {generated_content(RequestId{0}), 8}};
  CHECK(matched(pool, next, 3) == Table(table.begin(), table.begin() + 3));
}

}  // namespace
}  // namespace orrery
