// SPDX-License-Identifier: Apache-2.0
#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// Each replica in turn.
class RoundRobin final : public Router {
 public:
  using Options = NoOptions;
  explicit RoundRobin(const Options&) {}

  std::size_t route(const Request&, std::span<const ReplicaSnapshot> replicas) override {
    return next_++ % replicas.size();
  }

 private:
  std::size_t next_ = 0;
};

}  // namespace

void add_round_robin(RouterRegistry& registry) {
  registry.add<RoundRobin>("round-robin", "Each replica in turn.");
}

}  // namespace orrery
