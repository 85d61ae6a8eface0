// SPDX-License-Identifier: Apache-2.0
#include "models/links/link_table.h"

#include <algorithm>
#include <bit>

namespace orrery {
namespace {

/// 1, 2, 3, 4, 6, 8, 12, ... 2^26: more tokens than any step has.
constexpr std::size_t kKnots = 52;

constexpr std::int64_t knot(std::size_t i) {
  if (i == 0) return 1;
  const std::int64_t power = std::int64_t{1} << ((i + 1) / 2);
  return i % 2 == 1 ? power : power + power / 2;
}

}  // namespace

LinkTable::LinkTable(const std::function<BoundTime(std::int64_t tokens)>& ask) {
  for (std::size_t i = 0; i < kKnots; ++i) {
    const BoundTime time = ask(knot(i));
    times_.push_back(time.time);
    guessed_ = time.guessed;
  }
}

Duration LinkTable::at(std::int64_t tokens) const {
  if (times_.empty() || tokens <= 0) return {};
  std::size_t low = 0;
  if (tokens >= 2) {
    low = 2 * static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(tokens))) - 3;
    if (tokens >= knot(low + 1)) ++low;
  }
  low = std::min(low, kKnots - 2);
  const std::int64_t first = knot(low);
  const std::int64_t width = knot(low + 1) - first;
  const std::int64_t rise = (times_[low + 1] - times_[low]).count();
  const auto part = static_cast<Int128>(rise) * (tokens - first) / width;
  return times_[low] + Duration(static_cast<std::int64_t>(part));
}

}  // namespace orrery
