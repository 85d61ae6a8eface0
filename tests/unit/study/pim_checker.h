// SPDX-License-Identifier: Apache-2.0
//
// Judges a PIM channel's commands by rules of its own: which rows are open, which mode holds, and
// how far apart commands must be. It shares neither code nor numbers with the model; its numbers
// are written down again from the sources that configs/hardware/pim names.
#ifndef ORRERY_TESTS_UNIT_STUDY_PIM_CHECKER_H_
#define ORRERY_TESTS_UNIT_STUDY_PIM_CHECKER_H_

#include <string>
#include <vector>

#include "sim/hardware/pim/channel.h"

namespace orrery::testing {

/// The first thing that is wrong with the commands, or nothing.
[[nodiscard]] std::string pim_violation(pim::Style style, const std::vector<pim::Issued>& commands);

}  // namespace orrery::testing

#endif  // ORRERY_TESTS_UNIT_STUDY_PIM_CHECKER_H_
