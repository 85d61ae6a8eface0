// SPDX-License-Identifier: Apache-2.0
//
// Where an address lies, written as widths, most significant first:
//
//   Ro14 Si1 Ba2 Co5 Bg2 Pc1 Ch4          fields may repeat: Ro14 Co3 Bg2 Co2 ...
//   Ro Si Ba Co Bg Pc Ch                  without a number: all bits that are left of the device's
//   ... Ch%96                             a channel count that is no power of two
//   ... Bg^=Ro[1:0]                       after the fields: one field hashed by bits of another
//
// or as a name: `bgil`, `robaracoch`, `hashed`. Every map is a bijection of the device's accesses:
// bits are taken once each, a remainder comes with its quotient, and x ^= f(y) undoes itself.
#ifndef ORRERY_SIM_HARDWARE_HBM_ADDRESS_MAP_H_
#define ORRERY_SIM_HARDWARE_HBM_ADDRESS_MAP_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/hardware/hbm/device.h"

namespace orrery::hbm {

enum class Field : std::uint8_t { kChannel, kPseudo, kStack, kGroup, kBank, kRow, kColumn };
inline constexpr int kFields = 7;

/// The parts of one access's address.
using Coordinates = std::array<std::uint32_t, kFields>;
[[nodiscard]] constexpr std::size_t index_of(Field f) { return static_cast<std::size_t>(f); }

struct NamedMap {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] const std::vector<NamedMap>& named_maps();

class AddressMap {
 public:
  /// Throws std::invalid_argument, which names the word, for what is not a map of this device.
  AddressMap(std::string_view text, const Geometry& geometry);

  /// `block` is the address in accesses, less than blocks().
  [[nodiscard]] Coordinates locate(std::uint64_t block) const {
    Coordinates at{};
    for (const Step& step : steps_) {
      std::uint64_t part = 0;
      if (step.modulus == 0) {
        part = block & step.mask;
        block >>= step.width;
      } else {
        part = step.divide(block);
      }
      at[step.field] |= static_cast<std::uint32_t>(part << step.shift);
    }
    for (const Hash& hash : hashes_) at[hash.to] ^= (at[hash.from] >> hash.low) & hash.mask;
    return at;
  }
  /// The same with the bank counted through its channel.
  struct Place {
    std::uint32_t channel, bank, row, column;
  };
  [[nodiscard]] Place place(std::uint64_t block) const {
    if (!linear_) return place_of(locate(block));
    std::uint64_t packed = 0;
    for (const auto& table : tables_) {
      packed ^= table[block & 0xffU];
      block >>= 8;
    }
    return {static_cast<std::uint32_t>(packed >> kChannelAt),
            static_cast<std::uint32_t>(packed >> kBankAt) & kTwelveBits,
            static_cast<std::uint32_t>(packed >> kRowAt) & kRowBits,
            static_cast<std::uint32_t>(packed) & kTwelveBits};
  }
  /// Its channel alone, which is found sooner.
  [[nodiscard]] std::uint32_t channel(std::uint64_t block) const {
    if (channel_steps_ == 0) return locate(block)[index_of(Field::kChannel)];
    std::uint64_t channel = 0;
    for (std::size_t s = 0; s < channel_steps_; ++s) {
      const Step& step = steps_[s];
      std::uint64_t part = 0;
      if (step.modulus == 0) {
        part = block & step.mask;
        block >>= step.width;
      } else {
        part = step.divide(block);
      }
      if (step.field == index_of(Field::kChannel)) channel |= part << step.shift;
    }
    return static_cast<std::uint32_t>(channel);
  }
  [[nodiscard]] std::uint64_t block_of(Coordinates at) const;
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

 private:
  [[nodiscard]] Place place_of(const Coordinates& at) const;
  void tabulate();
  // Without a remainder a map is linear: a block's place is the sum (without carry) of the places
  // of its bytes. Of each byte a table has them, packed.
  static constexpr int kBankAt = 12, kRowAt = 24, kChannelAt = 48;
  static constexpr std::uint32_t kTwelveBits = 0xfffU, kRowBits = 0xffffffU;

  /// Takes the lowest bits that are left.
  struct Step {
    std::uint64_t mask;
    std::uint64_t modulus;
    std::uint8_t width;
    std::uint8_t shift;
    std::uint8_t field;
    /// 2^64 / modulus, rounded up.
    std::uint64_t reciprocal = 0;

    /// Leaves the quotient and returns the remainder. Exact where block times modulus is below
    /// 2^64, for the reciprocal is too large by less than modulus / 2^64.
    [[nodiscard]] std::uint64_t divide(std::uint64_t& block) const {
      const auto quotient =
          static_cast<std::uint64_t>(static_cast<UInt128>(block) * reciprocal >> 64);
      const std::uint64_t remainder = block - quotient * modulus;
      block = quotient;
      return remainder;
    }
  };
  struct Hash {
    std::uint8_t to;
    std::uint8_t from;
    std::uint8_t low;
    std::uint32_t mask;
  };
  class Parser;

  std::vector<Step> steps_;
  std::vector<Hash> hashes_;
  std::uint64_t blocks_ = 0;
  bool linear_ = false;
  std::vector<std::array<std::uint64_t, 256>> tables_;
  int stack_bits_ = 0, group_bits_ = 0, bank_bits_ = 0;
  /// Steps after which the channel is known; 0 where a hash has a part in it.
  std::size_t channel_steps_ = 0;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_ADDRESS_MAP_H_
