// SPDX-License-Identifier: Apache-2.0
#include "models/plans/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "sim/core/check.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::int64_t kMostRanks = 64;
constexpr std::int64_t kVocabPadding = 64;
constexpr std::array<std::string_view, 2> kExchanges = {"ring", "all_gather"};

/// Every rank gets as many, or the ranks that outnumber them share one.
bool splits_or_copies(std::int64_t count, std::int64_t ranks) {
  return count % ranks == 0 || ranks % count == 0;
}

bool divides_encoder(const EncoderShape& encoder, std::int64_t ranks) {
  return encoder.heads % ranks == 0 && encoder.intermediate % ranks == 0;
}

bool divides(const ModelCard& card, std::int64_t ranks) {
  if (card.heads % ranks != 0 || !splits_or_copies(card.kv_heads, ranks)) return false;
  if (card.intermediate % ranks != 0) return false;
  if (card.mamba2 &&
      (card.mamba2->heads % ranks != 0 || !splits_or_copies(card.mamba2->groups, ranks))) {
    return false;
  }
  if (card.experts && card.experts->shared_intermediate % ranks != 0) return false;
  return !card.encoder || divides_encoder(*card.encoder, ranks);
}

std::int64_t padded_vocab(const ModelCard& card) {
  return (card.vocab + kVocabPadding - 1) / kVocabPadding * kVocabPadding;
}

[[noreturn]] void refuse(std::string_view key, const std::string& what) {
  throw ConfigError({}, "plan." + std::string(key), what);
}

void check_tensor_parallel(const ModelCard& card, const Plan& plan) {
  const std::vector<std::int64_t> legal = legal_tensor_parallel(card);
  if (std::find(legal.begin(), legal.end(), plan.tensor_parallel) != legal.end()) return;
  std::string widths = fmt::format("{} heads, {} KV heads", card.heads, card.kv_heads);
  if (card.intermediate > 0) widths += fmt::format(", MLP of {}", card.intermediate);
  if (card.mamba2) widths += fmt::format(", {} Mamba-2 heads", card.mamba2->heads);
  if (card.encoder) widths += fmt::format(", {} encoder heads", card.encoder->heads);
  refuse("tensor_parallel",
         fmt::format("{} does not divide {}: {}; known: {}", plan.tensor_parallel, card.name,
                     widths, fmt::join(legal, ", ")));
}

bool divides_experts(const ExpertShape& experts, const Plan& plan) {
  return plan.expert_ranks() % plan.expert_parallel == 0 &&
         experts.experts % plan.expert_parallel == 0 &&
         experts.intermediate % plan.expert_tensor_parallel() == 0;
}

void check_experts(const ModelCard& card, const Plan& plan) {
  if (!card.has_experts()) {
    if (plan.expert_parallel > 1) refuse("expert_parallel", card.name + " has no experts");
    if (plan.data_parallel > 1) {
      refuse("data_parallel",
             fmt::format("{} has no experts to share: groups would have nothing in common; write "
                         "`replicas: {}` instead",
                         card.name, plan.data_parallel));
    }
    return;
  }
  if (divides_experts(*card.experts, plan)) return;
  std::vector<std::int64_t> legal;
  for (std::int64_t degree = 1; degree <= plan.expert_ranks(); ++degree) {
    Plan other = plan;
    other.expert_parallel = degree;
    if (divides_experts(*card.experts, other)) legal.push_back(degree);
  }
  refuse("expert_parallel",
         fmt::format("{} does not divide the {} experts of {}, each of width {}, over the {} ranks "
                     "of tensor_parallel x data_parallel; known: {}",
                     plan.expert_parallel, card.experts->experts, card.name,
                     card.experts->intermediate, plan.expert_ranks(),
                     legal.empty() ? "none" : fmt::format("{}", fmt::join(legal, ", "))));
}

}  // namespace

void Plan::describe(Describer& d) {
  d.field("tensor_parallel", tensor_parallel, Range::at_least(1),
          "GPUs that share each layer of a replica.");
  d.field("pipeline_parallel", pipeline_parallel, Range::at_least(1),
          "Stages of consecutive layers, each with one batch in flight.");
  d.field("data_parallel", data_parallel, Range::at_least(1),
          "Groups with their own requests and KV that share a model's experts (DP-attention).");
  d.field("expert_parallel", expert_parallel, Range::at_least(1),
          "Groups that hold different experts, out of tensor_parallel x data_parallel ranks.");
  d.field("context_parallel", context_parallel, Range::at_least(1),
          "Copies of the weights that a sequence's tokens and KV are dealt to.");
  d.choice_of("context_exchange", context_exchange, kExchanges,
              "How context-parallel ranks get at each other's KV in prefill.");
}

std::vector<std::int64_t> legal_tensor_parallel(const ModelCard& card) {
  std::vector<std::int64_t> legal;
  for (std::int64_t ranks = 1; ranks <= kMostRanks; ++ranks) {
    if (divides(card, ranks)) legal.push_back(ranks);
  }
  return legal;
}

void check_plan(const ModelCard& card, const Plan& plan) {
  check_tensor_parallel(card, plan);
  check_experts(card, plan);
  if (plan.pipeline_parallel > card.layers) {
    refuse("pipeline_parallel",
           fmt::format("{} stages for the {} layers of {}; known: 1 to {}", plan.pipeline_parallel,
                       card.layers, card.name, card.layers));
  }
  if (plan.pipeline_parallel > 1 && card.has_cross_attention()) {
    refuse("pipeline_parallel", card.name + " is an encoder-decoder, which engines do not cut");
  }
  if (plan.context_parallel > 1 && (card.mamba2 || card.has_cross_attention())) {
    refuse("context_parallel",
           card.name + " has layers whose state or keys are not dealt by position; known: 1");
  }
}

std::vector<std::int64_t> stage_layers(std::int64_t layers, std::int64_t stages) {
  ORRERY_CHECK(stages >= 1 && stages <= layers);
  std::vector<std::int64_t> each(static_cast<std::size_t>(stages), layers / stages);
  for (std::int64_t i = 0; i < layers % stages; ++i) {
    ++each[static_cast<std::size_t>(stages - 2 - i)];
  }
  return each;
}

Shard shard_of(const ModelCard& card, const Plan& plan) {
  const std::int64_t ranks = plan.tensor_parallel;
  ORRERY_CHECK(divides(card, ranks));
  Shard shard;
  shard.ranks = ranks;
  shard.heads = card.heads / ranks;
  shard.kv_heads = std::max<std::int64_t>(1, card.kv_heads / ranks);
  shard.intermediate = card.intermediate / ranks;
  shard.vocab = (padded_vocab(card) + ranks - 1) / ranks;
  if (card.experts) {
    shard.local_experts = card.experts->experts / plan.expert_parallel;
    shard.expert_intermediate = card.experts->intermediate / plan.expert_tensor_parallel();
    shard.shared_intermediate = card.experts->shared_intermediate / ranks;
  }
  if (card.mamba2) {
    shard.mamba_heads = card.mamba2->heads / ranks;
    shard.mamba_groups = std::max<std::int64_t>(1, card.mamba2->groups / ranks);
  }
  if (card.encoder) {
    shard.encoder_heads = card.encoder->heads / ranks;
    shard.encoder_intermediate = card.encoder->intermediate / ranks;
  }
  return shard;
}

Shard shard_of(const ModelCard& card, std::int64_t tensor_parallel) {
  Plan plan;
  plan.tensor_parallel = tensor_parallel;
  return shard_of(card, plan);
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
