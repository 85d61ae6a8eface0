// SPDX-License-Identifier: Apache-2.0
#include "models/cards/hf_encoders.h"

#include <fmt/format.h>

namespace orrery {
namespace {

constexpr std::int64_t kColours = 3;

void check_heads(const HfJson& config, const char* key, const EncoderShape& encoder) {
  if (encoder.hidden % encoder.heads == 0) return;
  config.refuse(key, fmt::format("{} heads do not divide the encoder's width {}", encoder.heads,
                                 encoder.hidden));
}

EncoderShape widths_of(const HfJson& vision) {
  EncoderShape encoder;
  encoder.layers = vision.count("num_hidden_layers");
  encoder.hidden = vision.count("hidden_size");
  encoder.heads = vision.count("num_attention_heads");
  encoder.intermediate = vision.count("intermediate_size");
  check_heads(vision, "num_attention_heads", encoder);
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

EncoderShape qwen2_5_vl_encoder(const HfJson& config, std::int64_t hidden) {
  constexpr std::int64_t kSide = 448;
  const HfJson vision = config.object("vision_config");
  EncoderShape encoder;
  encoder.layers = vision.count("depth");
  encoder.hidden = vision.count("hidden_size");
  encoder.heads = vision.count("num_heads");
  encoder.intermediate = vision.count("intermediate_size");
  check_heads(vision, "num_heads", encoder);
  encoder.gated = true;
  encoder.layer_norm = false;
  if (vision.count("out_hidden_size") != hidden) {
    vision.refuse_value("out_hidden_size", fmt::format("the decoder's width {}", hidden));
  }
  const std::int64_t patch = vision.count("patch_size");
  const std::int64_t merge = vision.count("spatial_merge_size");
  if (kSide % (patch * merge) != 0) {
    vision.refuse("patch_size", fmt::format("{} x {} does not divide a picture of {} x {}", patch,
                                            merge, kSide, kSide));
  }
  encoder.tokens = (kSide / patch) * (kSide / patch);
  encoder.output_tokens = encoder.tokens / (merge * merge);
  const char* channels = vision.has("in_chans") ? "in_chans" : "in_channels";
  const std::int64_t merged = merge * merge * encoder.hidden;
  encoder.other_parameters = vision.count_or(channels, kColours) *
                                 vision.count_or("temporal_patch_size", 2) * patch * patch *
                                 encoder.hidden          // patches, of two pictures each
                             + merged * merged + merged  // merger
                             + merged * hidden + hidden;
  return encoder;
}

EncoderShape whisper_encoder(const HfJson& config) {
  constexpr std::int64_t kTaps = 3;
  EncoderShape encoder;
  encoder.layers = config.count("encoder_layers");
  encoder.hidden = config.count("d_model");
  encoder.heads = config.count("encoder_attention_heads");
  encoder.intermediate = config.count("encoder_ffn_dim");
  check_heads(config, "encoder_attention_heads", encoder);
  encoder.attention_biases = 3;
  encoder.tokens = encoder.output_tokens = config.count_or("max_source_positions", 1500);
  encoder.cross_attention = true;
  const std::int64_t mel = config.count_or("num_mel_bins", 80);
  encoder.other_parameters = (mel + encoder.hidden) * encoder.hidden * kTaps +
                             2 * encoder.hidden                  // two convolutions
                             + encoder.tokens * encoder.hidden;  // positions
  return encoder;
}

}  // namespace orrery
