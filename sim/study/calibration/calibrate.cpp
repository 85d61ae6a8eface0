// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/calibrate.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "models/calibration/fits_text.h"
#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::size_t kFewestRows = 50;

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
                      const std::string& out) {
  namespace fs = std::filesystem;
  const fs::path yaml(out);
  if (yaml.extension() != ".yaml") throw ConfigError("--out " + out + ": has to end in .yaml");
  fs::path fits = yaml;
  fits.replace_extension(".fits");
  std::istringstream base(read_whole(base_path));
  std::string text;
  for (std::string line; std::getline(base, line);) {
    if (!line.starts_with("calibration:")) text += line + "\n";
  }
  text += "calibration: ./" + fits.filename().string() + "\n";
  write_whole(fits.string(), write_fits(records));
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
