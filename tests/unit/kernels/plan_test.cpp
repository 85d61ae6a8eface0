// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "kernels/host/attention_work.h"
#include "kernels/host/expert_load.h"

namespace orrery::kernels {
namespace {

TEST_CASE("each case of a run is another measurement, of a known op, and fits the device") {
  DeviceFacts device;
  device.devices = 8;
  std::set<std::string> keys;
  for (const std::string_view part : kParts) {
    const std::vector<Case> cases = cases_of(part, device);
    CHECK_MESSAGE(!cases.empty(), std::string(part));
    for (const Case& one : cases) {
      CHECK_MESSAGE(keys.insert(one.key()).second, one.key());
      CHECK_MESSAGE(std::find(kOps.begin(), kOps.end(), one.op) != kOps.end(), one.op);
      CHECK_MESSAGE(one.bytes <= static_cast<double>(device.operand_bytes), one.key());
    }
  }
  CHECK_THROWS_WITH_AS(static_cast<void>(cases_of("gem", device)),
                       doctest::Contains("'gem' is not a part; known: launch memory"),
                       std::invalid_argument);
}

TEST_CASE("every op is measured by some part") {
  DeviceFacts device;
  device.devices = 2;
  std::set<std::string> ops;
  for (const std::string_view part : kParts) {
    for (const Case& one : cases_of(part, device)) ops.insert(one.op);
  }
  CHECK(ops.size() == kOps.size());
}

TEST_CASE("a small GPU gets the cases that it can hold") {
  DeviceFacts small;
  small.operand_bytes = 4LL << 30;
  small.fp8 = false;
  for (const std::string_view part : {"memory", "gemm", "attention", "mixed", "moe"}) {
    const std::vector<Case> cases = cases_of(part, small);
    CHECK(!cases.empty());
    CHECK(cases.size() <= cases_of(part, {}).size());
    for (const Case& one : cases) {
      CHECK(one.dtype != "fp8");
      CHECK_MESSAGE(one.bytes <= 2.0 * (1LL << 30), one.key());
    }
  }
  CHECK(cases_of("peers", small).empty());
}

TEST_CASE("the order differs from pass to pass, the cases do not") {
  const std::vector<Case> cases = cases_of("rows", {});
  const auto keys = [](const std::vector<Case>& list) {
    std::vector<std::string> result;
    for (Case one : list) {
      one.pass = 0;
      result.push_back(one.key());
    }
    return result;
  };
  const auto first = keys(in_order_of_pass(cases, 0));
  const auto second = keys(in_order_of_pass(cases, 1));
  CHECK(first != keys(cases));
  CHECK(first != second);
  CHECK(first == keys(in_order_of_pass(cases, 0)));
  CHECK(std::set<std::string>(first.begin(), first.end()) ==
        std::set<std::string>(second.begin(), second.end()));
  CHECK(in_order_of_pass(cases, 3).front().pass == 3);
}

TEST_CASE("cold operands come back after three times the L2") {
  constexpr std::int64_t kL2 = 60LL << 20;
  // 50 MiB: 180 MiB lie between two uses if four others do.
  CHECK(rotations_for(50.0 * (1 << 20), kL2) == 5);
  CHECK(rotations_for(1e12, kL2) == 2);
  CHECK(rotations_for(1, kL2) == 64);
  CHECK_THROWS_AS(static_cast<void>(rotations_for(0, kL2)), std::invalid_argument);
}

TEST_CASE("work is counted as formulas say") {
  // Causal, 3 queries after 2: they see 3, 4 and 5 tokens.
  CHECK(attended_pairs(3, 2) == 12);
  CHECK(attended_pairs(1, 7) == 8);
  for (const Case& one : cases_of("gemm", {})) {
    CHECK(one.flops == 2.0 * static_cast<double>(one.m) * static_cast<double>(one.n) *
                           static_cast<double>(one.k));
  }
  for (const Case& one : cases_of("attention", {})) {
    if (one.op != "decode_attention" || one.batch != 4 || one.context != 1023) continue;
    if (one.heads != 32 || one.kv_heads != 8) continue;
    // 4 sequences of 1024 tokens: 8 heads of 128 values of 2 bytes, keys and values; and 32 heads
    // in and out of one token each.
    CHECK(one.bytes == 4.0 * (1024 * 8 * 128 * 2 * 2 + 2 * 32 * 128 * 2));
    CHECK(one.flops == 4.0 * 4 * 32 * 128 * 1024);
  }
}

/// `name: value` of a shipped card, which is plain enough for that.
std::map<std::string, std::string> card(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::string> fields;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    std::string value;
    words >> key >> value;
    if (key.ends_with(":")) fields[key.substr(0, key.size() - 1)] = value;
  }
  return fields;
}

TEST_CASE("the models whose shapes are timed are those of configs/models") {
  for (const ModelShape& model : kModels) {
    const auto fields = card(std::string(ORRERY_SOURCE_DIR) + "/configs/models/" +
                             std::string(model.name) + ".yaml");
    INFO(std::string(model.name));
    const auto is = [&](const char* key, std::int64_t value) {
      const auto found = fields.find(key);
      REQUIRE(found != fields.end());
      CHECK(found->second == std::to_string(value));
    };
    is("layers", model.layers);
    is("hidden", model.hidden);
    is("heads", model.heads);
    is("kv_heads", model.kv_heads);
    is("head_dim", model.head_dim);
    is("intermediate", model.intermediate);
    is("vocab", model.vocab);
  }
  const std::vector<WeightShape> shapes = weight_shapes();
  CHECK(std::set<WeightShape>(shapes.begin(), shapes.end()).size() == shapes.size());
  // Llama 3.1 8B: queries, keys and values in one; 70B over 8 GPUs: a slice of down.
  CHECK(std::find(shapes.begin(), shapes.end(), WeightShape{6144, 4096}) != shapes.end());
  CHECK(std::find(shapes.begin(), shapes.end(), WeightShape{8192, 3584}) != shapes.end());
}

TEST_CASE("decodes are cut so that the chip is full, and no finer than that") {
  // 264 blocks run at once. 256 of them are there already; 8 are not, of 4096 keys: 16 pieces of
  // 256 keys make 128 blocks, the most that there may be.
  CHECK(splits_for(256, 264, 4096) == 1);
  CHECK(splits_for(8, 264, 4096) == 14);  // 112 of 264; 85 % of 128 are 108.8
  CHECK(splits_for(8, 264, 511) == 1);
  // 33 pieces of 8 fill it exactly; 29 fill 85 %.
  CHECK(splits_for(8, 264, 131072) == 29);
}

TEST_CASE("every key of a decode and every row of a prompt is in one block") {
  const std::vector<AttentionSequence> sequences = {
      {1, 1000}, {300, 50}, {1, 0}, {1, 4095}, {2, 5}};
  const AttentionPlan plan = plan_attention(sequences, 2, 64);
  CHECK(plan.tokens == 305);
  CHECK(plan.pages_stride == 256);  // 4096 tokens in pages of 16
  std::map<int, int> keys;
  for (const AttentionWork& work : plan.decode) {
    CHECK(work.first_key == keys[work.sequence]);  // pieces follow one another
    CHECK(work.first_key % kPageTokens == 0);
    CHECK(work.end_key > work.first_key);
    keys[work.sequence] = work.end_key;
  }
  CHECK(keys == std::map<int, int>{{0, 1001}, {2, 1}, {3, 4096}});
  // The longest comes first: rows 256 to 299 of the second see 350 tokens.
  REQUIRE(plan.prefill.size() == 4);
  CHECK(plan.prefill[0].end_key == 350);
  CHECK(plan.prefill[0].first_row == 256);
  CHECK(plan.prefill[0].first_query == 1);
  CHECK(plan.prefill[3].sequence == 4);
  CHECK(plan.prefill[3].first_query == 303);
  for (const AttentionWork& work : plan.combine) CHECK(work.splits > 1);
  CHECK_THROWS_AS(static_cast<void>(plan_attention({{0, 5}}, 1, 1)), std::invalid_argument);
}

TEST_CASE("experts get as many rows as there are") {
  CHECK(even_load(4, 10) == std::vector<std::int64_t>{2, 3, 2, 3});
  // 12 rows of weights 1, 1/2, 1/3, 1/4: 5.76 and so on; at most 4 each.
  const auto sum = [](const std::vector<std::int64_t>& load) {
    std::int64_t all = 0;
    for (const std::int64_t rows : load) all += rows;
    return all;
  };
  CHECK(zipf_load(4, 12, 100) == std::vector<std::int64_t>{6, 3, 2, 1});
  CHECK(zipf_load(4, 12, 4) == std::vector<std::int64_t>{4, 4, 2, 2});
  CHECK(zipf_load(4, 16, 4) == std::vector<std::int64_t>{4, 4, 4, 4});
  for (const std::int64_t rows : {1, 7, 128, 512, 8192}) {
    CHECK(sum(zipf_load(128, rows, 1024)) == rows);
  }
  CHECK_THROWS_AS(static_cast<void>(zipf_load(4, 17, 4)), std::invalid_argument);
}

}  // namespace
}  // namespace orrery::kernels
