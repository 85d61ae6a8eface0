// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/address_map.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <stdexcept>

#include "sim/core/errors.h"

namespace orrery::hbm {
namespace {

constexpr std::array<std::string_view, kFields> kNames = {"Ch", "Pc", "Si", "Bg", "Ba", "Ro", "Co"};

std::array<std::uint64_t, kFields> sizes_of(const Geometry& g) {
  const auto size = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  return {size(g.channels),    size(g.pseudo_channels), size(g.stack_ids),
          size(g.bank_groups), size(g.banks),           size(g.rows),
          size(g.columns)};
}

int bits_of(std::uint64_t size) { return static_cast<int>(std::bit_width(size - 1)); }

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

}  // namespace

const std::vector<NamedMap>& named_maps() {
  static const std::vector<NamedMap> kMaps = {
      {"bgil", "Ro Si Ba Co Bg Pc Ch"},
      {"robaracoch", "Ro Ba Bg Si Pc Co Ch"},
      // Channels in turn every 128 B (4 columns), banks spread by the row: how GPU simulators and
      // microbenchmarks picture NVIDIA's maps, whose true bits are not published.
      {"hashed", "Ro Si Ba Co Bg Pc Ch Co2 Ba^=Ro[1:0] Bg^=Ro[2:2]"},
  };
  return kMaps;
}

/// Reads the words of a map and makes sure that each bit of the device is named once.
class AddressMap::Parser {
 public:
  Parser(AddressMap& map, std::string_view text, const Geometry& geometry)
      : map_(map), sizes_(sizes_of(geometry)), text_(text) {}

  void parse() {
    std::vector<std::string_view> words = words_of(text_);
    const auto is_hash = [](std::string_view word) {
      return word.find("^=") != std::string_view::npos;
    };
    const auto fields_end = std::ranges::find_if(words, is_hash);
    for (auto word = std::make_reverse_iterator(fields_end); word != words.rend(); ++word) {
      add_field(*word);
    }
    for (auto word = fields_end; word != words.end(); ++word) add_hash(*word);
    for (std::size_t field = 0; field < kFields; ++field) {
      if (covered_[field] != sizes_[field]) {
        fail(kNames[field], "names " + std::to_string(covered_[field]) + " of the device's " +
                                std::to_string(sizes_[field]) +
                                " (channels=N sets how many "
                                "channels there are)");
      }
    }
  }

 private:
  [[noreturn]] void fail(std::string_view word, const std::string& what) const {
    throw std::invalid_argument("'" + std::string(text_) + "': " + std::string(word) + " " + what);
  }

  [[nodiscard]] std::size_t field_of(std::string_view word) const {
    for (std::size_t field = 0; field < kFields; ++field) {
      if (word.substr(0, 2) == kNames[field]) return field;
    }
    fail(word, "is no field; " + known_names(word, kNames));
  }

  void add_field(std::string_view word) {
    const std::size_t field = field_of(word);
    const std::string_view rest = word.substr(2);
    if (rest.empty()) return add_rest(field);
    const bool remainder = rest[0] == '%';
    const auto number = whole_number(remainder ? rest.substr(1) : rest);
    if (!number) fail(word, "is not a field and its bits, as in Ba2 or Ch%96");
    if (remainder) {
      if (*number == 0 || covered_[field] != 1) fail(word, "must name its field alone");
      if (field != 0) fail(word, "takes a remainder; only Ch may");
      add_remainder(field, *number);
    } else {
      if (*number > 32) fail(word, "has more than 32 bits");
      add_bits(field, static_cast<int>(*number));
    }
  }

  void add_rest(std::size_t field) {
    if (std::has_single_bit(sizes_[field])) {
      if (covered_[field] >= sizes_[field] && covered_[field] > 1) {
        fail(kNames[field], "without a number finds no bits left");
      }
      add_bits(field, bits_of(sizes_[field] / covered_[field]));
    } else {
      if (covered_[field] != 1) fail(kNames[field], "without a number must name its field alone");
      add_remainder(field, static_cast<std::uint32_t>(sizes_[field]));
    }
  }

  void add_bits(std::size_t field, int bits) {
    if (bits == 0) return;
    map_.steps_.push_back({.mask = (std::uint64_t{1} << bits) - 1,
                           .modulus = 0,
                           .width = static_cast<std::uint8_t>(bits),
                           .shift = static_cast<std::uint8_t>(bits_of(covered_[field])),
                           .field = static_cast<std::uint8_t>(field)});
    covered_[field] <<= bits;
    if (covered_[field] > sizes_[field]) {
      fail(kNames[field], "has more bits than the device's " + std::to_string(sizes_[field]));
    }
  }

