// SPDX-License-Identifier: Apache-2.0
#include "sim/engine/fingerprint.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

namespace orrery {
namespace {

struct Told {
  Fact fact;
  std::uint64_t subject;
  std::int64_t when;
};

std::uint64_t of(const std::vector<Told>& facts) {
  Fingerprint fingerprint;
  for (const Told& told : facts) {
    fingerprint.add(told.fact, told.subject, Instant::at(picoseconds(told.when)));
  }
  return fingerprint.value();
}

TEST_CASE("what happened, to whom, when and in which order all count") {
  const Told a{Fact::kAdmitted, 1, 10};
  const Told b{Fact::kFinished, 2, 20};
  const std::set<std::uint64_t> all = {
      of({}),
      of({a}),
      of({a, a}),
      of({a, b}),
      of({b, a}),
      of({{Fact::kPreempted, 1, 10}}),
      of({{Fact::kAdmitted, 2, 10}}),
      of({{Fact::kAdmitted, 1, 11}}),
      of({{Fact::kAdmitted, 0, 10}, {Fact::kAdmitted, 1, 10}}),
  };
  CHECK(all.size() == 9);
  CHECK(of({a, b}) == of({a, b}));
}

TEST_CASE("the text is 16 hexadecimal digits of the value") {
  Fingerprint fingerprint;
  // The seed of the hash: no fact yet.
  CHECK(fingerprint.value() == 0x6f7272657279U);
  CHECK(fingerprint.text() == "00006f7272657279");
}

}  // namespace
}  // namespace orrery
