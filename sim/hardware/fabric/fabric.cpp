// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/fabric/fabric.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/ids.h"

namespace orrery {
namespace {

constexpr std::int64_t kPicosecondsPerSecond = 1'000'000'000'000;

/// Shares are rounded down to a FineRate. What that leaves of a flow at its end is less than this
/// part of a picosecond's worth, and must not cost a picosecond.
constexpr FineRate kCrumb = 1024;

}  // namespace

Ticket Fabric::submit(const Transfer& transfer, Instant now) {
  ORRERY_CHECK(transfer.bytes.count() >= 0 && now >= now_);
  move_to(now);
  Flow flow;
  flow.ticket = static_cast<Ticket>(tickets_);
  flow.route = topology_.route(transfer.from, transfer.to, tickets_);
  flow.left = Int128(transfer.bytes.count()) * kPicosecondsPerSecond * kFinePerByte;
  flow.starts = now;
  for (const LinkId link : flow.route) {
    flow.starts = flow.starts + topology_.links()[index_of(link)].latency;
  }
  ++tickets_;
  flows_.push_back(std::move(flow));
  start_due();
  return flows_.back().ticket;
}

Instant Fabric::next() const {
  share();
  Instant soonest = Instant::never();
  for (const Flow& flow : flows_) soonest = std::min(soonest, event_of(flow));
  return soonest;
}

void Fabric::advance(Instant now, std::vector<Ticket>& done) {
  while (next() <= now) {
    move_to(next());
    start_due();
    finish_due(done);
  }
  move_to(now);
}

Instant Fabric::event_of(const Flow& flow) const {
  if (!flow.moves) return flow.starts;
  const Int128 left = flow.left - flow.rate / kCrumb;
  if (left <= 0 || flow.route.empty()) return now_;
  const Int128 picoseconds = (left + flow.rate - 1) / flow.rate;
  ORRERY_CHECK(picoseconds < INT64_MAX);
  return now_ + Duration(static_cast<std::int64_t>(picoseconds));
}

void Fabric::move_to(Instant now) {
  if (now <= now_) return;
  share();
  const std::int64_t elapsed = (now - now_).count();
  for (Flow& flow : flows_) {
    if (flow.moves) flow.left = std::max<Int128>(0, flow.left - Int128(flow.rate) * elapsed);
  }
  now_ = now;
}

void Fabric::start_due() {
  for (Flow& flow : flows_) {
    if (flow.moves || flow.starts > now_) continue;
    flow.moves = true;
    stale_ = true;
  }
}

void Fabric::finish_due(std::vector<Ticket>& done) {
  const auto ends = [this](const Flow& flow) {
    return flow.moves && (flow.left <= flow.rate / kCrumb || flow.route.empty());
  };
  share();
  for (const Flow& flow : flows_) {
    if (ends(flow)) done.push_back(flow.ticket);
  }
  if (std::erase_if(flows_, ends) > 0) stale_ = true;
}

void Fabric::share() const {
  if (!stale_) return;
  std::vector<const Route*> routes;
  std::vector<Flow*> moving;
  for (Flow& flow : flows_) {
    if (!flow.moves || flow.route.empty()) continue;
    routes.push_back(&flow.route);
    moving.push_back(&flow);
  }
  const std::vector<FineRate> rates = max_min_rates(topology_.links(), routes);
  for (std::size_t i = 0; i < moving.size(); ++i) moving[i]->rate = rates[i];
  stale_ = false;
}

}  // namespace orrery
