// SPDX-License-Identifier: Apache-2.0
#include "tests/property/world_check.h"

#include "sim/core/random.h"
#include "tests/property/equality.h"
#include "tests/property/reference_replica.h"

namespace orrery::property {

WorldCheck check_world(const Scenario& scenario) {
  WorldCheck check;
  Failures& failures = check.failures;
  check.walked = run_scenario(scenario, {.step_by_step = true});
  check.skipped = run_scenario(scenario, {.step_by_step = false});
  // Neither a recorder nor an observer that asks for events may change what happens.
  const auto unwatched = run_scenario(scenario, {.step_by_step = false, .watched = false});
  if (!check.walked->failures.empty()) failures.add("walked:" + check.walked->failures.text());
  if (!check.skipped->failures.empty()) failures.add("skipped:" + check.skipped->failures.text());
  if (!unwatched->failures.empty()) failures.add("unwatched:" + unwatched->failures.text());
  check_equal_runs(*check.walked, *check.skipped, failures);
  check_equal_runs(*check.walked, *unwatched, failures);
  if (failures.empty()) {
    check.totals = check_accounts(scenario, *check.walked, failures);
    check.hit_tokens = check_against_reference(scenario, *check.walked, failures);
  }
  return check;
}

void check_cut_world(const Scenario& scenario, const Run& whole, Failures& failures) {
  RandomStream random(scenario.seed, "property", "cut");
  const Instant until =
      Instant::at(picoseconds(random.between(0, whole.end.since_start().count())));
  const auto walked = run_scenario(scenario, {.step_by_step = true, .until = until});
  const auto skipped = run_scenario(scenario, {.step_by_step = false, .until = until});
  Failures found;
  check_equal_runs(*walked, *skipped, found);
  if (found.empty()) check_accounts(scenario, *walked, found);
  if (!found.empty()) failures.add("cut short:" + found.text());
}

}  // namespace orrery::property
