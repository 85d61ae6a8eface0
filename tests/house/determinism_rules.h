// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_HOUSE_DETERMINISM_RULES_H_
#define ORRERY_TESTS_HOUSE_DETERMINISM_RULES_H_

#include <set>
#include <string>
#include <vector>

#include "tests/house/source_file.h"

namespace orrery::house {

/// Words that must not stand in code that makes facts: what differs from run to run or from one
/// standard library to the next, and what clang 14 cannot compile.
[[nodiscard]] Findings banned_words(const SourceFile& file);

/// The names of variables, members and functions that are unordered containers, in one file.
[[nodiscard]] std::set<std::string> unordered_names(const std::string& code);

/// Loops over (and begin() of) anything called by one of `names`: their order is the hash's.
[[nodiscard]] Findings unordered_walks(const SourceFile& file, const std::set<std::string>& names);

}  // namespace orrery::house

#endif  // ORRERY_TESTS_HOUSE_DETERMINISM_RULES_H_
