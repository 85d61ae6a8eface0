// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/steady_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "sim/core/random.h"

namespace orrery {
namespace {

/// A steady set beside a list of what its members have computed, moved on step by step.
class Beside {
 public:
  explicit Beside(std::int32_t block_tokens)
      : block_tokens_(block_tokens), steady_(requests_, block_tokens) {}

  void join(std::int32_t computed, std::int64_t last_step, bool foreseen) {
    const Slot slot = requests_.push_back({});
    requests_[slot].computed = computed;
    requests_[slot].ends_foreseen = foreseen;
    requests_[slot].admission = static_cast<std::int64_t>(index_of(slot));
    steady_.join(slot, last_step);
    members_.push_back({slot, computed, last_step, foreseen});
  }

  void advance() {
    steady_.advance();
    for (Member& member : members_) ++member.computed;
  }

  /// Those whose last step is over leave, in the order of the heap.
  void end_those_due() {
    while (steady_.next_end().step < steady_.coming()) {
      const SteadySet::End end = steady_.next_end();
      const auto first = std::min_element(members_.begin(), members_.end(), earlier);
      CHECK(end.slot == first->slot);
      CHECK(end.step == first->last_step);
      CHECK(end.eos == !first->foreseen);
      steady_.pop_end();
      steady_.leave(end.slot);
      CHECK(requests_[end.slot].computed == first->computed);
      CHECK_FALSE(requests_[end.slot].steady);
      members_.erase(first);
    }
  }

  void check() const {
    BatchShape expected;
    for (const Member& member : members_) {
      const std::int64_t context = member.computed + 1;
      ++expected.decodes;
      ++expected.sampled_rows;
      expected.decode_context += context;
      expected.decode_context_max = std::max(expected.decode_context_max, context);
      expected.decode_tiles += (context + kDecodeTileTokens - 1) / kDecodeTileTokens;
      CHECK(steady_.computed(requests_[member.slot]) == member.computed);
    }
    BatchShape shape;
    steady_.add_to(shape);
    CHECK(steady_.size() == expected.decodes);
    CHECK(shape.decodes == expected.decodes);
    CHECK(shape.sampled_rows == expected.sampled_rows);
    CHECK(shape.decode_context == expected.decode_context);
    CHECK(shape.decode_context_max == expected.decode_context_max);
    CHECK(shape.decode_tiles == expected.decode_tiles);
    check_due(0);
    check_due(1);
  }

  void dissolve() {
    steady_.dissolve();
    for (const Member& member : members_) {
      CHECK_FALSE(requests_[member.slot].steady);
      CHECK(requests_[member.slot].computed == member.computed);
    }
    members_.clear();
    CHECK(steady_.next_end().slot == kNoSlot);
  }

  [[nodiscard]] std::int64_t coming() const { return steady_.coming(); }
  [[nodiscard]] bool empty() const { return members_.empty(); }

 private:
  struct Member {
    Slot slot;
    std::int32_t computed;
    std::int64_t last_step;
    bool foreseen;
  };
  static bool earlier(const Member& a, const Member& b) {
    return std::tuple(a.last_step, !a.foreseen, a.slot) <
           std::tuple(b.last_step, !b.foreseen, b.slot);
  }

  /// Everybody at a block's edge is among those due; nobody is due who is not a member.
  void check_due(std::int64_t ahead) const {
    std::set<Slot> due;
    for (const SteadySet::Due& one : steady_.due(ahead)) due.insert(one.slot);
    std::size_t members = 0;
    for (const Member& member : members_) {
      members += due.count(member.slot);
      if ((member.computed + ahead) % block_tokens_ == 0) CHECK(due.count(member.slot) == 1);
    }
    CHECK(members == due.size());
  }

  std::int32_t block_tokens_;
  IdVector<Slot, LiveRequest> requests_;
  SteadySet steady_;
  std::vector<Member> members_;
};

TEST_CASE("the statistics are those of a recount, whoever joins and leaves") {
  for (const std::int32_t block_tokens : {1, 16, 48, 128, 256}) {
    RandomStream random(static_cast<std::uint64_t>(block_tokens), "test", "steady");
    Beside world(block_tokens);
    world.check();
    for (std::int32_t step = 0; step < 600; ++step) {
      for (std::uint64_t joins = random.below(3); joins > 0; --joins) {
        world.join(static_cast<std::int32_t>(random.between(1, 1'000)),
                   world.coming() + random.between(0, 60), random.below(2) == 0);
      }
      world.advance();
      world.end_those_due();
      world.check();
      if (random.below(150) == 0) {
        world.dissolve();
        world.check();
      }
    }
    while (!world.empty()) {
      world.advance();
      world.end_those_due();
    }
    world.check();
  }
}

TEST_CASE("a tile is counted when the context passes its edge") {
  // Tiles of 128: a request that has computed 126 attends to 127 tokens, then 128, then 129.
  Beside world(16);
  world.join(126, 100, true);
  world.check();
  for (std::int32_t i = 0; i < 4; ++i) {
    world.advance();
    world.check();
  }
}

}  // namespace
}  // namespace orrery
