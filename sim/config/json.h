// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CONFIG_JSON_H_
#define ORRERY_SIM_CONFIG_JSON_H_

#include <string>

#include "sim/config/node.h"

namespace orrery {

/// The tree as one line of JSON with its keys sorted, so that trees that say the same in another
/// order give the same text. Read again (JSON is YAML) it means the same: plain numbers keep their
/// digits, everything else becomes a quoted text.
[[nodiscard]] std::string json_text(const Node& node);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_JSON_H_
