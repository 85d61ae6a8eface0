// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_EQUALITY_H_
#define ORRERY_TESTS_PROPERTY_EQUALITY_H_

#include "tests/property/failures.h"
#include "tests/property/run.h"

namespace orrery::property {

/// All that a run tells is the same, whether it walked or skipped: facts, records in their order,
/// steps and gaps with all fields, totals.
void check_equal_runs(const Run& walked, const Run& skipped, Failures& failures);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_EQUALITY_H_
