// SPDX-License-Identifier: Apache-2.0
//
// The command line. A program of one's own adds its policies and hands over:
//
//   int main(int c, char** v) {
//     auto policies = orrery::builtin();
//     policies.eviction.add<Mine>("mine", "...");
//     return orrery::main(c, v, policies);
//   }
#ifndef ORRERY_SIM_APP_APP_H_
#define ORRERY_SIM_APP_APP_H_

#include "sim/policies/builtin.h"

namespace orrery {

/// Exit codes: 0 ok, 1 the run failed, 2 bad configuration or usage, 3 bad trace, 70 a bug in
/// Orrery. An error is one line on stderr.
int main(int argc, char** argv, const Policies& policies);

}  // namespace orrery

#endif  // ORRERY_SIM_APP_APP_H_