  void add_remainder(std::size_t field, std::uint32_t modulus) {
    if (modulus == 1) return;  // of one channel nothing is left
    map_.steps_.push_back({.mask = 0,
                           .modulus = modulus,
                           .width = 0,
                           .shift = 0,
                           .field = static_cast<std::uint8_t>(field),
                           .reciprocal = UINT64_MAX / modulus + 1});
    covered_[field] = modulus;
  }

  void add_hash(std::string_view word) {
    const std::size_t sign = word.find("^=");
    if (sign == std::string_view::npos) fail(word, "comes after a hash; fields stand first");
    const std::string_view source = word.substr(sign + 2);
    const std::size_t colon = source.find(':');
    if (sign != 2 || source.size() < 7 || source[2] != '[' || source.back() != ']' ||
        colon == std::string_view::npos || colon < 4) {
      fail(word, "is not a hash like Bg^=Ro[1:0]");
    }
    const std::size_t to = field_of(word);
    const std::size_t from = field_of(source);
    const auto high = whole_number(source.substr(3, colon - 3));
    const auto low = whole_number(source.substr(colon + 1, source.size() - colon - 2));
    if (!high || !low || *high < *low) fail(word, "is not a hash like Bg^=Ro[1:0]");
    const auto width = static_cast<int>(*high - *low + 1);
    if (from == to) fail(word, "hashes a field by itself");
    if (!std::has_single_bit(sizes_[to]) || width > bits_of(sizes_[to])) {
      fail(word, "has more bits than the field it hashes");
    }
    if (static_cast<int>(*high) >= bits_of(sizes_[from]))
      fail(word, "names bits that are not there");
    map_.hashes_.push_back({.to = static_cast<std::uint8_t>(to),
                            .from = static_cast<std::uint8_t>(from),
                            .low = static_cast<std::uint8_t>(*low),
                            .mask = (std::uint32_t{1} << width) - 1});
  }

  AddressMap& map_;
  std::array<std::uint64_t, kFields> sizes_;
  std::string_view text_;
  /// How many values of each field the steps so far tell apart.
  std::array<std::uint64_t, kFields> covered_ = {1, 1, 1, 1, 1, 1, 1};
};

AddressMap::AddressMap(std::string_view text, const Geometry& geometry) {
  for (const NamedMap& named : named_maps()) {
    if (named.name == text) text = named.text;
  }
  Parser(*this, text, geometry).parse();
  stack_bits_ = bits_of(static_cast<std::uint64_t>(geometry.stack_ids));
  group_bits_ = bits_of(static_cast<std::uint64_t>(geometry.bank_groups));
  bank_bits_ = bits_of(static_cast<std::uint64_t>(geometry.banks));
  const bool hashed = std::ranges::any_of(
      hashes_, [](const Hash& hash) { return hash.to == index_of(Field::kChannel); });
  for (std::size_t s = 0; s < steps_.size() && !hashed; ++s) {
    if (steps_[s].field == index_of(Field::kChannel)) channel_steps_ = s + 1;
  }
  blocks_ = 1;
  for (const std::uint64_t size : sizes_of(geometry)) blocks_ *= size;
  tabulate();
}

AddressMap::Place AddressMap::place_of(const Coordinates& at) const {
  const std::uint32_t stack =
      (at[index_of(Field::kPseudo)] << stack_bits_) | at[index_of(Field::kStack)];
  const std::uint32_t group = (stack << group_bits_) | at[index_of(Field::kGroup)];
  return {at[index_of(Field::kChannel)], (group << bank_bits_) | at[index_of(Field::kBank)],
          at[index_of(Field::kRow)], at[index_of(Field::kColumn)]};
}

void AddressMap::tabulate() {
  linear_ = std::ranges::all_of(steps_, [](const Step& step) { return step.modulus == 0; });
  if (!linear_) return;
  for (int from = 0; (blocks_ - 1) >> from != 0; from += 8) {
    auto& table = tables_.emplace_back();
    for (std::uint64_t byte = 0; byte < table.size(); ++byte) {
      const Place at = place_of(locate(byte << from));
      table[byte] = std::uint64_t{at.channel} << kChannelAt | std::uint64_t{at.row} << kRowAt |
                    std::uint64_t{at.bank} << kBankAt | at.column;
    }
  }
}

std::uint64_t AddressMap::block_of(Coordinates at) const {
  for (auto hash = hashes_.rbegin(); hash != hashes_.rend(); ++hash) {
    at[hash->to] ^= (at[hash->from] >> hash->low) & hash->mask;
  }
  std::uint64_t block = 0;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->modulus != 0) {
      block = block * step->modulus + at[step->field];
    } else {
      block = (block << step->width) | ((at[step->field] >> step->shift) & step->mask);
    }
  }
  return block;
}

}  // namespace orrery::hbm
