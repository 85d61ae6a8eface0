// SPDX-License-Identifier: Apache-2.0
//
// The sequence of layers that a Hugging Face config.json describes by lists and periods.
#ifndef ORRERY_MODELS_CARDS_HF_LAYERS_H_
#define ORRERY_MODELS_CARDS_HF_LAYERS_H_

#include <cstdint>
#include <vector>

#include "models/cards/hf_json.h"
#include "models/cards/model_card.h"

namespace orrery {

/// One entry a layer, each with count 1.
using HfLayers = std::vector<LayerGroup>;

/// `layers` plain layers.
[[nodiscard]] HfLayers plain_layers(std::int64_t layers);

/// Sets the windows where `layer_types` names them: `full_attention`, `sliding_attention` (of
/// `sliding_window`) and `chunked_attention` (of `attention_chunk_size`; a chunk counts as a window
/// of its width). Returns false where there is no such key.
[[nodiscard]] bool set_listed_windows(const HfJson& config, HfLayers& layers);
/// A window of the key's tokens on all layers but each `period`-th; 0: on all.
void set_windows(std::int64_t window, std::int64_t period, HfLayers& layers);

/// Gives the card its layers as the fewest groups that repeat.
void set_layers(const HfLayers& layers, ModelCard& card);

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_HF_LAYERS_H_
