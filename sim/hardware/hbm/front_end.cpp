// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/front_end.h"

#include <algorithm>
#include <functional>

namespace orrery::hbm {

FrontEnd::FrontEnd(std::deque<Channel>& channels, std::int64_t in_flight)
    : channels_(channels), most_in_flight_(in_flight) {
  if (most_in_flight_ == 0) return;
  for (Channel& channel : channels_) channel.note_ends(&new_ends_);
}

FrontEnd::~FrontEnd() {
  for (Channel& channel : channels_) channel.note_ends(nullptr);
}

Tick FrontEnd::hand_over(std::uint32_t channel, Request request, Tick at, Tick arrive) {
  Channel& to = channels_[channel];
  now_ = std::max({now_, at, to.next_tick()});
  if (most_in_flight_ > 0 && !request.write()) {
    collect_ends();
    while (!ends_.empty() && ends_.front() <= now_) {
      std::ranges::pop_heap(ends_, std::greater());
      ends_.pop_back();
      --in_flight_;
    }
    if (in_flight_ == most_in_flight_) wait_for_an_end();
    ++in_flight_;
  }
  now_ = to.submit(request, now_, arrive);
  return now_;
}

void FrontEnd::wait_for_an_end() {
  while (true) {
    Tick at = kNever;
    Channel& first = first_channel(at);
    // What happens in a tick ends after it at the earliest.
    if (!ends_.empty() && ends_.front() <= at + 1) break;
    first.advance(at + 1);
    collect_ends();
  }
  now_ = std::max(now_, ends_.front());
  std::ranges::pop_heap(ends_, std::greater());
  ends_.pop_back();
  --in_flight_;
}

Channel& FrontEnd::first_channel(Tick& at) {
  Channel* first = nullptr;
  for (Channel& channel : channels_) {
    const Tick next = channel.next_event();
    if (first != nullptr && next >= at) continue;
    first = &channel;
    at = next;
  }
  return *first;
}

void FrontEnd::collect_ends() {
  for (const Channel::End& end : new_ends_) {
    if (end.write) continue;
    ends_.push_back(end.at);
    std::ranges::push_heap(ends_, std::greater());
  }
  new_ends_.clear();
}

}  // namespace orrery::hbm
