// SPDX-License-Identifier: Apache-2.0
//
// How long decode attention over one KV head of one request occupies a channel of a PIM device,
// by its context: asked of the clocked channel once at load, for a few contexts, and remembered.
#ifndef ORRERY_MODELS_PIM_PIM_HEAD_TIMES_H_
#define ORRERY_MODELS_PIM_PIM_HEAD_TIMES_H_

#include <cstdint>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/pim/device.h"

namespace orrery {

class PimHeadTimes {
 public:
  /// `group` queries share the KV head. Contexts up to `longest` are asked about, but at most
  /// kLongestClocked. Throws ConfigError where the device cannot hold or compute it.
  PimHeadTimes(const pim::Device& device, std::int64_t group, std::int64_t dim,
               std::int64_t longest);

  /// Beyond it the line of the last two contexts is followed: rows repeat.
  static constexpr std::int64_t kLongestClocked = 16384;

  /// A straight line between the contexts asked about: of layouts with long rows (NeuPIMs, AiM) a
  /// single length can be off by a part of a row, 11 % at 1600 tokens; AttAcc's is within 3 %.
  /// Of `heads` heads with `tokens` tokens among them, as if all were equally long: what each adds
  /// to a channel that works on many.
  [[nodiscard]] Duration sum(std::int64_t heads, std::int64_t tokens) const;
  /// What the first head of a channel takes longer than each further one.
  [[nodiscard]] Duration start(std::int64_t tokens) const;
  /// Whether the clocked channel was not asked about contexts this long.
  [[nodiscard]] bool beyond(std::int64_t tokens) const { return tokens > knots_.back().tokens; }

 private:
  struct Knot {
    std::int64_t tokens = 0;
    Duration each;
    Duration start;
  };
  /// The knot at or below, of which there is one above.
  [[nodiscard]] const Knot& below(std::int64_t heads, std::int64_t tokens) const;

  std::vector<Knot> knots_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_PIM_PIM_HEAD_TIMES_H_
