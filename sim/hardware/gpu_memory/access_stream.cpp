// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/gpu_memory/access_stream.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/hash.h"
#include "sim/core/units.h"

namespace orrery::gpu_memory {
namespace {

/// A number below `bound` that depends on all of `hash`.
std::uint64_t below(std::uint64_t hash, std::uint64_t bound) {
  return static_cast<std::uint64_t>(static_cast<UInt128>(hash) * bound >> 64);
}

}  // namespace

AccessStream::AccessStream(const Pattern& pattern, const Accesses& memory, std::uint64_t seed)
    : requesters_(static_cast<std::size_t>(pattern.requesters)),
      random_(seed, "gpu_memory", "requesters") {
  for (std::size_t s = 0; s < pattern.streams.size(); ++s) {
    flows_.push_back(flow_of(pattern.streams[s], memory, mix(seed, s)));
    together_ = std::max(together_, static_cast<std::size_t>(flows_.back().lanes));
  }
  clusters_ = (requesters_ + together_ - 1) / together_;
  walkers_.resize(requesters_ * flows_.size());
  for (std::size_t r = 0; r < requesters_; ++r) {
    for (std::size_t s = 0; s < flows_.size(); ++s) {
      Walker& walker = walkers_[r * flows_.size() + s];
      const Flow& flow = flows_[s];
      walker.flow = s;
      take(walker, flow, r);
      // Requesters are met anywhere in their blocks; those that share one, together.
      const std::uint64_t gone = below(mix(mix(flow.seed, r / flow.lanes), 1), flow.granules);
      walker.left -= gone;
      walker.at += gone * flow.stride;
      walker.given = static_cast<std::int64_t>(
          below(mix(mix(flow.seed, r / together_), 2), static_cast<std::uint64_t>(flow.bytes)));
    }
  }
}

AccessStream::Flow AccessStream::flow_of(const Stream& stream, const Accesses& memory,
                                         std::uint64_t seed) const {
  const auto accesses = [&memory](std::int64_t bytes) {
    return static_cast<std::uint64_t>((bytes + memory.bytes - 1) / memory.bytes);
  };
  Flow flow{};
  flow.kind = stream.kind;
  flow.granule = accesses(stream.granule);
  flow.stride = flow.granule;
  flow.granules = 1;
  flow.block = flow.granule;
  flow.lanes = 1;
  switch (stream.kind) {
    case StreamKind::kSequential:
      flow.block = accesses(stream.block);
      flow.granules = flow.block / flow.granule;
      break;
    case StreamKind::kGathered:
      flow.stride = accesses(stream.stride);
      flow.lanes = flow.stride / flow.granule;
      flow.block = accesses(stream.block);
      flow.granules = flow.block / flow.stride;
      break;
    case StreamKind::kStrided:
      flow.block = accesses(stream.stride);
      break;
    case StreamKind::kRandom:
      break;
  }
  const std::uint64_t whole = stream.span == 0 ? memory.count : accesses(stream.span);
  flow.origin = below(mix(seed, 3), memory.count / whole) * whole;
  // What is written lies in the second half.
  flow.blocks = std::max<std::uint64_t>(1, (stream.reads == 100 ? whole : whole / 2) / flow.block);
  flow.reads = static_cast<std::uint64_t>(stream.reads);
  flow.seed = seed;
  flow.bytes = stream.granule;
  flow.share = stream.share;
  flow.front = below(mix(seed, 4), flow.blocks);
  flow.write_front = below(mix(seed, 5), flow.blocks);
  return flow;
}

std::size_t AccessStream::choose(std::size_t requester) {
  if (flows_.size() == 1) return 0;
  Walker* const own = &walkers_[requester * flows_.size()];
  std::int64_t total = 0;
  for (std::size_t s = 0; s < flows_.size(); ++s) total += own[s].given;
  std::size_t best = 0;
  std::int64_t furthest = INT64_MIN;
  for (std::size_t s = 0; s < flows_.size(); ++s) {
    const std::int64_t behind = flows_[s].share * total - 100 * own[s].given;
    if (behind <= furthest) continue;
    best = s;
    furthest = behind;
  }
  own[best].given += flows_[best].bytes;
  return best;
}

std::uint64_t AccessStream::next_block(Walker& walker, std::uint64_t group) {
  Flow& flow = flows_[walker.flow];
  if (flow.kind == StreamKind::kSequential || flow.kind == StreamKind::kStrided) {
    std::uint64_t& front = walker.write ? flow.write_front : flow.front;
    const std::uint64_t block = front;
    front = front + 1 == flow.blocks ? 0 : front + 1;
    return block;
  }
  return below(mix(mix(flow.seed, group), walker.taken + 8), flow.blocks);
}

void AccessStream::take(Walker& walker, const Flow& flow, std::size_t requester) {
  const std::uint64_t group = requester / flow.lanes;
  // Of each 100 blocks as many are read as there are percent, evenly spread.
  const std::uint64_t turn = walker.taken + group;
  const std::uint64_t writes = 100 - flow.reads;
  walker.write = (turn + 1) * writes / 100 != turn * writes / 100;
  const std::uint64_t lane = (requester + walker.taken) % flow.lanes;
  const std::uint64_t first =
      next_block(walker, group) + (walker.write && flow.reads > 0 ? flow.blocks : 0);
  walker.at = flow.origin + first * flow.block + lane * flow.granule;
  walker.left = flow.granules;
  ++walker.taken;
}

}  // namespace orrery::gpu_memory
