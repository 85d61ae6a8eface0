// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_ARGUMENTS_H_
#define ORRERY_KERNELS_HOST_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::kernels {

enum class Command : std::uint8_t { kHelp, kList, kCheck, kMeasure };

struct Arguments {
  Command command = Command::kHelp;
  /// Parts to measure or list, in their order; all if none was named.
  std::vector<std::string> parts;
  std::string out;
  std::string date;
  int device = 0;
  int passes = 1;
  /// Of the whole run; it stops at the first case after that, and a later one goes on.
  double seconds = 480;
  /// Of one case, all its repeats together.
  double case_ms = 12;
};

/// Throws std::invalid_argument with one line that says what is wrong and what is known.
[[nodiscard]] Arguments parse_arguments(const std::vector<std::string>& words);
[[nodiscard]] std::string usage();

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_ARGUMENTS_H_
