// SPDX-License-Identifier: Apache-2.0
#include "sim/policies/builtin.h"

namespace orrery {
namespace {

/// The replica with the fewest requests that are not done; among equals the first.
class LeastOutstanding final : public Router {
 public:
  using Options = NoOptions;
  explicit LeastOutstanding(const Options&) {}

  std::size_t route(const Request&, std::span<const ReplicaSnapshot> replicas) override {
    std::size_t best = 0;
    for (std::size_t i = 1; i < replicas.size(); ++i) {
      if (replicas[i].outstanding < replicas[best].outstanding) best = i;
    }
    return best;
  }
};

}  // namespace

void add_least_outstanding(RouterRegistry& registry) {
  registry.add<LeastOutstanding>("least-outstanding",
                                 "The replica with the fewest requests that are not done.");
}

}  // namespace orrery
