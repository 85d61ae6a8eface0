// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_INPUT_FILES_H_
#define ORRERY_SIM_STUDY_INPUT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/study/scenario.h"

namespace orrery {

/// The files that a scenario names and whose contents its configuration does not hold: cards of
/// model and hardware, traces. Only those that are there; a missing one fails when it is run.
[[nodiscard]] std::vector<std::string> input_files(const Scenario& scenario);

/// Of a file's contents. Throws RunError if it cannot be read.
[[nodiscard]] std::uint64_t hash_of_file(const std::string& path);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_INPUT_FILES_H_
