// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_SERVING_CLUSTER_H_
#define ORRERY_SIM_SERVING_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/engine/simulation.h"
#include "sim/serving/replica.h"
#include "sim/serving/router.h"
#include "sim/workload/source.h"

namespace orrery {

/// The clients and the router in front of the replicas: takes requests from a source as they
/// arrive, and tells the source when their last token has come.
class Cluster final : public Component, public ClientListener {
 public:
  Cluster(std::unique_ptr<RequestSource> source, std::unique_ptr<Router> router,
          Simulation& simulation);

  void add(std::unique_ptr<Replica> replica);
  /// Sets the first alarm. Then Simulation::run() carries all to the end.
  void start();
  /// After the run: who is still here leaves unfinished.
  void close();

  void on_alarm(Instant now) override;
  void on_done(const Request& request, std::int32_t generated, Instant client_time) override;

  [[nodiscard]] const std::vector<std::unique_ptr<Replica>>& replicas() const { return replicas_; }
  [[nodiscard]] const RequestSource& source() const { return *source_; }
  [[nodiscard]] std::int64_t sent() const { return sent_; }

 private:
  [[nodiscard]] std::size_t choose(const Request& request);

  std::unique_ptr<RequestSource> source_;
  std::unique_ptr<Router> router_;
  Simulation& simulation_;
  ComponentId component_;
  bool source_wants_done_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<ReplicaSnapshot> snapshots_;
  Request request_;
  std::int64_t sent_ = 0;
};

}  // namespace orrery

#endif  // ORRERY_SIM_SERVING_CLUSTER_H_
