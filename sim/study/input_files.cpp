// SPDX-License-Identifier: Apache-2.0
#include "sim/study/input_files.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/core/errors.h"
#include "sim/core/hash.h"
#include "sim/study/catalogue.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

void add_card(std::string_view kind, const std::string& name, const Position& at,
              std::vector<std::string>& files) {
  try {
    files.push_back(find_config(kind, name, at, kind));
  } catch (const ConfigError&) {
    // Building the scenario's world says so, in the run that it is part of.
  }
}

/// A workload names its files under `path` wherever it does, and a scenario nests a few levels.
void add_paths(const nlohmann::json& tree, const fs::path& folder,
               std::vector<std::string>& files) {
  if (!tree.is_structured()) return;
  for (const auto& [key, value] : tree.items()) {
    if (tree.is_object() && key == "path" && value.is_string()) {
      const fs::path path = folder / value.get<std::string>();
      if (fs::is_regular_file(path)) files.push_back(path.string());
    }
    add_paths(value, folder, files);
  }
}

}  // namespace

std::vector<std::string> input_files(const Scenario& scenario) {
  std::vector<std::string> files;
  if (scenario.model) add_card("models", *scenario.model, scenario.model_at, files);
  if (scenario.hardware) add_card("hardware", *scenario.hardware, scenario.hardware_at, files);
  const auto config = nlohmann::json::parse(scenario.config_json);
  add_paths(config.value("workload", nlohmann::json()), fs::path(scenario.path).parent_path(),
            files);
  return files;
}

std::uint64_t hash_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 65536> buffer{};
  std::uint64_t hash = 0;
  std::uint64_t total = 0;
  while (file) {
    buffer.fill(0);
    file.read(buffer.data(), buffer.size());
    const auto count = static_cast<std::size_t>(file.gcount());
    total += count;
    for (std::size_t at = 0; at < count; at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, buffer.data() + at, sizeof(word));
      hash = mix(hash, word);
    }
  }
  if (!file.eof()) throw RunError(fmt::format("{}: cannot be read", path));
  return mix(hash, total);  // the last word was filled up with zeros
}

}  // namespace orrery
