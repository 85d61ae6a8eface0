// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_UNIT_CONFIG_SAMPLE_OPTIONS_H_
#define ORRERY_TESTS_UNIT_CONFIG_SAMPLE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// Options whose keys depend on a choice, like those of arrival processes and policies.
struct SampleEviction {
  static constexpr std::string_view kPolicies[] = {"lru", "lfu", "weighted"};

  int policy = 0;
  Duration half_life = seconds(60);
  double weight = 0;
  std::int64_t slots = 4;

  void describe(Describer& d) {
    d.shorthand().choice("policy", policy, kPolicies, "Who goes first.");
    if (policy == 1) d.field("half_life", half_life, Range::positive(), "Age of half a use.");
    if (policy == 2) d.required().field("weight", weight, Range::fraction(), "Weight of age.");
    if (policy != 0) d.field("slots", slots, Range::at_least(1), "Entries looked at.");
  }
};

struct SampleStage {
  PerSecond rate;
  Duration duration = seconds(10);

  void describe(Describer& d) {
    d.required().field("rate", rate, Range::positive(), "Requests a second.");
    d.field("duration", duration, Range::positive(), "How long.");
  }
};

struct SampleTrace {
  std::string path;
  std::string file;

  void describe(Describer& d) {
    d.required().field("path", path, "A file.");
    file = d.resolved_path("path", path);
  }
};

enum class SampleMode { kFast, kExact };
inline constexpr std::string_view kSampleModes[] = {"fast", "exact"};

/// One option of every kind.
struct SampleOptions {
  bool enabled = true;
  std::string name = "none";
  std::int64_t count = 8;
  double share = 0.5;
  Duration window = milliseconds(1500);
  Bytes capacity = Bytes(std::int64_t{80} << 30);
  Bandwidth bandwidth = Bandwidth::per_second(3'350'000'000'000);
  ComputeRate compute = ComputeRate::per_second(989'000'000'000'000);
  Frequency clock = Frequency::per_second(1'980'000'000);
  PerSecond rate = {2.5};
  std::vector<std::int64_t> sizes = {1, 2, 4};
  std::vector<std::string> tags;
  SampleMode mode = SampleMode::kExact;
  std::optional<std::int64_t> limit;
  SampleEviction eviction;
  std::vector<SampleStage> stages;
  std::optional<SampleTrace> trace;

  void describe(Describer& d) {
    d.field("enabled", enabled, "Whether it runs.");
    d.field("name", name, "What it is called.");
    d.field("count", count, Range::between(1, 64), "How many.");
    d.field("share", share, Range::fraction(), "Which part.");
    d.field("window", window, {0, 1e13, true}, "How long.");
    d.field("capacity", capacity, Range::positive(), "How large.");
    d.field("bandwidth", bandwidth, Range::positive(), "How wide.");
    d.field("compute", compute, Range::positive(), "How fast.");
    d.field("clock", clock, Range::any(), "How often.");
    d.field("rate", rate, Range::not_negative(), "How many a second.");
    d.field("sizes", sizes, Range::at_least(1), "Sizes.");
    d.field("tags", tags, "Labels.");
    d.choice_of("mode", mode, kSampleModes, "How exactly.");
    d.optional_field("limit", limit, Range::at_least(1), "At most so many; none: all.");
    d.object_of("eviction", eviction, "Who is evicted.");
    d.list_of("stages", stages, "Rates over time.");
    d.optional_object("trace", trace, "A recorded workload.");
    if (d.reading() && d.given("limit") && *limit < count) {
      d.refuse("limit", "is less than count");
    }
  }
};

}  // namespace orrery

#endif  // ORRERY_TESTS_UNIT_CONFIG_SAMPLE_OPTIONS_H_
