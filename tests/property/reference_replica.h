// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_
#define ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_

#include "tests/property/failures.h"
#include "tests/property/run.h"

namespace orrery::property {

/// Plays the log of a walked run again on real tokens and a plain model of the pool: who of the
/// running is served with how many tokens, who is preempted, what every admission hits, and how
/// many blocks are free after each call must come out as logged. Whom to admit, and in which
/// pieces, it takes from the log. Returns the number of tokens hit.
std::int64_t check_against_reference(const Scenario& scenario, const Run& run, Failures& failures);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_
