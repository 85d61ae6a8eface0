// SPDX-License-Identifier: Apache-2.0
//
// What every policy of a port must do, whatever it decides. A program with policies of its own
// links suites.cpp and hands in its registries:
//
//   orrery::Policies policies = orrery::builtin();
//   policies.eviction.add<Mine>("mine", "...");
//   for (const std::string& line : orrery::contract::check_eviction(policies, "mine")) ...
#ifndef ORRERY_TESTS_CONTRACT_SUITES_H_
#define ORRERY_TESTS_CONTRACT_SUITES_H_

#include <string>
#include <string_view>
#include <vector>

#include "sim/policies/builtin.h"

namespace orrery::contract {

/// What a policy does against its contract, one sentence each; empty if it keeps it. Policies are
/// made with their default options.
using Findings = std::vector<std::string>;

/// Serves everybody who can be served, sync and async, with little memory and with much; keeps its
/// promises (walked and skipped runs have the same facts); obeys max_num_seqs, and the token budget
/// except for whole prompts; decides the same when asked the same.
[[nodiscard]] Findings check_scheduler(const Policies& policies, std::string_view name);

/// Evicts only what is released, each block once until it is released anew, and in the end all of
/// them; decides the same when told the same; does not look at the blocks' numbers.
[[nodiscard]] Findings check_eviction(const Policies& policies, std::string_view name);

/// Names a replica that exists, of one and of many; decides the same when told the same.
[[nodiscard]] Findings check_router(const Policies& policies, std::string_view name);

/// For schedulers that call themselves first come, first served: whoever waits longest is admitted
/// first, however large it is and however many small ones come after it.
[[nodiscard]] Findings check_first_come_first_served(const Policies& policies,
                                                     std::string_view name);

}  // namespace orrery::contract

#endif  // ORRERY_TESTS_CONTRACT_SUITES_H_
