// SPDX-License-Identifier: Apache-2.0
//
// The attention kernels themselves, every thread of them, against the reference.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/attention_kernels.h"
#include "kernels/host/formats.h"
#include "kernels/host/random.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

using Values = std::vector<std::uint16_t>;

struct Heads {
  int heads, kv_heads, dim;
};

std::size_t size(int value) { return static_cast<std::size_t>(value); }

/// cp.async needs 16 bytes aligned, which a vector gives on this platform.
const __nv_bfloat16* bf16(const Values& values) {
  return reinterpret_cast<const __nv_bfloat16*>(values.data());
}

std::size_t pages_of(const AttentionSequence& one) {
  return size((one.query + one.context + kPageTokens - 1) / kPageTokens);
}

/// Rows of one sequence, [tokens, kv_heads, dim], out of its pages.
std::vector<float> collected(const Values& pool, const int* table, int tokens, const Heads& heads) {
  std::vector<float> rows;
  for (int token = 0; token < tokens; ++token) {
    for (int head = 0; head < heads.kv_heads; ++head) {
      const int row =
          (table[token / kPageTokens] * heads.kv_heads + head) * kPageTokens + token % kPageTokens;
      for (int i = 0; i < heads.dim; ++i) {
        rows.push_back(from_bf16(pool[size(row) * size(heads.dim) + size(i)]));
      }
    }
  }
  return rows;
}

void check(const Heads& heads, const std::vector<AttentionSequence>& sequences) {
  const AttentionPlan plan = plan_attention(sequences, heads.kv_heads, 64);
  std::size_t pages = 0;
  for (const AttentionSequence& one : sequences) pages += pages_of(one);
  const std::size_t pool = pages * size(heads.kv_heads * kPageTokens * heads.dim);
  const std::size_t row = size(heads.heads * heads.dim);
  const Values queries = random_bf16(size(plan.tokens) * row, 1);
  const Values keys = random_bf16(pool, 2);
  const Values values = random_bf16(pool, 3);
  std::vector<int> numbers(pages);
  std::iota(numbers.begin(), numbers.end(), 0);
  Random random(4);
  for (std::size_t left = pages; left > 1; --left) {
    std::swap(numbers[left - 1], numbers[random.below(left)]);
  }
  std::vector<int> table(sequences.size() * size(plan.pages_stride), numbers[0]);
  std::size_t next = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    for (std::size_t page = 0; page < pages_of(sequences[i]); ++page) {
      table[i * size(plan.pages_stride) + page] = numbers[next++];
    }
  }
  Values out(queries.size(), 0xffff);  // not a number: what is not written shows
  std::vector<float> partial_out(size(plan.tokens) * row * kMostSplits);
  std::vector<float> partial_scale(size(plan.tokens * heads.heads) * kMostSplits);
  AttentionCall call;
  call.queries = bf16(queries);
  call.query_stride = row;
  call.keys = bf16(keys);
  call.values = bf16(values);
  call.pages = table.data();
  call.pages_stride = plan.pages_stride;
  call.out = reinterpret_cast<__nv_bfloat16*>(out.data());
  call.partial_out = partial_out.data();
  call.partial_scale = partial_scale.data();
  call.prefill = plan.prefill.data();
  call.prefill_items = static_cast<int>(plan.prefill.size());
  call.decode = plan.decode.data();
  call.decode_items = static_cast<int>(plan.decode.size());
  call.combine = plan.combine.data();
  call.combine_items = static_cast<int>(plan.combine.size());
  call.heads = heads.heads;
  call.kv_heads = heads.kv_heads;
  call.dim = heads.dim;
  launch_attention(call, nullptr);

  const std::vector<float> asked = floats_of(queries);
  const std::vector<float> got = floats_of(out);
  auto from = std::ptrdiff_t{0};
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const AttentionSequence& one = sequences[i];
    const int* const mine = &table[i * size(plan.pages_stride)];
    const auto to = from + static_cast<std::ptrdiff_t>(size(one.query) * row);
    const Expected expected = attention({size(heads.heads), size(heads.kv_heads), size(heads.dim)},
                                        {asked.begin() + from, asked.begin() + to},
                                        collected(keys, mine, one.query + one.context, heads),
                                        collected(values, mine, one.query + one.context, heads),
                                        size(one.query), size(one.context));
    INFO("sequence ", i);
    CHECK(difference(expected, {got.begin() + from, got.begin() + to}) == "");
    from = to;
  }
}

TEST_CASE("decodes: a head each, groups, in pieces") {
  check({2, 2, 128}, {{1, 0}, {1, 15}, {1, 16}, {1, 99}});
  check({8, 1, 128}, {{1, 1100}, {1, 511}, {1, 3}});
  check({7, 1, 64}, {{1, 700}, {1, 64}});
  // All but the last, which is a page long, are in pieces, which another launch puts together.
  CHECK(plan_attention({{1, 1100}, {1, 511}, {1, 3}}, 1, 64).combine.size() == 2);
}

TEST_CASE("prompts: tiles cut by rows, by keys and by the diagonal") {
  check({2, 1, 128}, {{2, 0}, {130, 0}});
  check({1, 1, 128}, {{33, 100}, {16, 270}});
  check({1, 1, 64}, {{150, 7}, {65, 0}});
}

TEST_CASE("prompts and decodes in one launch") {
  check({4, 1, 128}, {{140, 20}, {1, 300}, {1, 17}, {5, 0}});
  check({2, 1, 64}, {{20, 90}, {1, 600}});
}

}  // namespace
}  // namespace orrery::kernels
