// SPDX-License-Identifier: Apache-2.0
//
// Random worlds, walked step by step and run with all skips, against checkers that share no code
// with sim/serving. ORRERY_PROPERTY_RUNS says how many, ORRERY_PROPERTY_FIRST where to begin, and
// ORRERY_PROPERTY_SEED runs just one.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>

#include "tests/property/world_check.h"

namespace orrery::property {
namespace {

#ifdef ORRERY_DEBUG_CHECKS
constexpr std::uint64_t kRuns = 30;
#else
constexpr std::uint64_t kRuns = 200;
#endif

std::optional<std::uint64_t> from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return {};
  return std::strtoull(value, nullptr, 10);
}

/// What the worlds were made of, so that a change of the generator cannot empty the test unseen.
struct Coverage {
  std::int64_t steps = 0;
  std::int64_t quiet_steps = 0;
  std::int64_t cut_requests = 0;
  std::int64_t hit_tokens = 0;
  std::int64_t compared_hits = 0;
  std::int64_t standstills = 0;
  Totals totals;

  void add(const WorldCheck& check) {
    for (const Replica::Counters& counters : check.skipped->counters) {
      steps += counters.steps;
      quiet_steps += counters.quiet_steps;
      cut_requests += counters.cut_requests;
    }
    const Totals& of_run = check.totals;
    hit_tokens += check.hit_tokens;
    compared_hits += check.walked->compared_hits;
    standstills += of_run.unfinished > 0 ? 1 : 0;
    totals.preemptions += of_run.preemptions;
    totals.rejected += of_run.rejected;
    totals.ended_by_eos += of_run.ended_by_eos;
    totals.wasted_tokens += of_run.wasted_tokens;
    totals.finished_while_waiting += of_run.finished_while_waiting;
  }
};

void check_scenario(std::uint64_t seed, Coverage& coverage) {
  const Scenario scenario = make_scenario(seed);
  WorldCheck check = check_world(scenario);
  if (seed % 4 == 0) check_cut_world(scenario, *check.walked, check.failures);
  coverage.add(check);
  CHECK_MESSAGE(check.failures.empty(), "ORRERY_PROPERTY_SEED=" << seed << " property_test   ("
                                                                << scenario.text() << ")"
                                                                << check.failures.text());
}

TEST_CASE("random worlds keep every invariant and do not depend on skips") {
  Coverage coverage;
  if (const auto seed = from_environment("ORRERY_PROPERTY_SEED")) {
    check_scenario(*seed, coverage);
    return;
  }
  const std::uint64_t runs = from_environment("ORRERY_PROPERTY_RUNS").value_or(kRuns);
  const std::uint64_t first = from_environment("ORRERY_PROPERTY_FIRST").value_or(1);
  for (std::uint64_t seed = first; seed < first + runs; ++seed) check_scenario(seed, coverage);

  // Every kind of thing that can happen has happened, in any 30 worlds many times.
  if (runs < 30) return;
  CHECK(coverage.quiet_steps * 3 > coverage.steps);
  CHECK(coverage.quiet_steps < coverage.steps);
  CHECK(coverage.totals.preemptions > 10);
  CHECK(coverage.totals.ended_by_eos > 10);
  CHECK(coverage.totals.wasted_tokens > 10);
  CHECK(coverage.totals.rejected > 0);
  CHECK(coverage.cut_requests > 0);
  CHECK(coverage.hit_tokens > 1000);
  CHECK(coverage.compared_hits > 1000);
  if (runs < 200) return;
  CHECK(coverage.standstills > 0);
  CHECK(coverage.totals.finished_while_waiting > 0);
}

}  // namespace
}  // namespace orrery::property
