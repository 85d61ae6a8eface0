// SPDX-License-Identifier: Apache-2.0
#include "models/pim/pim_head_times.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/hardware/pim/mapper.h"
#include "sim/hardware/pim/run.h"

namespace orrery {
namespace {

/// The least tokens asked about: less than any layout has in parallel.
constexpr std::int64_t kShortest = 16;
/// A channel is run for so many refresh intervals, so that one refresh more or less is a few
/// percent of one head's time at most.
constexpr std::int64_t kRefreshes = 12;

std::int64_t cycles_of(const pim::Device& device, std::int64_t group, std::int64_t dim,
                       std::int64_t tokens, std::int64_t heads) {
  // As many heads for each channel, so that none is cut.
  const std::int64_t all = heads * device.geometry.channels;
  const auto mapper = make_mapper(device);
  return run_plan(device, mapper->attention({all * group, all, dim, tokens})).cycles;
}

/// Tokens whose values take a step of the layout as a whole, be they all there or not: a row of
/// Newton's, a tile of each of HBM-PIM's two banks, a column of AttAcc's bank groups.
std::int64_t grain_of(const pim::Device& device) {
  switch (device.style) {
    case pim::Style::kSamsung:
      return 2 * device.compute.operand_buffer.count() / device.compute.element.count();
    case pim::Style::kAttacc:
      return 1;
    default:
      return device.geometry.columns * device.lanes();
  }
}

/// Two an octave from 128 on: 128, 192, 256, 384, ..., each moved to the middle of a grain, where a
/// staircase is as high as on average.
std::vector<std::int64_t> contexts(const pim::Device& device, std::int64_t longest) {
  const std::int64_t grain = grain_of(device);
  std::vector<std::int64_t> tokens = {kShortest};
  const auto add = [&](std::int64_t context) {
    const std::int64_t middle = context / grain * grain + grain / 2;
    if (middle > tokens.back()) tokens.push_back(middle);
  };
  for (std::int64_t octave = 128; tokens.back() < longest || tokens.size() < 2; octave *= 2) {
    add(octave);
    add(octave + octave / 2);
  }
  return tokens;
}

}  // namespace

PimHeadTimes::PimHeadTimes(const pim::Device& device, std::int64_t group, std::int64_t dim,
                           std::int64_t longest) {
  const Duration clock = device.timing.clock;
  for (const std::int64_t tokens : contexts(device, std::min(longest, kLongestClocked))) {
    const std::int64_t two = cycles_of(device, group, dim, tokens, 2);
    const std::int64_t wanted = 2 * (kRefreshes * device.timing.refi / two + 1);
    const std::int64_t heads = std::clamp<std::int64_t>(wanted, 4, 64);
    const std::int64_t many = cycles_of(device, group, dim, tokens, heads);
    Knot knot;
    knot.tokens = tokens;
    knot.each = clock * ((many - two) / (heads - 2));
    knot.start = std::max(Duration(), clock * two - knot.each * 2);
    knots_.push_back(knot);
  }
}

const PimHeadTimes::Knot& PimHeadTimes::below(std::int64_t heads, std::int64_t tokens) const {
  std::size_t k = 0;
  while (k + 2 < knots_.size() && knots_[k + 1].tokens * heads <= tokens) ++k;
  return knots_[k];
}

Duration PimHeadTimes::sum(std::int64_t heads, std::int64_t tokens) const {
  if (heads == 0) return {};
  const Knot& low = below(heads, tokens);
  const Knot& high = *(&low + 1);
  const Int128 rise = static_cast<Int128>((high.each - low.each).count());
  const Int128 over = static_cast<Int128>(tokens) - static_cast<Int128>(low.tokens) * heads;
  const Int128 more = rise * over / (high.tokens - low.tokens);
  return low.each * heads + Duration(static_cast<std::int64_t>(more));
}

Duration PimHeadTimes::start(std::int64_t tokens) const { return below(1, tokens).start; }

}  // namespace orrery
