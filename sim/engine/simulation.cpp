// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/simulation.h"

#include <utility>

#include "sim/core/check.h"
#include "sim/core/hash.h"

namespace orrery {

ComponentId Simulation::add(Component& component, Turn turn, std::string path) {
  const auto id = static_cast<std::uint32_t>(slots_.size());
  // 62 bits below the turn: the id itself, or a permutation of it.
  const std::uint64_t rank = tie_seed_ == 0 ? id : mix(tie_seed_, id) >> 2;
  slots_.push_back({&component, static_cast<std::uint64_t>(turn) << 62 | rank, Instant(),
                    kNotQueued, std::move(path)});
  return ComponentId{id};
}

void Simulation::advance_to(Instant when) {
  ORRERY_CHECK(when >= now_);
  if (when > now_) {
    now_ = when;
    alarms_this_instant_ = 0;
  } else if (++alarms_this_instant_ > kMaxAlarmsAnInstant) {
    throw InternalError("time stands still at " + exact_seconds(now_.since_start()) + " s");
  }
}

void Simulation::put(std::size_t place, std::uint32_t slot) {
  heap_[place] = slot;
  slots_[slot].place = static_cast<std::uint32_t>(place);
}

void Simulation::sift_up(std::size_t place) {
  const std::uint32_t slot = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 4;
    if (!before(slot, heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, slot);
}

void Simulation::sift_down(std::size_t place) {
  const std::uint32_t slot = heap_[place];
  for (;;) {
    const std::size_t first = place * 4 + 1;
    if (first >= heap_.size()) break;
    std::size_t best = first;
    for (std::size_t child = first + 1; child < first + 4 && child < heap_.size(); ++child) {
      if (before(heap_[child], heap_[best])) best = child;
    }
    if (!before(heap_[best], slot)) break;
    put(place, heap_[best]);
    place = best;
  }
  put(place, slot);
}

void Simulation::remove_at(std::size_t place) {
  slots_[heap_[place]].place = kNotQueued;
  const std::uint32_t last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  sift_up(place);
  sift_down(slots_[last].place);
}

void Simulation::wake(ComponentId id, Instant when) {
  ORRERY_CHECK(when >= now_);
  const auto slot = static_cast<std::uint32_t>(id);
  slots_[slot].when = when;
  if (slots_[slot].place == kNotQueued) {
    heap_.push_back(slot);
    slots_[slot].place = static_cast<std::uint32_t>(heap_.size() - 1);
  }
  sift_up(slots_[slot].place);
  sift_down(slots_[slot].place);
}

void Simulation::rest(ComponentId id) {
  const Slot& slot = slots_[static_cast<std::size_t>(id)];
  if (slot.place != kNotQueued) remove_at(slot.place);
}

void Simulation::run(Instant until) {
  until_ = until;
  while (!heap_.empty()) {
    const std::uint32_t slot = heap_.front();
    if (slots_[slot].when > until) break;
    advance_to(slots_[slot].when);
    remove_at(0);
    ++alarms_;
    slots_[slot].component->on_alarm(now_);
  }
}

}  // namespace orrery
