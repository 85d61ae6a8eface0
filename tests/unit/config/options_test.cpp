// SPDX-License-Identifier: Apache-2.0
#include "sim/config/options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "sim/config/option_rows.h"
#include "sim/core/check.h"
#include "tests/unit/config/sample_options.h"

namespace orrery {
namespace {

OptionRow row_of(const std::string& key_path) {
  const auto rows = option_rows(options_of<SampleOptions>());
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const OptionRow& row) { return row.key_path == key_path; });
  REQUIRE(found != rows.end());
  return *found;
}

TEST_CASE("rows say key, type, default, range and help") {
  const OptionRow window = row_of("window");
  CHECK(window.type == "duration");
  CHECK(window.default_text == "1500 ms");
  CHECK(window.range == "above 0 and at most 10 s");
  CHECK(window.help == "How long.");
  CHECK(row_of("enabled").type == "true or false");
  CHECK(row_of("enabled").default_text == "true");
  CHECK(row_of("count").range == "from 1 to 64");
  CHECK(row_of("share").default_text == "0.5");
  CHECK(row_of("capacity").default_text == "80 GiB");
  CHECK(row_of("bandwidth").default_text == "3350 GB/s");
  CHECK(row_of("clock").range.empty());
  CHECK(row_of("rate").default_text == "2.5/s");
  CHECK(row_of("sizes").type == "list of integers");
  CHECK(row_of("sizes").default_text == "[1,2,4]");
  CHECK(row_of("mode").type == "one of fast, exact");
  CHECK(row_of("mode").default_text == "exact");
  CHECK(row_of("limit").default_text.empty());
  CHECK(row_of("stages").type == "list of mappings");
  CHECK(row_of("stages[].rate").default_text == "required");
  CHECK(row_of("stages[].duration").default_text == "10 s");
  CHECK(row_of("trace").type == "mapping");
  CHECK(row_of("trace.path").default_text == "required");
}

TEST_CASE("every name of a choice is tried for the keys it brings") {
  CHECK(row_of("eviction.policy").only_with.empty());
  CHECK(row_of("eviction.half_life").only_with == "policy: lfu");
  CHECK(row_of("eviction.weight").only_with == "policy: weighted");
  CHECK(row_of("eviction.slots").only_with == "policy: lfu, weighted");
}

TEST_CASE("trying leaves the options at their defaults") {
  SampleEviction eviction;
  eviction.policy = 2;
  const auto options = collect_options([&](Describer& d) { eviction.describe(d); });
  CHECK(eviction.policy == 2);
  CHECK(options.size() == 4);
  CHECK(options[0].default_json == "\"weighted\"");
}

/// A distribution: one key with another type by choice.
struct TwoFaced {
  int kind = 0;
  std::int64_t tokens = 1;
  Duration time = seconds(1);

  void describe(Describer& d) {
    static constexpr std::string_view kKinds[] = {"tokens", "time"};
    d.choice("kind", kind, kKinds, "Of what.");
    if (kind == 0) d.field("value", tokens, Range::any(), "How many.");
    if (kind == 1) d.field("value", time, Range::any(), "How long.");
  }
};

TEST_CASE("one key of two types is two options") {
  const auto options = options_of<TwoFaced>();
  REQUIRE(options.size() == 3);
  CHECK(options[1].kind == OptionKind::kInteger);
  CHECK(options[1].only_with == "kind: tokens");
  CHECK(options[2].kind == OptionKind::kDuration);
  CHECK(options[2].only_with == "kind: time");
}

struct Endless {
  void describe(Describer& d) {
    d.object(
        "again", [this](Describer& e) { describe(e); }, "Me.");
  }
};

TEST_CASE("options that contain themselves are a bug, not an endless walk") {
  CHECK_THROWS_AS(static_cast<void>(options_of<Endless>()), InternalError);
}

}  // namespace
}  // namespace orrery
