// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_ACCOUNTING_H_
#define ORRERY_TESTS_PROPERTY_ACCOUNTING_H_

#include <cstdint>

#include "tests/property/failures.h"
#include "tests/property/run.h"

namespace orrery::property {

/// What a run was made of.
struct Totals {
  std::int64_t preemptions = 0;
  std::int64_t finished = 0;
  std::int64_t rejected = 0;
  std::int64_t unfinished = 0;
  std::int64_t ended_by_eos = 0;
  std::int64_t wasted_tokens = 0;
  std::int64_t finished_while_waiting = 0;
};

/// Goes through the log of a walked run with pencil and paper: no limit is exceeded, every token is
/// accounted for, nobody is lost or ends twice, and the records, steps and gaps that the observer
/// heard say exactly what the log says.
Totals check_accounts(const Scenario& scenario, const Run& run, Failures& failures);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_ACCOUNTING_H_
