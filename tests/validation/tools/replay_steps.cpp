// SPDX-License-Identifier: Apache-2.0
//
// replay_steps LOG.jsonl: how many steps of a real engine Orrery's replica repeats, as JSON.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/core/errors.h"
#include "tests/validation/step_replay.h"

namespace orrery::validation {
namespace {

int run(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "replay_steps: %s cannot be read\n", path.c_str());
    return 3;
  }
  const StepLog log = read_step_log(file, path);
  const ReplayedSteps replayed = replay_steps(log);
  const nlohmann::ordered_json result = {{"steps", log.steps.size()},
                                         {"replayed_steps", replayed.steps.size()},
                                         {"equal", replayed.equal},
                                         {"equal_from_start", replayed.equal_from_start},
                                         {"before_preemption", log.steps_before_preemption},
                                         {"late", replayed.late},
                                         {"difference", replayed.difference}};
  std::printf("%s\n", result.dump(2).c_str());
  return 0;
}

}  // namespace
}  // namespace orrery::validation

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: replay_steps LOG.jsonl\n");
    return 2;
  }
  try {
    return orrery::validation::run(argv[1]);
  } catch (const orrery::TraceError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay_steps: %s\n", error.what());
    return 1;
  }
}
