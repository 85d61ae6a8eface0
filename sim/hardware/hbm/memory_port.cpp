// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/hbm/memory_port.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sim/core/check.h"

namespace orrery::hbm {
namespace {

constexpr std::int64_t kPicoseconds = 1'000'000'000'000;

}  // namespace

MemoryPort::MemoryPort(const MemoryConfig& config)
    : map_(config.controller.address_map, config.device.geometry),
      access_bytes_(config.device.geometry.access.count()),
      ticks_per_second_(config.device.timing.clock.units_per_second() *
                        TickTiming(config.device).ticks_per_clock) {
  for (std::int64_t c = 0; c < config.device.geometry.channels; ++c) {
    ports_.emplace_back(config).channel.note_ends(&ends_);
  }
}

void MemoryPort::send(std::uint64_t address, bool write, Callback callback) {
  const std::uint64_t block = address / static_cast<std::uint64_t>(access_bytes_);
  if (block >= map_.blocks()) {
    throw std::invalid_argument("address " + std::to_string(address) + " lies beyond the device");
  }
  const AddressMap::Place at = map_.place(block);
  ports_[at.channel].waiting.push_back({tick_at(now_),
                                        Request::make(at.bank, at.row, at.column, write),
                                        {sent_, std::move(callback)}});
  ++sent_;
  ++under_way_;
}

Tick MemoryPort::active_at(Port& port) {
  const Tick event = port.channel.next_event();
  if (port.waiting.empty() || !port.channel.has_room(port.waiting.front().request)) return event;
  return std::min(event, std::max(port.channel.next_tick(), port.waiting.front().arrive));
}

void MemoryPort::live(Port& port, Tick tick) {
  Channel& channel = port.channel;
  channel.advance(tick);
  const bool taken = !port.waiting.empty() && port.waiting.front().arrive <= tick &&
                     channel.has_room(port.waiting.front().request);
  if (taken) {
    Waiting first = std::move(port.waiting.front());
    port.waiting.pop_front();
    port.taken.push_back(std::move(first.access));
    ORRERY_CHECK(channel.submit(first.request, tick, first.arrive) == tick);
  } else {
    channel.advance(tick + 1);
  }
  for (const Channel::End& end : ends_) {
    Access& access = port.taken[static_cast<std::size_t>(end.request - port.first_request)];
    access.done = true;
    done_.push_back({end.at, {access.number, std::move(access.callback)}});
    std::ranges::push_heap(done_, later);
  }
  ends_.clear();
  while (!port.taken.empty() && port.taken.front().done) {
    port.taken.pop_front();
    ++port.first_request;
  }
}

MemoryPort::Port& MemoryPort::first_active(Tick& at) {
  Port* first = nullptr;
  for (Port& port : ports_) {
    const Tick active = active_at(port);
    if (first != nullptr && active >= at) continue;
    first = &port;
    at = active;
  }
  return *first;
}

void MemoryPort::advance(Instant until) {
  ORRERY_CHECK(until >= now_);
  while (true) {
    Tick at = kNever;
    Port& first = first_active(at);
    // What is done at the beginning of a tick comes before what that tick does.
    if (!done_.empty() && done_.front().at <= at) {
      if (begin_of(done_.front().at) > until) break;
      now_ = std::max(now_, begin_of(done_.front().at));
      call_back();
      continue;
    }
    if (at >= kNever || begin_of(at) >= until) break;
    live(first, at);
  }
  now_ = until;
}

void MemoryPort::call_back() {
  std::ranges::pop_heap(done_, later);
  const Done done = std::move(done_.back());
  done_.pop_back();
  --under_way_;
  if (done.access.callback) done.access.callback(begin_of(done.at));
}

Instant MemoryPort::next() {
  if (under_way_ == 0) return Instant::never();
  Tick at = kNever;
  static_cast<void>(first_active(at));
  // A tick is lived through when the clock has left its beginning.
  Tick first = at + 1;
  if (!done_.empty()) first = std::min(first, done_.front().at);
  return std::max(now_, begin_of(first));
}

Statistics MemoryPort::statistics() const {
  Statistics all;
  for (const Port& port : ports_) {
    Statistics own = port.channel.statistics();
    own.power_ticks = port.channel.power_ticks(std::max(port.channel.next_tick(), tick_at(now_)));
    all.merge(own);
  }
  return all;
}

Instant MemoryPort::begin_of(Tick tick) const {
  const auto product = static_cast<UInt128>(tick) * static_cast<UInt128>(kPicoseconds);
  const auto rate = static_cast<UInt128>(ticks_per_second_);
  return Instant::at(Duration(static_cast<std::int64_t>((product + rate - 1) / rate)));
}

Tick MemoryPort::tick_at(Instant instant) const {
  const auto product =
      static_cast<UInt128>(instant.picoseconds()) * static_cast<UInt128>(ticks_per_second_);
  const auto tick = static_cast<Tick>(product / static_cast<UInt128>(kPicoseconds));
  return begin_of(tick) < instant ? tick + 1 : tick;
}

}  // namespace orrery::hbm
