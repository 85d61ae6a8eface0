// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_
#define ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_

#include "tests/property/failures.h"
#include "tests/property/run.h"

namespace orrery::property {

/// Schedules again what a walked run scheduled, with real tokens, a plain model of the pool and the
/// three schedulers in their plainest form. From the log come only the instants: when requests are
/// read, when a call is made, when its output is applied. Who is served with how many tokens, who
/// is preempted, who is admitted with which hits, who finishes, and how many blocks are free after
/// each call must come out as logged. Returns the number of tokens hit.
std::int64_t check_against_reference(const Scenario& scenario, const Run& run, Failures& failures);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_REFERENCE_REPLICA_H_
