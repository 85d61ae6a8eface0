// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/core/errors.h"
#include "sim/study/calibration/log_fit.h"

namespace orrery {
namespace {

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(path + ": cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Sources go into a quoted scalar.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string law_text(const StepLaw& law) {
  const auto ps = [](Duration time) { return fmt::format("{} ps", time.count()); };
  return fmt::format(
      "steps:\n  step: {}\n  token: {}\n  free_tokens: {}\n  request: {}\n  kv_token: {}\n"
      "  host_step: {}\n  host_request: {}\n  sources: {}\n",
      ps(law.step), ps(law.token), law.free_tokens, ps(law.request), ps(law.kv_token),
      ps(law.host_step), ps(law.host_request), quoted(law.sources));
}

}  // namespace

void write_with_steps(const std::string& base_path, const StepLaw& law, const std::string& out) {
  if (std::filesystem::path(out).extension() != ".yaml") {
    throw ConfigError("--out " + out + ": has to end in .yaml");
  }
  std::istringstream base(read_whole(base_path));
  std::string text;
  bool dropping = false;
  for (std::string line; std::getline(base, line);) {
    // What the base says of kernels or of another log gives way, with what is indented under it.
    if (!line.empty() && line.front() != ' ') {
      dropping = line.starts_with("calibration:") || line.starts_with("steps:");
    }
    if (!dropping) text += line + "\n";
  }
  std::ofstream file(out, std::ios::binary);
  file << text << law_text(law);
  file.close();
  if (!file) throw UserError(out + ": cannot be written");
}

}  // namespace orrery
