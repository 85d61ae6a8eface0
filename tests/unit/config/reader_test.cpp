// SPDX-License-Identifier: Apache-2.0
#include "sim/config/reader.h"

#include <doctest/doctest.h>

#include <string>

#include "sim/config/overrides.h"
#include "sim/config/yaml.h"
#include "tests/unit/config/config_errors.h"
#include "tests/unit/config/sample_options.h"

namespace orrery {
namespace {

SampleOptions options_of(const std::string& text) {
  SampleOptions options;
  read(parse_yaml(text, "f.yaml"), options);
  return options;
}

std::string error_of(const std::string& text) {
  return config_error_of([&] { static_cast<void>(options_of(text)); });
}

/// The error after one `--set` on an otherwise right file.
std::string error_of_set(const std::string& assignment) {
  return config_error_of([&] {
    Node tree = parse_yaml("count: 3\nstages: [{rate: 1/s}]\n", "f.yaml");
    apply_override(tree, assignment);
    SampleOptions options;
    read(tree, options);
  });
}

TEST_CASE("every kind of option is read") {
  const SampleOptions o = options_of(R"(
enabled: false
name: 3.10
count: 16
share: 1e-1
window: 12 us
capacity: 141 GB
bandwidth: 4.8 TB/s
compute: 1979 TFLOP/s
clock: 1.7 GHz
rate: 30/min
sizes: [8, 16]
tags: [a, "b c"]
mode: fast
limit: 100
eviction: {policy: lfu, half_life: 2 s}
stages:
  - rate: 8/s
  - {rate: 1/s, duration: 600s}
trace: {path: traces/x.csv}
)");
  CHECK_FALSE(o.enabled);
  CHECK(o.name == "3.10");
  CHECK(o.count == 16);
  CHECK(o.share == 0.1);
  CHECK(o.window == microseconds(12));
  CHECK(o.capacity == Bytes(141'000'000'000));
  CHECK(o.bandwidth.units_per_second() == 4'800'000'000'000);
  CHECK(o.compute.units_per_second() == 1'979'000'000'000'000);
  CHECK(o.clock.units_per_second() == 1'700'000'000);
  CHECK(o.rate.value == 0.5);
  CHECK(o.sizes == std::vector<std::int64_t>{8, 16});
  CHECK(o.tags == std::vector<std::string>{"a", "b c"});
  CHECK(o.mode == SampleMode::kFast);
  CHECK(o.limit == 100);
  CHECK(o.eviction.policy == 1);
  CHECK(o.eviction.half_life == seconds(2));
  REQUIRE(o.stages.size() == 2);
  CHECK(o.stages[0].duration == seconds(10));
  CHECK(o.stages[1].duration == seconds(600));
  REQUIRE(o.trace.has_value());
  CHECK(o.trace->path == "traces/x.csv");
}

TEST_CASE("what is not written keeps its default") {
  const SampleOptions o = options_of("count: 9\n");
  CHECK(o.enabled);
  CHECK(o.window == milliseconds(1500));
  CHECK(o.sizes.size() == 3);
  CHECK_FALSE(o.limit.has_value());
  CHECK_FALSE(o.trace.has_value());
  CHECK(o.stages.empty());
}

TEST_CASE("an empty list is a list") { CHECK(options_of("sizes: []\n").sizes.empty()); }

TEST_CASE("one word may stand for the mapping it begins") {
  CHECK(options_of("eviction: lfu\n").eviction.policy == 1);
  CHECK(error_of("eviction: lfuu\n") ==
        "f.yaml:1:11: eviction.policy: 'lfuu' is unknown; known: lru, lfu, weighted (did you mean "
        "lfu?)");
  CHECK(error_of("eviction: weighted\n") ==
        "f.yaml:1:11: eviction.weight: is required and missing");
  // Only where the options say so.
  CHECK(error_of("trace: x.csv\n") == "f.yaml:1:8: trace: expected a mapping, found 'x.csv'");
  CHECK(error_of("eviction: [lru]\n") == "f.yaml:1:11: eviction: expected a mapping, found a list");
}

TEST_CASE("keys that only another choice knows are unknown") {
  CHECK(error_of("eviction: {policy: lru, half_life: 1s}\n") ==
        "f.yaml:1:25: eviction.half_life: unknown key; known: policy");
  // The order in the file does not matter.
  CHECK(options_of("eviction: {half_life: 1s, policy: lfu}\n").eviction.half_life == seconds(1));
}

TEST_CASE("unknown keys suggest the nearest") {
  CHECK(error_of("cuont: 3\n") ==
        "f.yaml:1:1: cuont: unknown key; known: enabled, name, count, share, window, capacity, "
        "bandwidth, compute, clock, rate, sizes, tags, mode, limit, eviction, stages, trace (did "
        "you mean count?)");
  CHECK(error_of("stages:\n  - rate: 1/s\n  - rate: 1/s\n    durration: 1s\n") ==
        "f.yaml:4:5: stages[1].durration: unknown key; known: rate, duration (did you mean "
        "duration?)");
}

TEST_CASE("required keys") {
  CHECK(error_of("stages: [{duration: 1s}]\n") ==
        "f.yaml:1:10: stages[0].rate: is required and missing");
  CHECK(error_of("stages: [{raet: 1/s}]\n") ==
        "f.yaml:1:11: stages[0].raet: unknown key (did you mean rate?)");
  CHECK(error_of("trace: {}\n") == "f.yaml:1:8: trace.path: is required and missing");
}

TEST_CASE("wrong types") {
  CHECK(error_of("enabled: yes\n") == "f.yaml:1:10: enabled: expected true or false, found 'yes'");
  CHECK(error_of("enabled: \"true\"\n") ==
        "f.yaml:1:10: enabled: expected true or false, found the text \"true\"");
  CHECK(error_of("name: [a]\n") == "f.yaml:1:7: name: expected a text, found a list");
  CHECK(error_of("count: {a: 1}\n") ==
        "f.yaml:1:8: count: expected a whole number in plain digits, found a mapping");
  for (const std::string wrong :
       {"1e3", "0x10", "1_000", "010", "3.0", "+3", "--3", "three", "9223372036854775808"}) {
    CHECK(error_of("count: " + wrong + "\n") ==
          "f.yaml:1:8: count: expected a whole number in plain digits, found '" + wrong + "'");
  }
  CHECK(error_of("count: \"3\"\n") ==
        "f.yaml:1:8: count: expected a whole number in plain digits, found the text \"3\"");
  for (const std::string wrong : {".5", "5.", "0x1", "nan", ".inf", "1e999", "half", "1 0"}) {
    CHECK(error_of("share: " + wrong + "\n") ==
          "f.yaml:1:8: share: expected a number like 12, 0.5 or 1e-3, found '" + wrong + "'");
  }
  CHECK(error_of("sizes: 3\n") == "f.yaml:1:8: sizes: expected a list, found '3'");
  CHECK(error_of("sizes: [1, two]\n") ==
        "f.yaml:1:12: sizes[1]: expected a whole number in plain digits, found 'two'");
  CHECK(error_of("tags: [[a]]\n") == "f.yaml:1:8: tags[0]: expected a text, found a list");
  CHECK(error_of("stages: {rate: 1/s}\n") ==
        "f.yaml:1:9: stages: expected a list, found a mapping");
  CHECK(error_of("stages: [3]\n") == "f.yaml:1:10: stages[0]: expected a mapping, found '3'");
  CHECK(error_of("stages: [~]\n") == "f.yaml:1:10: stages[0]: expected a mapping, found nothing");
  CHECK(error_of("mode: fats\n") ==
        "f.yaml:1:7: mode: 'fats' is unknown; known: fast, exact (did you mean fast?)");
  CHECK(error_of("mode: [fast]\n") == "f.yaml:1:7: mode: expected a text, found a list");
  CHECK(error_of("count:\n") ==
        "f.yaml:1:1: count: has no value; leave the key out for its default");
  CHECK(error_of("[1]\n") == "f.yaml:1:1: expected a mapping, found a list");
  CHECK(error_of("word\n") == "f.yaml:1:1: expected a mapping, found 'word'");
}

TEST_CASE("wrong units") {
  CHECK(error_of("window: 12\n") ==
        "f.yaml:1:9: window: '12' has no unit; known: ps, ns, us, ms, s, min, h, d");
  CHECK(error_of("capacity: 80 Gib\n") ==
        "f.yaml:1:11: capacity: '80 Gib' has the unknown unit 'Gib'; known: B, kB, MB, GB, TB, PB, "
        "KiB, MiB, GiB, TiB, PiB (did you mean GiB?)");
  CHECK(error_of("rate: 8\n") == "f.yaml:1:7: rate: '8' has no unit; known: /s, /min, /h");
  CHECK(error_of("clock: 2 s\n") ==
        "f.yaml:1:8: clock: '2 s' has the unknown unit 's'; known: Hz, kHz, MHz, GHz");
  CHECK(error_of("compute: 3 TB/s\n") ==
        "f.yaml:1:10: compute: '3 TB/s' has the unknown unit 'TB/s'; known: FLOP/s, kFLOP/s, "
        "MFLOP/s, GFLOP/s, TFLOP/s, PFLOP/s");
  CHECK(error_of("window: [1 s]\n") ==
        "f.yaml:1:9: window: expected a number with its unit, found a list");
}

TEST_CASE("out of range") {
  CHECK(error_of("count: 0\n") == "f.yaml:1:8: count: '0' is out of range: from 1 to 64");
  CHECK(error_of("share: 0\n") == "f.yaml:1:8: share: '0' is out of range: above 0 and at most 1");
  CHECK(error_of("window: 11 s\n") ==
        "f.yaml:1:9: window: '11 s' is out of range: above 0 and at most 10 s");
  CHECK(error_of("capacity: 0 B\n") == "f.yaml:1:11: capacity: '0 B' is out of range: above 0");
  CHECK(error_of("sizes: [4, 0]\n") == "f.yaml:1:12: sizes[1]: '0' is out of range: at least 1");
  CHECK(error_of("limit: 0\n") == "f.yaml:1:8: limit: '0' is out of range: at least 1");
  CHECK(options_of("share: 1\n").share == 1);
  CHECK(options_of("window: 10 s\n").window == seconds(10));
}

TEST_CASE("options refuse across fields at the place of the key") {
  CHECK(error_of("count: 8\nlimit: 7\n") == "f.yaml:2:8: limit: is less than count");
}

TEST_CASE("errors of what --set gave say so") {
  CHECK(error_of_set("count=0") == "--set count: count: '0' is out of range: from 1 to 64");
  CHECK(error_of_set("evicton.policy=lru")
            .starts_with("--set evicton.policy: evicton: unknown key; known: enabled, "));
  CHECK(error_of_set("stages[0].rate=8") ==
        "--set stages[0].rate: stages[0].rate: '8' has no unit; known: /s, /min, /h");
  CHECK(error_of_set("stages[0].duratio=8s") ==
        "--set stages[0].duratio: stages[0].duratio: unknown key; known: rate, duration (did you "
        "mean duration?)");
  CHECK(error_of_set("eviction=lfuu") ==
        "--set eviction: eviction.policy: 'lfuu' is unknown; known: lru, lfu, weighted (did you "
        "mean lfu?)");
  CHECK(error_of_set("limit=2") == "--set limit: limit: is less than count");
  CHECK(error_of_set("window=2s") == "no error");
}

TEST_CASE("errors stay on one line") {
  const std::string error = error_of("mode: \"a\\nb\\a\"\n");
  CHECK(error.starts_with("f.yaml:1:7: mode: the text \"a\\nb\\x07\" is unknown"));
  CHECK(error.find('\n') == std::string::npos);
}

TEST_CASE("a path means a file beside the one that names it") {
  SampleOptions options;
  Node tree = parse_yaml("trace: {path: ../t.csv}\n", "configs/scenarios/f.yaml");
  read(tree, options);
  CHECK(options.trace->path == "../t.csv");
  CHECK(options.trace->file == "configs/t.csv");
  apply_override(tree, "trace.path=u.csv");
  read(tree, options);
  CHECK(options.trace->file == "u.csv");
}

TEST_CASE("a part of a larger tree is read under its own path") {
  const Node tree = parse_yaml("base: {rate: 1/s, x: 2}\n", "f.yaml");
  SampleStage stage;
  CHECK(config_error_of([&] { read(*tree.find("base"), stage, "base"); }) ==
        "f.yaml:1:19: base.x: unknown key; known: rate, duration");
}

TEST_CASE("what is not read by options can be taken out first") {
  Node tree = parse_yaml("rate: 1/s\nvary: {a: [1, 2]}\n", "f.yaml");
  const auto vary = tree.take("vary");
  REQUIRE(vary.has_value());
  CHECK(vary->find("a")->items.size() == 2);
  CHECK_FALSE(tree.take("vary").has_value());
  SampleStage stage;
  read(tree, stage);
  CHECK(stage.rate.value == 1);
}

}  // namespace
}  // namespace orrery
