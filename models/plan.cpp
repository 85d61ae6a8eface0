// SPDX-License-Identifier: Apache-2.0
#include "models/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::int64_t kMostRanks = 64;
constexpr std::int64_t kVocabPadding = 64;

bool divides(const ModelCard& card, std::int64_t ranks) {
  const bool kv = card.kv_heads % ranks == 0 || ranks % card.kv_heads == 0;
  return card.heads % ranks == 0 && card.intermediate % ranks == 0 && kv;
}

std::int64_t padded_vocab(const ModelCard& card) {
  return (card.vocab + kVocabPadding - 1) / kVocabPadding * kVocabPadding;
}

void describe_only_one(Describer& d, std::string_view key, std::int64_t& value,
                       std::string_view help) {
  d.field(key, value, Range::at_least(1), help);
  if (d.reading() && value != 1) {
    d.refuse(key, fmt::format("is {}, and only 1 is supported so far; tensor_parallel is what "
                              "spreads a replica over GPUs",
                              value));
  }
}

}  // namespace

void Plan::describe(Describer& d) {
  d.field("tensor_parallel", tensor_parallel, Range::at_least(1),
          "GPUs that share each layer of a replica.");
  describe_only_one(d, "pipeline_parallel", pipeline_parallel, "Only 1 so far.");
  describe_only_one(d, "data_parallel", data_parallel, "Only 1 so far.");
  describe_only_one(d, "expert_parallel", expert_parallel, "Only 1 so far.");
  describe_only_one(d, "context_parallel", context_parallel, "Only 1 so far.");
}

std::vector<std::int64_t> legal_tensor_parallel(const ModelCard& card) {
  std::vector<std::int64_t> legal;
  for (std::int64_t ranks = 1; ranks <= kMostRanks; ++ranks) {
    if (divides(card, ranks)) legal.push_back(ranks);
  }
  return legal;
}

void check_plan(const ModelCard& card, const Plan& plan) {
  ORRERY_CHECK(plan.pipeline_parallel == 1 && plan.data_parallel == 1 &&
               plan.expert_parallel == 1 && plan.context_parallel == 1);
  const std::vector<std::int64_t> legal = legal_tensor_parallel(card);
  if (std::find(legal.begin(), legal.end(), plan.tensor_parallel) != legal.end()) return;
  throw ConfigError(
      {}, "plan.tensor_parallel",
      fmt::format("{} does not divide {}: {} heads, {} KV heads, MLP of {}; known: {}",
                  plan.tensor_parallel, card.name, card.heads, card.kv_heads, card.intermediate,
                  fmt::join(legal, ", ")));
}

Shard shard_of(const ModelCard& card, std::int64_t tensor_parallel) {
  ORRERY_CHECK(divides(card, tensor_parallel));
  return {tensor_parallel, card.heads / tensor_parallel,
          std::max<std::int64_t>(1, card.kv_heads / tensor_parallel),
          card.intermediate / tensor_parallel,
          (padded_vocab(card) + tensor_parallel - 1) / tensor_parallel};
}

std::int64_t parameters_per_rank(const ModelCard& card, std::int64_t tensor_parallel) {
  const Shard shard = shard_of(card, tensor_parallel);
  ModelCard rank = card;
  rank.heads = shard.heads;
  rank.kv_heads = shard.kv_heads;
  rank.intermediate = shard.intermediate;
  rank.vocab = shard.vocab;
  return rank.parameters();
}

}  // namespace orrery
