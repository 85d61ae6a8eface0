// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_LINKS_LINK_TABLE_H_
#define ORRERY_MODELS_LINKS_LINK_TABLE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "models/operators/bound_time.h"

namespace orrery {

/// A transfer's time by the tokens it brings, for steps to read: asked at two counts an octave at
/// load, with straight lines between. Empty: no time at all.
class LinkTable {
 public:
  LinkTable() = default;
  explicit LinkTable(const std::function<BoundTime(std::int64_t tokens)>& ask);

  [[nodiscard]] Duration at(std::int64_t tokens) const;
  [[nodiscard]] bool guessed() const { return guessed_; }

 private:
  std::vector<Duration> times_;
  bool guessed_ = true;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_LINKS_LINK_TABLE_H_
