// SPDX-License-Identifier: Apache-2.0
#include "models/cards/hf_layers.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "sim/core/errors.h"

namespace orrery {
namespace {

std::size_t period_of(const HfLayers& layers) {
  for (std::size_t period = 1; period < layers.size(); ++period) {
    std::size_t i = period;
    while (i < layers.size() && layers[i] == layers[i - period]) ++i;
    if (i == layers.size()) return period;
  }
  return layers.size();
}

std::int64_t window_of(const HfJson& config, const std::string& type) {
  constexpr std::array<std::string_view, 3> kTypes = {"full_attention", "sliding_attention",
                                                      "chunked_attention"};
  if (type == kTypes[0]) return 0;
  if (type == kTypes[1]) return config.count("sliding_window");
  if (type == kTypes[2]) return config.count("attention_chunk_size");
  config.refuse("layer_types", fmt::format("has '{}'; {}", type, known_names(type, kTypes)));
}

}  // namespace

HfLayers plain_layers(std::int64_t layers) { return HfLayers(static_cast<std::size_t>(layers)); }

bool set_listed_windows(const HfJson& config, HfLayers& layers) {
  if (!config.has("layer_types")) return false;
  const std::vector<std::string> types = config.texts("layer_types");
  if (types.size() != layers.size()) {
    config.refuse("layer_types", fmt::format("names {} layers of {}", types.size(), layers.size()));
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    layers[i].sliding_window = window_of(config, types[i]);
  }
  return true;
}

void set_windows(std::int64_t window, std::int64_t period, HfLayers& layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool whole = period > 0 && (static_cast<std::int64_t>(i) + 1) % period == 0;
    layers[i].sliding_window = whole ? 0 : window;
  }
}

void set_layers(const HfLayers& layers, ModelCard& card) {
  card.layers = static_cast<std::int64_t>(layers.size());
  card.groups.clear();
  const std::size_t period = period_of(layers);
  if (period == 1) {
    card.sliding_window = layers[0].sliding_window;
    if (card.layer(0) == layers[0]) return;
    card.sliding_window = 0;
  }
  for (std::size_t i = 0; i < period; ++i) {
    if (i > 0 && layers[i] == layers[i - 1]) {
      ++card.groups.back().count;
    } else {
      card.groups.push_back(layers[i]);
    }
  }
}

}  // namespace orrery
