// SPDX-License-Identifier: Apache-2.0
//
//   Node tree = load_yaml("scenario.yaml");
//   apply_override(tree, "engine.max_num_seqs=256");
//   Scenario scenario;
//   read(tree, scenario);
#ifndef ORRERY_SIM_CONFIG_READER_H_
#define ORRERY_SIM_CONFIG_READER_H_

#include <functional>
#include <string_view>

#include "sim/config/node.h"
#include "sim/core/describer.h"

namespace orrery {

/// Fills what `describe` names from a mapping. Throws ConfigError, with the position and the full
/// key path, for a value of the wrong type, unit or range, for a required key that is missing, and,
/// once `describe` has named every key it knows, for keys it did not name. `path` is the mapping's
/// own key path, for a tree that is part of a larger one.
void read(const Node& node, const std::function<void(Describer&)>& describe,
          std::string_view path = {});

template <class T>
requires requires(T& value, Describer& d) { value.describe(d); }
void read(const Node& node, T& value, std::string_view path = {}) {
  read(
      node, [&value](Describer& d) { value.describe(d); }, path);
}

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_READER_H_
