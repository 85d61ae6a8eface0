// SPDX-License-Identifier: Apache-2.0
//
// Every policy that is registered, against the contract of its port. ORRERY_CONTRACT_ONLY=name
// checks that one alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/contract/suites.h"

namespace orrery::contract {
namespace {

std::string joined(const Findings& findings) {
  std::string all;
  for (const std::string& line : findings) all += "\n  " + line;
  return all;
}

std::string only() {
  const char* name = std::getenv("ORRERY_CONTRACT_ONLY");
  return name == nullptr ? "" : name;
}

template <class RegistryOf, class Check>
void check_each(const RegistryOf& registry, const Check& check) {
  for (const std::string_view name : registry.names()) {
    if (!only().empty() && name != only()) continue;
    const Findings findings = check(builtin(), name);
    CHECK_MESSAGE(findings.empty(), registry.port()
                                        << " " << std::string(name) << ":" << joined(findings));
  }
}

TEST_CASE("the name that is to be checked alone is registered") {
  if (only().empty()) return;
  const Policies policies = builtin();
  CHECK_MESSAGE(
      (policies.schedulers.find(only()) != nullptr || policies.eviction.find(only()) != nullptr ||
       policies.routers.find(only()) != nullptr),
      "no policy is called " << only());
}

TEST_CASE("every scheduler keeps its contract") {
  check_each(builtin().schedulers, check_scheduler);
}

TEST_CASE("every eviction policy keeps its contract") {
  check_each(builtin().eviction, check_eviction);
}

TEST_CASE("every router keeps its contract") { check_each(builtin().routers, check_router); }

TEST_CASE("the schedulers that ship admit in the order of arrival") {
  for (const char* name : {"vllm-v1", "sarathi-serve", "orca"}) {
    const Findings findings = check_first_come_first_served(builtin(), name);
    CHECK_MESSAGE(findings.empty(), std::string(name) << ":" << joined(findings));
  }
}

}  // namespace
}  // namespace orrery::contract
