// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_PROPERTY_RUN_H_
#define ORRERY_TESTS_PROPERTY_RUN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/property/failures.h"
#include "tests/property/log.h"
#include "tests/property/scenario.h"
#include "tests/property/text.h"

namespace orrery::property {

/// A run of a scenario and all that it told.
struct Run {
  explicit Run(std::int32_t block_size) : texts(block_size) {}

  Texts texts;
  std::vector<std::vector<LogEntry>> logs;  // by replica
  std::vector<FrontendWork> frontend_work;
  Heard heard;
  std::vector<EventListener::Event> events;
  std::vector<Replica::Counters> counters;
  std::uint64_t fingerprint = 0;
  std::int64_t sent = 0;
  Instant end;
  /// It was ended by the clock, or a replica gave up: requests may be left.
  bool cut = false;
  std::int64_t compared_hits = 0;
  /// Of the block checker, or the exception that ended the run.
  Failures failures;
};

struct RunOptions {
  bool step_by_step = false;
  /// Keep logs, watch the blocks and ask for events; else only what any run gives.
  bool watched = true;
  Instant until = Instant::never();
};

[[nodiscard]] std::unique_ptr<Run> run_scenario(const Scenario& scenario,
                                                const RunOptions& options);

}  // namespace orrery::property

#endif  // ORRERY_TESTS_PROPERTY_RUN_H_
