// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/golden/recording.h"

namespace orrery::golden {
namespace {

std::filesystem::path from_environment(const char* name, const std::filesystem::path& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::filesystem::path(value) : otherwise;
}

std::vector<std::filesystem::path> cases_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  if (!std::filesystem::is_directory(folder)) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Says where two recordings part, in the recordings' own words.
void check_equal(const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    REQUIRE(ours[i] == theirs[i]);
  }
  CHECK(ours.size() == theirs.size());
}

void check_case(const std::filesystem::path& path) {
  const Case golden = read_case(path);
  INFO("case ", golden.name);
  const Replay walked = replay(golden, /*step_by_step=*/true);
  check_equal(walked.steps, golden.steps);
  check_equal(walked.results, golden.results);
  // An engine that spins is cut by its recording after a number of calls, which skips do not make.
  if (golden.stop_reason != "drained") return;
  const Replay skipped = replay(golden, /*step_by_step=*/false);
  check_equal(skipped.results, golden.results);
  CHECK(skipped.fingerprint == walked.fingerprint);
}

void check_cases(const std::vector<std::filesystem::path>& cases) {
  for (const auto& path : cases) {
    SUBCASE(path.stem().c_str()) { check_case(path); }
  }
}

TEST_CASE("every recorded schedule of vLLM is reproduced step for step") {
  const std::filesystem::path shared =
      from_environment("ORRERY_SHARED", std::filesystem::path(ORRERY_SOURCE_DIR) / "../shared");
  const auto cases = cases_in(from_environment("ORRERY_GOLDEN", shared / "golden-schedules"));
  if (cases.empty()) {
    std::puts("ORRERY_TEST_SKIPPED no recordings in ORRERY_GOLDEN or ORRERY_SHARED");
    return;
  }
  check_cases(cases);
}

TEST_CASE("our own recordings have not changed") {
  const auto cases =
      cases_in(std::filesystem::path(ORRERY_SOURCE_DIR) / "tests" / "golden" / "recordings");
  REQUIRE(cases.size() >= 12);
  check_cases(cases);
}

}  // namespace
}  // namespace orrery::golden
