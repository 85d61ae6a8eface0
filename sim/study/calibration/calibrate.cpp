// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "models/calibration/fits_text.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewestRows = 50;
constexpr std::string_view kCalibration = "calibration:";

/// A file that the base names beside itself, as the one at `yaml` has to name it.
std::string seen_from(const fs::path& yaml, const fs::path& base, std::string_view named) {
  named.remove_prefix(std::min(named.find_first_not_of(' '), named.size()));
  const fs::path there = fs::absolute(base).parent_path() / named;
  return fs::relative(there, fs::absolute(yaml).parent_path()).string();
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(path + ": cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_whole(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw UserError(path + ": cannot be written");
}

void check_enough(const KernelSet& set, const std::vector<MeasuredRow>& rows) {
  for (const MeasuredRow& row : rows) {
    if (row.ranks == 1) continue;
    throw ConfigError(
        fmt::format("{}: a row over {} ranks cannot be fitted", set.text(), row.ranks));
  }
  if (rows.size() >= kFewestRows) return;
  throw ConfigError(fmt::format("{}: {} rows are too few; {} are needed to leave some out",
                                set.text(), rows.size(), kFewestRows));
}

}  // namespace

std::vector<FitRecord> calibrate(const GpuSpec& gpu, const std::vector<MeasuredRow>& rows) {
  std::map<KernelSet, std::vector<MeasuredRow>> sets;
  for (const MeasuredRow& row : rows) sets[set_of(row)].push_back(row);
  for (const auto& [set, of_set] : sets) check_enough(set, of_set);
  std::vector<FitRecord> records;
  for (const auto& [set, of_set] : sets) records.push_back(fit_kernels(gpu, of_set));
  return records;
}

void write_calibrated(const std::string& base_path, const std::vector<FitRecord>& records,
                      const std::string& out, const std::string& memory_system) {
  const fs::path yaml(out);
  if (yaml.extension() != ".yaml") throw ConfigError("--out " + out + ": has to end in .yaml");
  std::istringstream base(read_whole(base_path));
  std::string text;
  std::string calibration;
  bool dropping = false;
  for (std::string line; std::getline(base, line);) {
    // What is fitted anew gives way, with what is indented under it.
    if (!line.empty() && line.front() != ' ' && line.front() != '#') {
      dropping = !memory_system.empty() && line.starts_with("memory_system:");
    }
    if (line.starts_with(kCalibration)) {
      calibration = line.substr(kCalibration.size());
    } else if (!dropping) {
      text += line + "\n";
    }
  }
  text += memory_system;
  if (!records.empty()) {
    fs::path fits = yaml;
    fits.replace_extension(".fits");
    write_whole(fits.string(), write_fits(records));
    calibration = " ./" + fits.filename().string();
  } else if (!calibration.empty()) {
    calibration = " " + seen_from(yaml, base_path, calibration);
  }
  if (!calibration.empty()) text += std::string(kCalibration) + calibration + "\n";
  write_whole(out, text);
}

std::vector<KernelFit> load_fits(const GpuSpec& gpu) {
  std::vector<KernelFit> fits;
  if (gpu.calibration.empty()) return fits;
  for (FitRecord& record : read_fits(read_whole(gpu.calibration), gpu.calibration)) {
    fits.emplace_back(gpu, std::move(record));
  }
  return fits;
}

}  // namespace orrery
