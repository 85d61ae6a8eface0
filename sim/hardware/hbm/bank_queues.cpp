// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/bank_queues.h"

#include "sim/core/check.h"

namespace orrery::hbm {

BankQueues::BankQueues(std::size_t read_capacity, std::size_t write_capacity, std::uint32_t banks)
    : slots_(read_capacity + write_capacity + banks) {
  ORRERY_CHECK(banks <= kMaxBanks && slots_.size() < INT16_MAX);
  for (std::size_t s = slots_.size(); s > 0; --s) free_.push_back(static_cast<std::int16_t>(s - 1));
  active_.fill(-1);
  for (Lists& lists : lists_) {
    for (auto* ends : {&lists.head, &lists.tail, &lists.hit, &lists.miss}) ends->fill(-1);
  }
}

bool BankQueues::finds_write(Request request) const {
  for (std::int16_t s = of(kWrite).head[request.bank()]; s >= 0;) {
    const Slot& waiting = slots_[static_cast<std::size_t>(s)];
    if (waiting.request.same_address(request)) return true;
    s = waiting.younger;
  }
  return false;
}

std::uint32_t BankQueues::oldest_bank(int q) const {
  const Lists& lists = of(q);
  std::uint32_t best = 0;
  std::int64_t least = INT64_MAX;
  for (std::uint32_t w = 0; w < kMaxBanks / 64; ++w) {
    for_each_bank(lists.hits.word(w) | lists.misses.word(w), w, [&](std::uint32_t bank) {
      const std::int64_t order = slot(lists.head[bank]).order;
      if (order >= least) return;
      least = order;
      best = bank;
    });
  }
  return best;
}

bool BankQueues::push(Request request, Tick arrive, std::int64_t order, bool hits) {
  const int q = request.write() ? kWrite : kRead;
  const std::uint32_t bank = request.bank();
  Lists& lists = of(q);
  const std::int16_t s = free_.back();
  free_.pop_back();
  const std::int16_t last = lists.tail[bank];
  slot(s) = {.arrive = arrive,
             .order = order,
             .request = request,
             .older = last,
             .younger = -1,
             .seen = false};
  (last >= 0 ? slot(last).younger : lists.head[bank]) = s;
  lists.tail[bank] = s;
  ++sizes_[index(q)];
  if ((hits ? lists.hit : lists.miss)[bank] >= 0) return false;
  if (hits) {
    set_hit(lists, bank, s);
  } else {
    set_miss(lists, bank, s);
  }
  return true;
}

void BankQueues::remove_hit(int q, std::uint32_t bank) {
  Lists& lists = of(q);
  const std::int16_t s = lists.hit[bank];
  const std::uint32_t row = slot(s).request.row();
  const std::int16_t younger = slot(s).younger;
  unlink(lists, bank, s);
  set_hit(lists, bank, first(younger, row, true));
  --sizes_[index(q)];
  free_.push_back(s);
}

void BankQueues::remove_active(std::uint32_t bank) {
  free_.push_back(active_[bank]);
  active_[bank] = -1;
  active_banks_.erase(bank);
  --active_count_;
}

void BankQueues::activate(int q, std::uint32_t bank) {
  const std::int16_t s = of(q).miss[bank];
  const std::uint32_t row = slot(s).request.row();
  unlink(of(q), bank, s);
  --sizes_[index(q)];
  active_[bank] = s;
  active_banks_.insert(bank);
  ++active_count_;
  for (Lists& lists : lists_) {
    set_hit(lists, bank, first(lists.head[bank], row, true));
    set_miss(lists, bank, first(lists.head[bank], row, false));
  }
}

void BankQueues::on_precharge(std::uint32_t bank) {
  for (Lists& lists : lists_) {
    set_hit(lists, bank, -1);
    set_miss(lists, bank, lists.head[bank]);
  }
}

void BankQueues::unlink(Lists& lists, std::uint32_t bank, std::int16_t s) {
  const std::int16_t older = slot(s).older;
  const std::int16_t younger = slot(s).younger;
  (older >= 0 ? slot(older).younger : lists.head[bank]) = younger;
  (younger >= 0 ? slot(younger).older : lists.tail[bank]) = older;
}

std::int16_t BankQueues::first(std::int16_t s, std::uint32_t row, bool equal) const {
  while (s >= 0) {
    const Slot& at = slots_[static_cast<std::size_t>(s)];
    if ((at.request.row() == row) == equal) return s;
    s = at.younger;
  }
  return -1;
}

void BankQueues::set_hit(Lists& lists, std::uint32_t bank, std::int16_t s) {
  lists.hit[bank] = s;
  lists.hits.put(bank, s >= 0);
  lists.hit_first.put(bank, s >= 0 && s == lists.head[bank]);
  if (s >= 0) lists.hit_order[bank] = slot(s).order;
}

void BankQueues::set_miss(Lists& lists, std::uint32_t bank, std::int16_t s) {
  lists.miss[bank] = s;
  lists.misses.put(bank, s >= 0);
  if (s >= 0) lists.miss_order[bank] = slot(s).order;
}

}  // namespace orrery::hbm
