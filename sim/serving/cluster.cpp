// SPDX-License-Identifier: Apache-2.0
#include "sim/serving/cluster.h"

#include <algorithm>
#include <utility>

namespace orrery {

Cluster::Cluster(std::unique_ptr<RequestSource> source, std::unique_ptr<Router> router,
                 Simulation& simulation)
    : source_(std::move(source)),
      router_(std::move(router)),
      simulation_(simulation),
      component_(simulation.add(*this, Turn::kArrival, "clients")),
      source_wants_done_(source_->wants_done()) {}

void Cluster::add(std::unique_ptr<Replica> replica) {
  if (source_wants_done_) replica->set_listener(this);
  replicas_.push_back(std::move(replica));
  snapshots_.emplace_back();
}

void Cluster::start() {
  if (const auto first = source_->next_arrival()) simulation_.wake(component_, *first);
}

std::size_t Cluster::choose(const Request& request) {
  if (replicas_.size() == 1) return 0;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const EngineState& state = replicas_[i]->state();
    snapshots_[i] = {replicas_[i]->outstanding(), static_cast<std::int64_t>(state.running.size()),
                     static_cast<std::int64_t>(state.waiting.size()), state.pool.free(),
                     state.pool.size()};
  }
  const std::size_t chosen = router_->route(request, snapshots_);
  if (chosen >= replicas_.size()) {
    throw PolicyError("router: chose replica " + std::to_string(chosen) + " of " +
                      std::to_string(replicas_.size()));
  }
  return chosen;
}

void Cluster::on_alarm(Instant now) {
  for (;;) {
    source_->pop(request_);
    ++sent_;
    replicas_[choose(request_)]->submit(request_, now);
    const auto next = source_->next_arrival();
    if (!next) return;
    const Instant when = std::max(*next, now);
    if (!simulation_.run_ahead(component_, when)) {
      simulation_.wake(component_, when);
      return;
    }
    now = when;
  }
}

void Cluster::on_done(const Request& request, std::int32_t generated, Instant client_time) {
  source_->on_done(request, generated, client_time);
  if (const auto next = source_->next_arrival()) {
    simulation_.wake(component_, std::max(*next, simulation_.now()));
  }
}

void Cluster::close() {
  for (const auto& replica : replicas_) replica->close();
}

}  // namespace orrery
