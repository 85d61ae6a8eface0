// SPDX-License-Identifier: Apache-2.0
//
// A figure that nobody can trace is worth nothing: each section of a machine's YAML says where its
// figures come from.
#ifndef ORRERY_SIM_HARDWARE_SOURCES_H_
#define ORRERY_SIM_HARDWARE_SOURCES_H_

#include <string>

#include "sim/core/describer.h"

namespace orrery {

/// The required key `sources` of a section. Refused where it is blank.
inline void describe_sources(Describer& d, std::string& sources) {
  d.required().field("sources", sources, "Where each figure of this section comes from.");
  if (d.reading() && sources.find_first_not_of(" \n") == std::string::npos) {
    d.refuse("sources", "is empty: say where the figures of this section come from");
  }
}

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_SOURCES_H_
