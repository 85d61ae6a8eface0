// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_LINKS_REMEMBERED_CURVE_H_
#define ORRERY_MODELS_LINKS_REMEMBERED_CURVE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "sim/core/units.h"

namespace orrery {

/// A time by size that is dear to find and straight in pieces, as that of a schedule over links is
/// while the schedule stays the same. Each octave of sizes is filled when it is first asked for: at
/// its ends, on both sides of each change of `piece`, and halfway between as often as a straight
/// line misses by more than a thousandth. What was remembered does not depend on the order of
/// questions.
class RememberedCurve {
 public:
  using Exact = std::function<Duration(std::int64_t size)>;
  /// Which formula holds for a size: sizes of one piece lie on one curve without jumps.
  using Piece = std::function<std::int64_t(std::int64_t size)>;

  RememberedCurve(Exact exact, Piece piece) : exact_(std::move(exact)), piece_(std::move(piece)) {}

  /// Of a size of at least 1.
  [[nodiscard]] Duration at(std::int64_t size);
  /// How often `exact` was asked so far.
  [[nodiscard]] std::size_t asked() const { return knots_.size(); }

 private:
  struct Span {
    std::int64_t low;
    std::int64_t high;
  };
  void fill(std::int64_t first, std::int64_t last);
  Duration ask(std::int64_t size);
  /// The last size from `low` on that is still of its piece; `high` is not.
  [[nodiscard]] std::int64_t end_of_piece(Span span) const;
  [[nodiscard]] Duration between(std::int64_t size) const;

  Exact exact_;
  Piece piece_;
  std::map<std::int64_t, Duration> knots_;
  /// First sizes of octaves that are filled.
  std::set<std::int64_t> octaves_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_LINKS_REMEMBERED_CURVE_H_
