// SPDX-License-Identifier: Apache-2.0
//
// Shapes of published models whose parts tests derive figures of.
#ifndef ORRERY_TESTS_UNIT_MODELS_SHAPES_H_
#define ORRERY_TESTS_UNIT_MODELS_SHAPES_H_

#include "tests/unit/models/cards.h"

namespace orrery::test {

/// The latent attention of DeepSeek-V3 (arXiv 2412.19437, section 4.2): 128 heads.
inline ModelCard latent_card() {
  ModelCard card = llama_8b();
  card.name = "latent";
  card.heads = card.kv_heads = 128;
  card.hidden = 7168;
  card.head_dim = 192;
  card.intermediate = 18432;
  card.groups = {{1, Mixer::kMla, FeedForward::kMlp, 0}};
  card.mla = MlaShape{1536, 512, 128, 64, 128};
  return card;
}

/// Eight experts of which a token takes two, as Mixtral-8x7B has them (arXiv 2401.04088).
inline ModelCard expert_card() {
  ModelCard card = llama_8b();
  card.name = "experts";
  card.intermediate = 0;
  card.vocab = 32000;
  card.groups = {{1, Mixer::kAttention, FeedForward::kExperts, 0}};
  card.experts = ExpertShape{8, 2, 14336};
  return card;
}

/// `round_gpu` that also multiplies in fp8.
inline GpuSpec fp8_gpu() {
  GpuSpec gpu = round_gpu();
  gpu.compute.fp8 = ComputeRate::per_second(2'000'000'000'000'000);
  return gpu;
}

}  // namespace orrery::test

#endif  // ORRERY_TESTS_UNIT_MODELS_SHAPES_H_
