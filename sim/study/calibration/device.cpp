// SPDX-License-Identifier: Apache-2.0
#include "sim/study/calibration/device.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "sim/core/errors.h"

namespace orrery {
namespace {

/// The day goes into the table's rows; the shell knows it, and nothing of ours reads a clock.
constexpr const char* kScript =
    "command -v \"$0\" >/dev/null || exit 127\n"
    "exec \"$0\" measure --out \"$1\" --date \"$(date +%F)\" --device \"$2\"";
constexpr int kNotFound = 127;

int run(const std::string& program, const std::string& table, const std::string& device) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw UserError("orrery calibrate: cannot start another process");
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", kScript, program.c_str(), table.c_str(), device.c_str(), nullptr);
    _exit(kNotFound);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw UserError("orrery calibrate: lost sight of " + program);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

void measure_device(const std::string& program, int device, const std::string& table) {
  const int code = run(program, table, std::to_string(device));
  if (code == kNotFound) {
    throw ConfigError(fmt::format(
        "--device {}: there is no program {}; it is built where nvcc is, and --kernels says where "
        "it stands",
        device, program));
  }
  if (code != 0) {
    throw UserError(fmt::format("--device {}: {} ended with {} and measured nothing that is whole",
                                device, program, code));
  }
  if (!std::filesystem::exists(table)) {
    throw UserError(fmt::format("--device {}: {} wrote no {}", device, program, table));
  }
}

}  // namespace orrery
