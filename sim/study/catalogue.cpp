// SPDX-License-Identifier: Apache-2.0
#include "sim/study/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "sim/config/reader.h"
#include "sim/config/yaml.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".json");
}

}  // namespace

std::string configs_folder() {
  const char* named = std::getenv("ORRERY_CONFIGS");
  if (named != nullptr && *named != '\0') {
    if (fs::is_directory(named)) return named;
    throw ConfigError("ORRERY_CONFIGS: there is no folder '" + std::string(named) + "'");
  }
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (; !folder.empty(); folder = folder.parent_path()) {
    if (fs::is_directory(folder / "configs" / "models")) return (folder / "configs").string();
    const fs::path installed = folder / "share" / "orrery" / "configs";
    if (fs::is_directory(installed)) return installed.string();
    if (folder == folder.root_path()) break;
  }
  throw ConfigError("no folder configs/ beside or above the program; set ORRERY_CONFIGS to it");
}

std::vector<std::string> shipped(std::string_view kind) {
  std::vector<std::string> names;
  const fs::path folder = fs::path(configs_folder()) / kind;
  if (!fs::is_directory(folder)) return names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string find_config(std::string_view kind, const std::string& name, const Position& at,
                        std::string_view key) {
  if (is_path(name)) {
    std::string path = resolve_path(at, name);
    if (fs::is_regular_file(path)) return path;
    throw ConfigError(at, key, "there is no file '" + path + "'");
  }
  const std::vector<std::string> names = shipped(kind);
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    throw ConfigError(at, key, "'" + name + "' is not shipped; " + known_names(name, known));
  }
  return (fs::path(configs_folder()) / kind / (name + ".yaml")).string();
}

ModelCard load_model(const std::string& name, const Position& at) {
  const std::string path = find_config("models", name, at, "model");
  if (path.ends_with(".json")) return model_card_from_hf_config(path);
  ModelCard card;
  read(load_yaml(path), card);
  return card;
}

GpuSpec load_gpu(const std::string& name, const Position& at) {
  GpuSpec gpu;
  read(load_yaml(find_config("hardware", name, at, "hardware")), gpu);
  return gpu;
}

}  // namespace orrery
