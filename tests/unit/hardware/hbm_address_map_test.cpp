// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/address_map.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "sim/core/random.h"

namespace orrery::hbm {
namespace {

/// Small enough to try every address.
Geometry small(std::int64_t channels) {
  Geometry geometry;
  geometry.channels = channels;
  geometry.stack_ids = 2;
  geometry.rows = 16;
  geometry.columns = 8;
  return geometry;
}

/// Each access has its own place within the device, and the way back leads to it.
void check_bijection(const std::string& text, const Geometry& geometry) {
  const AddressMap map(text, geometry);
  const auto channels = static_cast<std::uint64_t>(geometry.channels);
  REQUIRE(map.blocks() == channels * 2 * 2 * 4 * 4 * 16 * 8);
  std::vector<bool> taken(map.blocks());
  std::uint64_t wrong = 0;
  for (std::uint64_t block = 0; block < map.blocks(); ++block) {
    const AddressMap::Place at = map.place(block);
    const std::uint64_t number =
        ((std::uint64_t{at.channel} * 64 + at.bank) * 16 + at.row) * 8 + at.column;
    const bool inside = at.channel < channels && at.bank < 64 && at.row < 16 && at.column < 8;
    if (!inside || taken[number] || map.block_of(map.locate(block)) != block ||
        map.channel(block) != at.channel) {
      ++wrong;
      continue;
    }
    taken[number] = true;
  }
  CHECK_MESSAGE(wrong == 0, text);
}

TEST_CASE("every map is a bijection") {
  for (const NamedMap& named : named_maps()) {
    check_bijection(std::string(named.name), small(4));
    check_bijection(std::string(named.name), small(1));
    check_bijection(std::string(named.name), small(3));
  }
  check_bijection("Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2", small(4));
  check_bijection("Ro1 Co2 Ro3 Si1 Ch1 Ba2 Bg1 Co1 Bg1 Pc1 Ch1", small(4));
  check_bijection("Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch%96", small(96));
  check_bijection("Ro4 Si1 Ch%5 Ba2 Co3 Bg2 Pc1 Bg^=Ro[1:0] Ba^=Ro[3:2] Pc^=Si[0:0]", small(5));
  check_bijection("Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2 Ch^=Ro[1:0] Ro^=Co[2:0]", small(4));
}

TEST_CASE("random maps with random hashes are bijections") {
  const std::vector<std::string> names = {"Pc", "Si", "Bg", "Ba", "Ro", "Co", "Ch"};
  const std::vector<std::uint64_t> bits = {1, 1, 2, 2, 4, 3, 2};
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    RandomStream random(seed, "hbm", "maps");
    std::vector<std::string> words;
    for (std::size_t f = 0; f < names.size(); ++f) {
      for (std::uint64_t b = 0; b < bits[f]; ++b) words.push_back(names[f] + "1");
    }
    for (std::size_t i = words.size(); i > 1; --i) std::swap(words[i - 1], words[random.below(i)]);
    std::string text;
    for (const std::string& word : words) text += word + " ";
    for (int hash = 0; hash < 3; ++hash) {
      const std::size_t to = random.below(names.size());
      const std::size_t from = (to + 1 + random.below(names.size() - 1)) % names.size();
      const std::string bit = std::to_string(random.below(bits[from]));
      text += names[to] + "^=" + names[from] + "[" + bit + ":" + bit + "] ";
    }
    check_bijection(text, small(4));
  }
}

TEST_CASE("bgil interleaves channels, then pseudo-channels, then bank groups") {
  Geometry geometry = small(4);
  const AddressMap map("bgil", geometry);
  CHECK(map.place(1).channel == 1);
  CHECK(map.locate(4)[index_of(Field::kPseudo)] == 1);
  CHECK(map.locate(8)[index_of(Field::kGroup)] == 1);
  CHECK(map.locate(32)[index_of(Field::kColumn)] == 1);
  CHECK(map.locate(256)[index_of(Field::kBank)] == 1);
  CHECK(map.locate(1024)[index_of(Field::kStack)] == 1);
  CHECK(map.locate(2048)[index_of(Field::kRow)] == 1);
}

TEST_CASE("hashed turns channels every four columns and spreads banks by the row") {
  // Of 16 rows, 8 columns, 4 channels: Co2 are the lowest bits, then Ch2, Pc1, Bg2 and what is left
  // of the columns, one bit; Ba2 is xored with the row's lowest two bits, Bg's lowest with the
  // third.
  const AddressMap map("hashed", small(4));
  CHECK(map.place(3).column == 3);
  CHECK(map.place(4).channel == 1);
  CHECK(map.locate(16)[index_of(Field::kPseudo)] == 1);
  CHECK(map.locate(128)[index_of(Field::kColumn)] == 4);
  // Row 5 (binary 101) begins at 5 * 2048: bank 0 ^ 1, group 0 ^ 1.
  const Coordinates fifth = map.locate(std::uint64_t{5} * 2048);
  CHECK(fifth[index_of(Field::kRow)] == 5);
  CHECK(fifth[index_of(Field::kBank)] == 1);
  CHECK(fifth[index_of(Field::kGroup)] == 1);
}

TEST_CASE("what is not a map is refused") {
  for (const char* text :
       {"", "nonsense", "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch1", "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch3",
        "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch%3", "Ro%16 Si1 Ba2 Co3 Bg2 Pc1 Ch2",
        "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2 Bg^=Bg[0:0]", "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2 Pc^=Ro[1:0]",
        "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2 Bg^=Ro[5:4]", "Ro4 Si1 Ba2 Co3 Bg2 Pc1 Ch2 Bg^=Ro",
        "Ro4 Si1 Ba2 Co3 Bg2 Bg^=Ro[1:0] Pc1 Ch2", "Ro Ro Si Ba Co Bg Pc Ch"}) {
    CHECK_THROWS_AS(AddressMap(text, small(4)), std::invalid_argument);
  }
}

}  // namespace
}  // namespace orrery::hbm
