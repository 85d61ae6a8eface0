// SPDX-License-Identifier: Apache-2.0
#include "models/hf_encoders.h"

#include <fmt/format.h>

namespace orrery {
namespace {

constexpr std::int64_t kColours = 3;

EncoderShape widths_of(const HfJson& vision) {
  EncoderShape encoder;
  encoder.layers = vision.count("num_hidden_layers");
  encoder.hidden = vision.count("hidden_size");
  encoder.heads = vision.count("num_attention_heads");
  encoder.intermediate = vision.count("intermediate_size");
  if (encoder.hidden % encoder.heads != 0) {
    vision.refuse("num_attention_heads",
                  fmt::format("{} do not divide hidden_size {}", encoder.heads, encoder.hidden));
  }
  return encoder;
}

/// Patches of a square picture.
std::int64_t patches_of(const HfJson& vision) {
  const std::int64_t image = vision.count("image_size");
  const std::int64_t patch = vision.count("patch_size");
  if (patch > image) vision.refuse_value("patch_size", "at most image_size");
  return (image / patch) * (image / patch);
}

std::int64_t patch_weights(const HfJson& vision, std::int64_t hidden) {
  const std::int64_t patch = vision.count("patch_size");
  return vision.count_or("num_channels", kColours) * patch * patch * hidden;
}

}  // namespace

EncoderShape siglip_encoder(const HfJson& config, std::int64_t hidden) {
  const HfJson vision = config.object("vision_config");
  EncoderShape encoder = widths_of(vision);
  encoder.tokens = patches_of(vision);
  encoder.output_tokens = config.count_or("mm_tokens_per_image", 256);
  encoder.other_parameters = patch_weights(vision, encoder.hidden) + encoder.hidden  // patches
                             + encoder.tokens * encoder.hidden                       // positions
                             + encoder.hidden * hidden + encoder.hidden;  // projector and norm
  return encoder;
}

EncoderShape llama4_encoder(const HfJson& config, std::int64_t hidden) {
  const HfJson vision = config.object("vision_config");
  EncoderShape encoder = widths_of(vision);
  const std::int64_t patches = patches_of(vision);
  encoder.tokens = patches + 1;  // the class token
  // Only halving each side is known, so that four patches become one token.
  if (vision.real_or("pixel_shuffle_ratio", 0.5) != 0.5) {
    vision.refuse_value("pixel_shuffle_ratio", "0.5");
  }
  if (vision.flag_or("multi_modal_projector_bias", false)) {
    vision.refuse_value("multi_modal_projector_bias", "false");
  }
  encoder.output_tokens = patches / 4;
  const std::int64_t adapter = vision.count_or("projector_output_dim", 4096);
  encoder.other_parameters =
      patch_weights(vision, encoder.hidden) + encoder.hidden  // patches, class token
      + encoder.tokens * encoder.hidden + 2 * encoder.hidden  // positions, first norm
      + encoder.intermediate * vision.count_or("projector_input_dim", 4096)  // pixel-shuffle MLP
      + adapter * adapter + vision.count_or("vision_output_dim", 7680) * hidden;
  return encoder;
}

}  // namespace orrery
