// SPDX-License-Identifier: Apache-2.0
//
// Whatever the shape: each number of a matrix or KV cache lies in a place of its own, the commands
// multiply it exactly once for each query that reads it, and with the same piece of the vector as
// the other numbers of its column.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <tuple>

#include "tests/unit/study/pim_world.h"

namespace orrery::testing {
namespace {

using pim::Attention;
using pim::Cell;
using pim::Gemv;
using pim::Kind;
using pim::Part;

/// A column of a bank: what one MAC reads there.
using Column = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

Column column_of(const Cell& cell) { return {cell.channel, cell.bank, cell.row, cell.column}; }

/// Numbers by where they lie: in each column, which lanes hold which inputs of the vector.
class Store {
 public:
  void put(const Cell& cell, std::int64_t input) {
    REQUIRE(cell.lane >= 0);
    const bool is_new = columns_[column_of(cell)].emplace(cell.lane, input).second;
    REQUIRE(is_new);
  }
  /// Goes through the MACs: each column of numbers is read `times` times, each time with an
  /// operand that always stands for the same inputs of that bank.
  void check(const pim::Plan& plan, std::int64_t times) const {
    std::map<Column, std::int64_t> reads;
    std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, std::int64_t> first_input;
    for (const pim::ChannelWork& work : plan) {
      for (const pim::Request& request : work.program) {
        const bool mac = request.kind == Kind::kMac || request.kind == Kind::kMacBank ||
                         (request.kind == Kind::kRead && request.purpose == Part::kMac);
        if (!mac) continue;
        for (const std::int64_t channel : work.members) read(channel, request, reads, first_input);
      }
    }
    for (const auto& [column, lanes] : columns_) REQUIRE(reads[column] == times);
  }

 private:
  template <class Reads, class Inputs>
  void read(std::int64_t channel, const pim::Request& request, Reads& reads,
            Inputs& first_input) const {
    for (pim::BankSet banks = request.banks; banks != 0; banks &= banks - 1) {
      const std::int64_t bank = std::countr_zero(banks);
      const auto at = columns_.find({channel, bank, request.row, request.column});
      if (at == columns_.end()) continue;  // Padding at the end of a tile.
      ++reads[at->first];
      // The input of lane 0, whether or not a number lies there.
      const auto& [lane, input] = *at->second.begin();
      const auto known =
          first_input.emplace(std::tuple{channel, bank, request.operand}, input - lane).first;
      REQUIRE(known->second == input - lane);
      for (const auto& [l, i] : at->second) REQUIRE(i - l == input - lane);
    }
  }

  std::map<Column, std::map<std::int64_t, std::int64_t>> columns_;
};

void check_gemv(const pim::Device& device, const Gemv& gemv) {
  CAPTURE(gemv.outputs);
  CAPTURE(gemv.inputs);
  const auto mapper = make_mapper(device);
  Store store;
  for (std::int64_t o = 0; o < gemv.outputs; ++o) {
    for (std::int64_t i = 0; i < gemv.inputs; ++i) store.put(mapper->weight(gemv, o, i), i);
  }
  store.check(mapper->gemv(gemv), gemv.batch);
}

/// `visit` gets head, token, token of its part, and dimension.
template <class Visit>
void for_each_number(const pim::Device& device, const Attention& a, Visit visit) {
  for (const auto& parts : deal_heads(device, a)) {
    for (const pim::HeadPart& part : parts) {
      for (std::int64_t t = 0; t < part.tokens; ++t) {
        for (std::int64_t d = 0; d < a.dim; ++d) {
          visit(part.kv_head, part.first_token + t, t, d);
        }
      }
    }
  }
}

void check_attention(const pim::Device& device, const Attention& a) {
  CAPTURE(a.heads);
  CAPTURE(a.kv_heads);
  CAPTURE(a.dim);
  CAPTURE(a.context);
  const auto mapper = make_mapper(device);
  Store keys;
  Store values;
  std::set<Column> key_columns;
  // A value's vector is the tokens' weights. Lanes are tokens, but in AttAcc dimensions: there one
  // weight meets all lanes of a column.
  const bool lanes_are_tokens = device.style != pim::Style::kAttacc;
  for_each_number(device, a,
                  [&](std::int64_t h, std::int64_t t, std::int64_t of_part, std::int64_t d) {
                    const Cell key = mapper->key(a, h, t, d);
                    const Cell value = mapper->value(a, h, t, d);
                    keys.put(key, d);
                    values.put(value, lanes_are_tokens ? of_part : of_part + value.lane);
                    key_columns.insert(column_of(key));
                  });
  for_each_number(device, a, [&](std::int64_t h, std::int64_t t, std::int64_t, std::int64_t d) {
    REQUIRE(key_columns.count(column_of(mapper->value(a, h, t, d))) == 0);
  });
  const pim::Plan plan = mapper->attention(a);
  keys.check(plan, a.group());
  values.check(plan, a.group());
}

/// Whole numbers from a stream of its own.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator.
    return low +
           static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

TEST_CASE("each element of a matrix is multiplied once") {
  Random random(7);
  for (const std::string name : kPimDevices) {
    CAPTURE(name);
    // Fewer channels make small matrices have many tiles.
    const pim::Device device = shipped_pim(name, {"geometry.channels=3"});
    for (int i = 0; i < 6; ++i) {
      check_gemv(device, {random.between(1, 500), random.between(1, 700), random.between(1, 3)});
    }
    check_gemv(device, {1, 1, 1});
    check_gemv(device, {384, 256, 1});
  }
}

TEST_CASE("each element is multiplied once a vector, wherever AttAcc's units sit") {
  Random random(13);
  for (const std::string level : {"bank-group", "buffer"}) {
    CAPTURE(level);
    const pim::Device device =
        shipped_pim("attacc-hbm3", {"geometry.channels=3", "compute.level=" + level});
    for (int i = 0; i < 4; ++i) {
      const std::int64_t kv_heads = random.between(1, 8);
      check_attention(device, {kv_heads * random.between(1, 4), kv_heads, random.between(1, 140),
                               random.between(1, 300)});
      check_gemv(device, {random.between(1, 500), random.between(1, 400), random.between(1, 3)});
    }
    check_attention(device, {7, 7, 128, 1});
  }
}

TEST_CASE("each element of keys and values is multiplied once a query") {
  Random random(11);
  for (const std::string name : kPimDevices) {
    CAPTURE(name);
    const pim::Device device = shipped_pim(name, {"geometry.channels=3"});
    for (int i = 0; i < 5; ++i) {
      const std::int64_t kv_heads = random.between(1, 5);
      check_attention(device, {kv_heads * random.between(1, 4), kv_heads, random.between(1, 140),
                               random.between(1, 200)});
    }
    check_attention(device, {8, 2, 128, 257});
    check_attention(device, {4, 4, 64, 1});
  }
}

}  // namespace
}  // namespace orrery::testing
