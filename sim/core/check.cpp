// SPDX-License-Identifier: Apache-2.0
#include "sim/core/check.h"

namespace orrery {

void check_failed(const char* condition, const char* file, int line) {
  throw InternalError(std::string(file) + ":" + std::to_string(line) +
                      ": check failed: " + condition);
}

}  // namespace orrery
