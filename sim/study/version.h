// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_VERSION_H_
#define ORRERY_SIM_STUDY_VERSION_H_

#include <string_view>

namespace orrery {

/// `0.1.0`: what CHANGELOG.md calls this state.
[[nodiscard]] std::string_view version();

/// The git commit this binary was built from, `unknown` outside a git tree. It ends in `+changes`
/// if tracked files differed from the commit, so that a result names what produced it or admits
/// that nothing does.
[[nodiscard]] std::string_view commit();

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_VERSION_H_
