// SPDX-License-Identifier: Apache-2.0
#include "models/links/remembered_curve.h"

#include <bit>
#include <iterator>
#include <vector>

#include "sim/core/check.h"

namespace orrery {
namespace {

constexpr std::int64_t kStraightToOnePartIn = 1000;

}  // namespace

Duration RememberedCurve::at(std::int64_t size) {
  ORRERY_CHECK(size >= 1 && size <= INT64_MAX / 4);
  const auto first = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(size)));
  if (octaves_.insert(first).second) fill(first, 2 * first - 1);
  return between(size);
}

Duration RememberedCurve::ask(std::int64_t size) {
  const auto [knot, is_new] = knots_.try_emplace(size);
  if (is_new) knot->second = exact_(size);
  return knot->second;
}

void RememberedCurve::fill(std::int64_t first, std::int64_t last) {
  ask(first);
  ask(last);
  std::vector<Span> open = {{first, last}};
  while (!open.empty()) {
    const Span span = open.back();
    open.pop_back();
    if (span.high - span.low <= 1) continue;
    if (piece_(span.low) != piece_(span.high)) {
      const std::int64_t end = end_of_piece(span);
      ask(end);
      ask(end + 1);
      open.push_back({span.low, end});
      open.push_back({end + 1, span.high});
      continue;
    }
    const std::int64_t middle = span.low + (span.high - span.low) / 2;
    const Duration line = between(middle);
    const Duration exact = ask(middle);
    const Duration off = line > exact ? line - exact : exact - line;
    if (off * kStraightToOnePartIn <= exact) continue;
    open.push_back({span.low, middle});
    open.push_back({middle, span.high});
  }
}

std::int64_t RememberedCurve::end_of_piece(Span span) const {
  const std::int64_t piece = piece_(span.low);
  while (span.high - span.low > 1) {
    const std::int64_t middle = span.low + (span.high - span.low) / 2;
    (piece_(middle) == piece ? span.low : span.high) = middle;
  }
  return span.low;
}

Duration RememberedCurve::between(std::int64_t size) const {
  const auto above = knots_.lower_bound(size);
  if (above->first == size) return above->second;
  const auto below = std::prev(above);
  const Int128 rise = (above->second - below->second).count();
  const Int128 run = above->first - below->first;
  return below->second + Duration(static_cast<std::int64_t>(rise * (size - below->first) / run));
}

}  // namespace orrery
