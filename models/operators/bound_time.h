// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_MODELS_OPERATORS_BOUND_TIME_H_
#define ORRERY_MODELS_OPERATORS_BOUND_TIME_H_

#include <string_view>

#include "sim/core/units.h"

namespace orrery {

/// A time and what set it, as OperatorCost::bound has it.
struct BoundTime {
  Duration time;
  std::string_view bound;
  /// Not measured, and not fitted to what was.
  bool guessed = true;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_BOUND_TIME_H_
