// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_HBM_BANK_SET_H_
#define ORRERY_SIM_HARDWARE_HBM_BANK_SET_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace orrery::hbm {

inline constexpr std::size_t kMaxBanks = 256;

/// A set of banks that is walked in ascending order.
class BankSet {
 public:
  void insert(std::uint32_t bank) { words_[bank >> 6] |= std::uint64_t{1} << (bank & 63U); }
  void erase(std::uint32_t bank) { words_[bank >> 6] &= ~(std::uint64_t{1} << (bank & 63U)); }
  void put(std::uint32_t bank, bool in) { in ? insert(bank) : erase(bank); }
  [[nodiscard]] bool contains(std::uint32_t bank) const {
    return (words_[bank >> 6] >> (bank & 63U) & 1U) != 0;
  }
  [[nodiscard]] bool empty() const {
    std::uint64_t any = 0;
    for (const std::uint64_t word : words_) any |= word;
    return any == 0;
  }
  /// Banks 64 w to 64 w + 63, the lowest bit first.
  [[nodiscard]] std::uint64_t word(std::uint32_t w) const { return words_[w]; }

 private:
  std::array<std::uint64_t, kMaxBanks / 64> words_{};
};

/// Calls `visit` for each bank of a word, in ascending order.
template <class Visit>
inline void for_each_bank(std::uint64_t word, std::uint32_t w, Visit&& visit) {
  for (; word != 0; word &= word - 1) {
    visit(w * 64 + static_cast<std::uint32_t>(std::countr_zero(word)));
  }
}

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_BANK_SET_H_
