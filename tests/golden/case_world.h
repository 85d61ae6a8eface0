// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_GOLDEN_CASE_WORLD_H_
#define ORRERY_TESTS_GOLDEN_CASE_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/policies/builtin.h"
#include "sim/serving/cluster.h"
#include "tests/golden/recording.h"

namespace orrery::golden {

/// Numbers requests by the order of their names, which is how vLLM breaks ties of priority.
class Names {
 public:
  explicit Names(const Case& golden);
  [[nodiscard]] RequestId id(const std::string& name) const;
  [[nodiscard]] const std::string& name(RequestId id) const { return names_[index_of(id)]; }

 private:
  std::vector<std::string> names_;
};

/// Orrery's replica, set up as the case says, with its requests to come.
class CaseWorld {
 public:
  CaseWorld(const Case& golden, const Names& names, bool step_by_step, ServingObserver& observer);

  void run();
  /// Whoever is left is told to the observer.
  void close() { cluster_.close(); }

  [[nodiscard]] Replica& replica() { return *cluster_.replicas().front(); }
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_.value(); }

 private:
  Policies policies_ = builtin();
  Simulation simulation_;
  Fingerprint fingerprint_;
  Cluster cluster_;
};

}  // namespace orrery::golden

#endif  // ORRERY_TESTS_GOLDEN_CASE_WORLD_H_
