// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_APP_MEMORY_PATTERNS_H_
#define ORRERY_SIM_APP_MEMORY_PATTERNS_H_

#include "sim/app/arguments.h"

namespace orrery {

/// `orrery memory GPU --patterns`: what a GPU's memory gives to the patterns of a model's steps,
/// and what paging costs by block size. Gives the exit code.
int show_memory_patterns(const Arguments& arguments);

}  // namespace orrery

#endif  // ORRERY_SIM_APP_MEMORY_PATTERNS_H_
