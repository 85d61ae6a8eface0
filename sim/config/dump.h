// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CONFIG_DUMP_H_
#define ORRERY_SIM_CONFIG_DUMP_H_

#include <functional>
#include <string>

#include "sim/core/describer.h"

namespace orrery {

/// The values `describe` names, defaults included, as one JSON object in the order described.
/// Quantities stand as texts with units. Read into the same options it gives the same values;
/// what is absent and has no default is left out.
[[nodiscard]] std::string dump_text(const std::function<void(Describer&)>& describe);

template <class T>
requires requires(T& value, Describer& d) { value.describe(d); }
[[nodiscard]] std::string dump_text(T& value) {
  return dump_text(std::function<void(Describer&)>([&value](Describer& d) { value.describe(d); }));
}

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_DUMP_H_
