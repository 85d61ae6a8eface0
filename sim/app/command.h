// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_APP_COMMAND_H_
#define ORRERY_SIM_APP_COMMAND_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/policies/builtin.h"

namespace orrery {

/// One word after `orrery`. Each has a file of its own in this folder.
struct Command {
  std::string_view name;
  /// What stands after the name in a usage line.
  std::string_view arguments;
  std::string_view help;
  /// Gets what stood after the name; gives the exit code.
  int (*run)(const std::vector<std::string>& words, const Policies& policies);
};

[[nodiscard]] std::span<const Command> commands();

int run_command(const std::vector<std::string>& words, const Policies& policies);
int list_command(const std::vector<std::string>& words, const Policies& policies);
int schema_command(const std::vector<std::string>& words, const Policies& policies);
int explain_command(const std::vector<std::string>& words, const Policies& policies);
int fabric_command(const std::vector<std::string>& words, const Policies& policies);
int memory_command(const std::vector<std::string>& arguments, const Policies& policies);
int pim_command(const std::vector<std::string>& words, const Policies& policies);
int calibrate_command(const std::vector<std::string>& arguments, const Policies& policies);
int validate_command(const std::vector<std::string>& arguments, const Policies& policies);
int sweep_command(const std::vector<std::string>& words, const Policies& policies);

}  // namespace orrery

#endif  // ORRERY_SIM_APP_COMMAND_H_
