// SPDX-License-Identifier: Apache-2.0
//
// The encoders in front of decoders that a Hugging Face config.json describes.
#ifndef ORRERY_MODELS_CARDS_HF_ENCODERS_H_
#define ORRERY_MODELS_CARDS_HF_ENCODERS_H_

#include "models/cards/hf_json.h"
#include "models/cards/model_card.h"

namespace orrery {

/// Each from the whole config and the width of the decoder; key names and what has a bias from
/// transformers' modeling_siglip.py, modeling_gemma3.py, modeling_llama4.py, modeling_qwen2_5_vl.py
/// and modeling_whisper.py.

/// SigLIP and a projector of its pooled patches (Gemma 3).
[[nodiscard]] EncoderShape siglip_encoder(const HfJson& config, std::int64_t hidden);
/// One tile of Llama 4's vision model, its pixel-shuffle MLP and projector.
[[nodiscard]] EncoderShape llama4_encoder(const HfJson& config, std::int64_t hidden);
/// Qwen2.5-VL takes pictures of any size, which its config does not say: the item is one of
/// 448 x 448, as on our card. Attention in windows is costed over the whole picture.
[[nodiscard]] EncoderShape qwen2_5_vl_encoder(const HfJson& config, std::int64_t hidden);
/// 30 s of sound, which the decoder attends to.
[[nodiscard]] EncoderShape whisper_encoder(const HfJson& config);

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_HF_ENCODERS_H_
