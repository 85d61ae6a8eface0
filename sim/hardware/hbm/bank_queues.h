// SPDX-License-Identifier: Apache-2.0
//
// The requests a channel holds: for reads and writes each, a list a bank in the order they came,
// its oldest request that hits the open row and its oldest that misses it; and at most one
// activated request a bank, which has left its queue but not yet been served.
#ifndef ORRERY_SIM_HARDWARE_HBM_BANK_QUEUES_H_
#define ORRERY_SIM_HARDWARE_HBM_BANK_QUEUES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "sim/hardware/hbm/bank_set.h"
#include "sim/hardware/hbm/tick_timing.h"

namespace orrery::hbm {

/// One access, packed so that equal addresses are equal numbers.
struct Request {
  std::uint64_t packed = 0;

  static Request make(std::uint32_t bank, std::uint32_t row, std::uint32_t column, bool write) {
    return {std::uint64_t{row} << 32 | std::uint64_t{column} << 16 | bank << 1 | (write ? 1U : 0U)};
  }
  [[nodiscard]] bool write() const { return (packed & 1U) != 0; }
  [[nodiscard]] std::uint32_t bank() const {
    return static_cast<std::uint32_t>(packed >> 1) & 0x7fffU;
  }
  [[nodiscard]] std::uint32_t column() const {
    return static_cast<std::uint32_t>(packed >> 16) & 0xffffU;
  }
  [[nodiscard]] std::uint32_t row() const { return static_cast<std::uint32_t>(packed >> 32); }
  [[nodiscard]] bool same_address(Request other) const {
    return (packed | 1U) == (other.packed | 1U);
  }
};

struct Slot {
  Tick arrive = 0;
  std::int64_t order = 0;  ///< How many came before it.
  Request request;
  std::int16_t older = -1, younger = -1;
  bool seen = false;  ///< Its first command has issued.
};

class BankQueues {
 public:
  static constexpr int kRead = 0;
  static constexpr int kWrite = 1;

  BankQueues(std::size_t read_capacity, std::size_t write_capacity, std::uint32_t banks);

  [[nodiscard]] std::size_t size(int queue) const { return sizes_[index(queue)]; }
  [[nodiscard]] bool empty() const { return sizes_[0] + sizes_[1] + active_count_ == 0; }
  [[nodiscard]] Slot& slot(std::int16_t s) { return slots_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] const Slot& slot(std::int16_t s) const {
    return slots_[static_cast<std::size_t>(s)];
  }

  /// -1 where there is none.
  [[nodiscard]] std::int16_t oldest(int q, std::uint32_t bank) const { return of(q).head[bank]; }
  [[nodiscard]] std::int16_t hit(int q, std::uint32_t bank) const { return of(q).hit[bank]; }
  [[nodiscard]] std::int16_t miss(int q, std::uint32_t bank) const { return of(q).miss[bank]; }
  [[nodiscard]] std::int16_t active(std::uint32_t bank) const { return active_[bank]; }
  [[nodiscard]] const BankSet& hits(int q) const { return of(q).hits; }
  [[nodiscard]] const BankSet& misses(int q) const { return of(q).misses; }
  /// Banks whose oldest request hits.
  [[nodiscard]] const BankSet& hit_first(int q) const { return of(q).hit_first; }
  /// How many requests came before the oldest hit or miss of a bank, which must have one.
  [[nodiscard]] std::int64_t hit_order(int q, std::uint32_t bank) const {
    return of(q).hit_order[bank];
  }
  [[nodiscard]] std::int64_t miss_order(int q, std::uint32_t bank) const {
    return of(q).miss_order[bank];
  }
  /// The bank of the oldest request of a queue, which must have one.
  [[nodiscard]] std::uint32_t oldest_bank(int q) const;
  [[nodiscard]] bool any_active() const { return active_count_ > 0; }
  [[nodiscard]] const BankSet& active_banks() const { return active_banks_; }
  /// Whether nobody wants the bank.
  [[nodiscard]] bool idle(std::uint32_t bank) const {
    return lists_[0].head[bank] < 0 && lists_[1].head[bank] < 0 && active_[bank] < 0;
  }
  /// The same of 64 banks. A bank with requests has a hit or a miss.
  [[nodiscard]] std::uint64_t idle_word(std::uint32_t w) const {
    return ~(lists_[0].hits.word(w) | lists_[0].misses.word(w) | lists_[1].hits.word(w) |
             lists_[1].misses.word(w) | active_banks_.word(w));
  }
  /// Whether a write to that address waits.
  [[nodiscard]] bool holds_write(Request request) const {
    return sizes_[kWrite] > 0 && finds_write(request);
  }

  /// Of a request that hits the open row, or not; `order` is larger than all before. True if it is
  /// the bank's oldest of its kind.
  bool push(Request request, Tick arrive, std::int64_t order, bool hits);
  /// Takes the bank's oldest hit or its activated request out for good.
  void remove_hit(int q, std::uint32_t bank);
  void remove_active(std::uint32_t bank);
  /// The bank's oldest miss leaves its queue and waits activated; its row is open now.
  void activate(int q, std::uint32_t bank);
  void on_precharge(std::uint32_t bank);

 private:
  struct Lists {
    std::array<std::int16_t, kMaxBanks> head, tail, hit, miss;
    std::array<std::int64_t, kMaxBanks> hit_order, miss_order;
    BankSet hits, misses, hit_first;
  };
  [[nodiscard]] bool finds_write(Request request) const;
  static std::size_t index(int queue) { return static_cast<std::size_t>(queue); }
  [[nodiscard]] const Lists& of(int q) const { return lists_[index(q)]; }
  [[nodiscard]] Lists& of(int q) { return lists_[index(q)]; }
  void unlink(Lists& lists, std::uint32_t bank, std::int16_t s);
  /// The first from `s` on whose row is (not) `row`.
  [[nodiscard]] std::int16_t first(std::int16_t s, std::uint32_t row, bool equal) const;
  /// Neither is called before the bank's list is as it stays.
  void set_hit(Lists& lists, std::uint32_t bank, std::int16_t s);
  void set_miss(Lists& lists, std::uint32_t bank, std::int16_t s);

  std::vector<Slot> slots_;
  std::vector<std::int16_t> free_;
  std::array<Lists, 2> lists_;
  std::array<std::size_t, 2> sizes_{};
  std::array<std::int16_t, kMaxBanks> active_;
  BankSet active_banks_;
  std::size_t active_count_ = 0;
};

}  // namespace orrery::hbm

#endif  // ORRERY_SIM_HARDWARE_HBM_BANK_QUEUES_H_
