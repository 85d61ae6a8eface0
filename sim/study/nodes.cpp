// SPDX-License-Identifier: Apache-2.0
#include "sim/study/nodes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/study/catalogue.h"

namespace orrery {
namespace {

constexpr std::string_view kNodes = "hardware/nodes";

NodeSpec read_node(const std::string& path) {
  NodeSpec node;
  read(load_yaml(path), node);
  return node;
}

GpuSpec read_card(const std::string& path) {
  GpuSpec card;
  read(load_yaml(path), card);
  return card;
}

/// A path needs no folder of shipped files.
bool is_shipped_node(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".yaml")) return false;
  const auto names = shipped(kNodes);
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A card has the sections of a GPU, a node names one.
bool is_card(const std::string& path) { return load_yaml(path).find("gpus") == nullptr; }

/// A card of one's own is known by the name that the part has in it.
NodeSpec node_of_gpu(const std::string& path, const Position& at, std::string_view key) {
  const std::string gpu = std::filesystem::path(path).stem().string();
  const std::string part = read_card(path).name;
  for (const std::string& name : shipped(kNodes)) {
    NodeSpec node = read_node(find_config(kNodes, name, {}, ""));
    std::vector<std::string> cards = node.also;
    cards.push_back(node.gpu);
    const bool fits = std::any_of(cards.begin(), cards.end(), [&](const std::string& card) {
      return card == gpu || load_gpu(card, {}).name == part;
    });
    if (fits) return node;
  }
  throw ConfigError(at, key,
                    fmt::format("no machine in configs/{} is full of '{}'; known: {}", kNodes, gpu,
                                fmt::join(shipped(kNodes), ", ")));
}

/// The file of `name`, whether a card's or a node's.
std::string find_hardware(const std::string& name, const Position& at, std::string_view key) {
  return find_config(is_shipped_node(name) ? kNodes : "hardware", name, at, key);
}

}  // namespace

NodeSpec load_node(const std::string& name, const Position& at, std::string_view key) {
  const std::string path = find_hardware(name, at, key);
  if (!is_card(path)) return read_node(path);
  return node_of_gpu(path, at, key);
}

Hardware load_hardware(const std::string& name, const Position& at) {
  const std::string path = find_hardware(name, at, "hardware");
  if (is_card(path)) return {read_card(path), std::nullopt};
  NodeSpec node = read_node(path);
  GpuSpec gpu = load_gpu(node.gpu, at);
  return {std::move(gpu), std::move(node)};
}

}  // namespace orrery
