// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_WORLD_CHECK_H_
#define ORRERY_TESTS_PROPERTY_WORLD_CHECK_H_

#include <cstdint>
#include <memory>

#include "tests/property/accounting.h"
#include "tests/property/failures.h"
#include "tests/property/run.h"

namespace orrery::property {

/// A world's runs, with all that the checkers have to say about them.
struct WorldCheck {
  std::unique_ptr<Run> walked;
  std::unique_ptr<Run> skipped;
  Totals totals;
  std::int64_t hit_tokens = 0;
  Failures failures;
};

/// Runs the scenario step by step, with skips, and with skips but nobody watching; compares the
/// three, and holds the first to the accounts and to the reference.
[[nodiscard]] WorldCheck check_world(const Scenario& scenario);

/// The same but for the reference, and the clock stops somewhere within `whole`: whoever is left
/// must be told truly.
void check_cut_world(const Scenario& scenario, const Run& whole, Failures& failures);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_WORLD_CHECK_H_
