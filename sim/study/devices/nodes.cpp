// SPDX-License-Identifier: Apache-2.0
#include "sim/study/devices/nodes.h"

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
constexpr std::string_view kClusters = "hardware/clusters";

/// A path needs no folder of shipped files.
bool is_shipped(std::string_view folder, const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".yaml")) return false;
  const auto names = shipped(folder);
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class Spec>
Spec read_spec(const std::string& path) {
  Spec spec;
  read(load_yaml(path), spec);
  return spec;
}

/// A card has the sections of a GPU, a node names one.
bool is_card(const std::string& path) { return load_yaml(path).find("gpus") == nullptr; }

std::vector<std::string> cards_of(const NodeSpec& node) {
  std::vector<std::string> cards = node.also;
  cards.push_back(node.gpu);
  return cards;
}

/// A card of one's own is known by the name that the part has in it.
NodeSpec node_of_gpu(const std::string& path, const Position& at, std::string_view key) {
  const std::string gpu = std::filesystem::path(path).stem().string();
  std::vector<NodeSpec> nodes;
  for (const std::string& name : shipped(kNodes)) {
    nodes.push_back(read_spec<NodeSpec>(find_config(kNodes, name, {}, "")));
    const auto cards = cards_of(nodes.back());
    if (std::find(cards.begin(), cards.end(), gpu) != cards.end()) return nodes.back();
  }
  const std::string part = read_spec<GpuSpec>(path).name;
  for (const NodeSpec& node : nodes) {
    for (const std::string& card : cards_of(node)) {
      if (load_gpu(card, {}).name == part) return node;
    }
  }
  throw ConfigError(at, key,
                    fmt::format("no machine in configs/{} is full of '{}'; known: {}", kNodes, gpu,
                                fmt::join(shipped(kNodes), ", ")));
}

/// The file of `name`, whether a card's or a node's.
std::string find_hardware(const std::string& name, const Position& at, std::string_view key) {
  return find_config(is_shipped(kNodes, name) ? kNodes : "hardware", name, at, key);
}

ClusterSpec read_cluster(const std::string& path) {
  auto cluster = read_spec<ClusterSpec>(path);
  cluster.node = load_node(cluster.node_name, {path, 0, 0}, "node");
  return cluster;
}

}  // namespace

NodeSpec load_node(const std::string& name, const Position& at, std::string_view key) {
  const std::string path = find_hardware(name, at, key);
  if (!is_card(path)) return read_spec<NodeSpec>(path);
  return node_of_gpu(path, at, key);
}

FabricHardware load_fabric_hardware(const std::string& name) {
  std::string path;
  for (const std::string_view folder :
       {kClusters, std::string_view("hardware/storage"), std::string_view("hardware/links")}) {
    if (is_shipped(folder, name)) path = find_config(folder, name, {}, "fabric");
  }
  if (path.empty()) path = find_hardware(name, {}, "fabric");
  const Node file = load_yaml(path);
  if (file.find("nodes") != nullptr) return read_cluster(path);
  if (file.find("queue_depth") != nullptr) return read_spec<NvmeOptions>(path);
  if (file.find("ends") != nullptr) return read_spec<LinkSpec>(path);
  return load_node(name);
}

Hardware load_hardware(const std::string& name, const Position& at) {
  const bool shipped_cluster = is_shipped(kClusters, name);
  const std::string path = shipped_cluster ? find_config(kClusters, name, at, "hardware")
                                           : find_hardware(name, at, "hardware");
  if (shipped_cluster || load_yaml(path).find("nodes") != nullptr) {
    ClusterSpec cluster = read_cluster(path);
    GpuSpec gpu = load_gpu(cluster.node.gpu, at);
    return {std::move(gpu), std::move(cluster), std::nullopt};
  }
  if (is_card(path)) return {read_spec<GpuSpec>(path), std::nullopt, std::nullopt};
  auto node = read_spec<NodeSpec>(path);
  GpuSpec gpu = load_gpu(node.gpu, at);
  return {std::move(gpu), std::nullopt, std::move(node)};
}

}  // namespace orrery
