// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/attention_work.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

namespace orrery::kernels {
namespace {

constexpr int kLeastKeysOfPiece = 256;

void add_prompt(const AttentionSequence& one, AttentionWork work, AttentionPlan& plan) {
  for (int row = 0; row < one.query; row += kPrefillRows) {
    work.first_row = row;
    work.end_key = one.context + std::min(row + kPrefillRows, one.query);
    plan.prefill.push_back(work);
  }
}

void add_decode(int splits, AttentionWork work, AttentionPlan& plan) {
  const int pages = (work.context + kPageTokens) / kPageTokens;
  work.splits = std::min(splits, pages);
  for (work.split = 0; work.split < work.splits; ++work.split) {
    work.first_key = pages * work.split / work.splits * kPageTokens;
    work.end_key = std::min(pages * (work.split + 1) / work.splits * kPageTokens, work.context + 1);
    plan.decode.push_back(work);
  }
  work.split = 0;
  if (work.splits > 1) plan.combine.push_back(work);
}

}  // namespace

int splits_for(int blocks, int slots, int keys) {
  const int most = std::min(kMostSplits, keys / kLeastKeysOfPiece);
  if (most <= 1 || blocks * 10 >= slots * 8) return 1;
  const auto share = [&](int splits) {
    const double waves = static_cast<double>(blocks) * splits / slots;
    return waves / std::ceil(waves);
  };
  double best = 0;
  for (int splits = 1; splits <= most; ++splits) best = std::max(best, share(splits));
  int splits = 1;
  while (share(splits) < 0.85 * best) ++splits;
  return splits;
}

AttentionPlan plan_attention(const std::vector<AttentionSequence>& sequences, int kv_heads,
                             int slots) {
  AttentionPlan plan;
  int decodes = 0;
  int longest = 0;
  int longest_decode = 0;
  for (const AttentionSequence& one : sequences) {
    if (one.query < 1 || one.context < 0) {
      throw std::invalid_argument("attention: a sequence without queries");
    }
    longest = std::max(longest, one.query + one.context);
    if (one.query > 1) continue;
    ++decodes;
    longest_decode = std::max(longest_decode, one.context + 1);
  }
  const int splits = splits_for(decodes * kv_heads, slots, longest_decode);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    AttentionWork work;
    work.sequence = static_cast<int>(i);
    work.first_query = plan.tokens;
    work.query = sequences[i].query;
    work.context = sequences[i].context;
    plan.tokens += work.query;
    if (work.query > 1) {
      add_prompt(sequences[i], work, plan);
    } else {
      add_decode(splits, work, plan);
    }
  }
  std::stable_sort(
      plan.prefill.begin(), plan.prefill.end(),
      [](const AttentionWork& a, const AttentionWork& b) { return a.end_key > b.end_key; });
  plan.pages_stride = (longest + kPrefillKeys - 1) / kPrefillKeys * (kPrefillKeys / kPageTokens);
  return plan;
}

}  // namespace orrery::kernels
