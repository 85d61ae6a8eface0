// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CONFIG_SCHEMA_H_
#define ORRERY_SIM_CONFIG_SCHEMA_H_

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/options.h"

namespace orrery {

/// A JSON Schema (draft 2020-12) of a mapping with these options, for editors and other programs.
/// It refuses unknown keys; a key that only exists with one name of a choice is allowed with every
/// name, and its description says which: that, and the size of a quantity, only the reader checks.
[[nodiscard]] std::string schema_text(std::string_view title, const std::vector<Option>& options);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_SCHEMA_H_
