// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_GOLDEN_TOOLS_WRITER_H_
#define ORRERY_TESTS_GOLDEN_TOOLS_WRITER_H_

#include <string>

#include "tests/golden/recording.h"

namespace orrery::golden {

/// Lets Orrery's replica serve the case, and gives the recording as JSON in the format of those
/// made with vLLM's own scheduler. `note` goes into the meta data.
[[nodiscard]] std::string record(const Case& golden, const std::string& note);

}  // namespace orrery::golden

#endif  // ORRERY_TESTS_GOLDEN_TOOLS_WRITER_H_
