// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_GOLDEN_TOOLS_CASES_H_
#define ORRERY_TESTS_GOLDEN_TOOLS_CASES_H_

#include <vector>

#include "tests/golden/recording.h"

namespace orrery::golden {

/// What our own recordings are made of: a case or two of each family, from seeds of their own.
[[nodiscard]] std::vector<Case> own_cases();

}  // namespace orrery::golden

#endif  // ORRERY_TESTS_GOLDEN_TOOLS_CASES_H_
