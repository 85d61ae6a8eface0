// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/steady_set.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace orrery {
namespace {

bool later(const SteadySet::End& a, const SteadySet::End& b) {
  return std::tie(a.step, a.eos, a.admission) > std::tie(b.step, b.eos, b.admission);
}

std::int64_t tiles_of(std::int64_t computed) { return computed / kDecodeTileTokens + 1; }

}  // namespace

SteadySet::SteadySet(IdVector<Slot, LiveRequest>& requests, std::int32_t block_tokens)
    : requests_(requests),
      period_(std::gcd(block_tokens, kDecodeTileTokens)),
      ring_(static_cast<std::size_t>(period_)),
      ends_(1) {}

void SteadySet::join(Slot slot, std::int64_t last_step) {
  LiveRequest& live = requests_[slot];
  ORRERY_DCHECK(!live.steady);
  live.steady = true;
  live.steady_offset = live.computed - coming_;
  const std::int64_t phase = live.steady_offset % period_;
  auto& bucket = ring_[static_cast<std::size_t>(phase <= 0 ? -phase : period_ - phase)];
  live.ring_index = static_cast<std::uint32_t>(bucket.size());
  bucket.push_back({slot, live.steady_offset});
  ++size_;
  context_ += live.computed + 1;
  tiles_ += tiles_of(live.computed);
  longest_ = std::max(longest_, live.steady_offset);
  ends_.push_back({last_step, !live.ends_foreseen, live.admission, slot});
  std::push_heap(ends_.begin(), ends_.end(), later);
}

void SteadySet::leave(Slot slot) {
  LiveRequest& live = requests_[slot];
  ORRERY_DCHECK(live.steady);
  live.steady = false;
  live.computed = computed(live);
  const std::int64_t phase = live.steady_offset % period_;
  auto& bucket = ring_[static_cast<std::size_t>(phase <= 0 ? -phase : period_ - phase)];
  bucket[live.ring_index] = bucket.back();
  requests_[bucket[live.ring_index].slot].ring_index = live.ring_index;
  bucket.pop_back();
  --size_;
  context_ -= live.computed + 1;
  tiles_ -= tiles_of(live.computed);
  if (live.steady_offset < longest_) return;
  longest_ = INT64_MIN;
  for (const auto& members : ring_) {
    for (const Due& member : members) longest_ = std::max(longest_, member.offset);
  }
}

void SteadySet::dissolve() {
  for (auto& bucket : ring_) {
    for (const Due& member : bucket) {
      LiveRequest& live = requests_[member.slot];
      live.steady = false;
      live.computed = computed(live);
    }
    bucket.clear();
  }
  ends_.resize(1);
  ends_.front() = End();
  size_ = 0;
  context_ = tiles_ = 0;
  longest_ = INT64_MIN;
}

void SteadySet::add_to(BatchShape& shape) const {
  if (size_ == 0) return;
  shape.decodes += size_;
  shape.sampled_rows += size_;
  shape.decode_context += context_;
  shape.decode_context_max = std::max(shape.decode_context_max, longest_ + coming_ + 1);
  shape.decode_tiles += tiles_;
}

void SteadySet::advance() {
  ++coming_;
  context_ += size_;
  for (const Due& member : due()) {
    if ((member.offset + coming_) % kDecodeTileTokens == 0) ++tiles_;
  }
}

void SteadySet::pop_end() {
  std::pop_heap(ends_.begin(), ends_.end(), later);
  ends_.pop_back();
}

}  // namespace orrery
