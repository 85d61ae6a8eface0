// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/inline_ecc.h"

#include <algorithm>

#include "sim/core/check.h"

namespace orrery::hbm {
namespace {

constexpr std::uint8_t kWhole = 0xff;

}  // namespace

const char* EccLayout::unfit(const Geometry& geometry) {
  if (geometry.columns < kSpan) return "needs rows of at least 8 accesses";
  if (geometry.rows < kSpan * kSpan) return "needs at least 64 rows";
  if (geometry.banks_of_pseudo_channel() < 2) return "needs at least two banks";
  return nullptr;
}

EccLayout::EccLayout(const Geometry& geometry)
    : first_row_(static_cast<std::uint32_t>(geometry.rows - geometry.rows / kSpan)),
      other_bank_(static_cast<std::uint32_t>(geometry.banks_of_pseudo_channel() / 2)),
      spans_(static_cast<std::uint32_t>(geometry.columns / kSpan)),
      usable_(geometry.access * (geometry.columns * first_row_) * geometry.banks_of_channel() *
              geometry.channels) {
  ORRERY_CHECK(unfit(geometry) == nullptr);
}

void EccBuffer::access(Request data, std::vector<Request>& checks) {
  Entry& entry = entry_of(layout_.check_of(data), checks);
  const auto own = static_cast<std::uint8_t>(1U << (data.column() % EccLayout::kSpan));
  if (data.write()) {
    entry.written |= own;
  } else if (!entry.fetched && (entry.written & own) == 0) {
    read(entry.check, checks);
    entry.fetched = true;
  }
}

EccBuffer::Entry& EccBuffer::entry_of(Request check, std::vector<Request>& checks) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.check.packed == check.packed; });
  if (found != entries_.end()) {
    std::rotate(found, found + 1, entries_.end());
    return entries_.back();
  }
  if (entries_.size() == most_) {
    evict(entries_.front(), checks);
    entries_.erase(entries_.begin());
  }
  return entries_.emplace_back(Entry{.check = check});
}

void EccBuffer::evict(const Entry& entry, std::vector<Request>& checks) {
  if (entry.written == 0) return;
  if (!entry.fetched && entry.written != kWhole) read(entry.check, checks);
  checks.push_back(
      Request::make(entry.check.bank(), entry.check.row(), entry.check.column(), true));
  ++counts_.writes;
}

void EccBuffer::read(Request check, std::vector<Request>& checks) {
  checks.push_back(check);
  ++counts_.reads;
}

void EccBuffer::write_back(std::vector<Request>& checks) {
  for (const Entry& entry : entries_) evict(entry, checks);
  entries_.clear();
}

}  // namespace orrery::hbm
