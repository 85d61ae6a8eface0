// SPDX-License-Identifier: Apache-2.0
//
// `quantization_config` of a Hugging Face config.json: which of our formats its weights have.
#ifndef ORRERY_MODELS_CARDS_HF_QUANTIZATION_H_
#define ORRERY_MODELS_CARDS_HF_QUANTIZATION_H_

#include "models/cards/hf_json.h"
#include "models/cards/model_card.h"

namespace orrery {

/// Sets the formats of `card`, whose layers and experts are known, from the `quantization_config`
/// of `config`, if it has one. Read are `fp8`, `compressed-tensors`, `gptq`, `awq` and `mxfp4` (of
/// experts), where bits, groups and activations are those of a format that
/// models/cards/weight_format.h has. Any other, and a linear layer left out that our cards take to
/// be quantised like the rest, is refused.
void read_hf_quantization(const HfJson& config, ModelCard& card);

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_HF_QUANTIZATION_H_
