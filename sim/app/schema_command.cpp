// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sim/app/command.h"
#include "sim/config/schema.h"
#include "sim/core/errors.h"
#include "sim/study/scenario.h"

namespace orrery {

int schema_command(const std::vector<std::string>& words, const Policies& policies) {
  if (!words.empty()) throw ConfigError("orrery schema: takes no arguments");
  Scenario scenario(policies);
  fmt::print("{}\n", schema_text("Orrery scenario",
                                 collect_options([&](Describer& d) { scenario.describe(d); })));
  return 0;
}

}  // namespace orrery
