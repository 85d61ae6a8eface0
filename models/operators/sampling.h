// SPDX-License-Identifier: Apache-2.0
//
// What choosing the next token costs beyond the LM head: little when greedy, and in vLLM up to 0.16
// a sort of all logits when top-k or top-p is asked for, which a model's generation_config.json
// does for every request that says nothing (vLLM's `--generation-config auto`).
#ifndef ORRERY_MODELS_OPERATORS_SAMPLING_H_
#define ORRERY_MODELS_OPERATORS_SAMPLING_H_

#include <cstdint>
#include <string_view>

#include "models/cards/model_card.h"
#include "sim/core/units.h"

namespace orrery {

/// What requests ask of the sampler.
enum class Sampling : std::uint8_t {
  /// What the model's generation_config.json says.
  kAuto,
  kGreedy,
  /// A draw from all tokens.
  kRandom,
  /// A draw from what top-k or top-p leave.
  kFiltered,
};

/// How an engine's version filters by top-k and top-p.
enum class SamplerWorkspace : std::uint8_t {
  /// torch.sort of all logits: vLLM up to 0.16.
  kSort,
  /// A Triton kernel that works in place: later versions.
  kInPlace,
};

struct SamplerWork {
  std::int64_t bytes_per_logit = 0;
  std::int64_t kernels = 0;
  /// Time that grows with the vocabulary and not with the rows: one block walks a row.
  Duration serial;
  std::string_view basis;
};

/// Of one row of logits.
[[nodiscard]] SamplerWork sampler_work(const ModelCard& card, Sampling sampling,
                                       SamplerWorkspace workspace);

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_SAMPLING_H_
