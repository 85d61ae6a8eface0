// SPDX-License-Identifier: Apache-2.0
#include "sim/app/app.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <exception>

#include "sim/app/command.h"
#include "sim/core/check.h"
#include "sim/core/errors.h"
#include "sim/study/version.h"

namespace orrery {
namespace {

constexpr int kRunFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kBadTrace = 3;
constexpr int kBug = 70;

constexpr std::array<Command, 10> kCommands = {{
    {"run",
     "SCENARIO.yaml [--set key.path=value ...] [--out DIR] [--seed N] [--timeline FILE] "
     "[--step-by-step] [--steps] [--json]",
     "Simulate a scenario.", run_command},
    {"explain", "SCENARIO.yaml --prefill TOKENS[@CONTEXT] ... --decode COUNT@CONTEXT ... [--json]",
     "Show what one step costs, operator by operator.", explain_command},
    {"fabric",
     "HARDWARE.yaml --collective all_reduce --bytes 64MiB [--ranks 8] | --transfer SRC DST "
     "[--json]",
     "Time a collective or a copy on one machine.", fabric_command},
    {"sweep", "SWEEP.yaml --out RESULTS.db [--jobs N] [--csv FILE]",
     "Run a grid of scenarios; resumable.", sweep_command},
    {"memory",
     "DEVICE.yaml --trace FILE [--set key=value ...] [--rate GB/s] [--commands FILE] [--json] | "
     "GPU "
     "--patterns [--model MODEL] [--json]",
     "Serve a trace of accesses from one memory, command by command; or rate a GPU's memory.",
     memory_command},
    {"pim",
     "DEVICE.yaml --gemv MxN | --attention HEADSxKVHEADSxDIMxCONTEXT | --add N | --commands FILE "
     "[--set key=value ...] [--host-gb-per-s R] [--json]",
     "Compute in one memory, command by command.", pim_command},
    {"calibrate", "--from TABLE.csv ... --hardware BASE.yaml --out FILE.yaml [--format FORMAT]",
     "Fit a GPU's kernels to measured tables.", calibrate_command},
    {"validate", "TABLE.csv --hardware H [--format FORMAT] [--json] [--out FILE.csv]",
     "Predicted against measured kernels, error by group.", validate_command},
    {"list", "[schedulers|eviction|routers|engines|hardware|models|traces|options]",
     "Show what a scenario can name.", list_command},
    {"schema", "", "Print the JSON Schema of a scenario.", schema_command},
}};

void print_usage(std::FILE* to) {
  fmt::print(to, "orrery {}: what will GPUs do with a recorded LLM workload?\n\n", version());
  for (const Command& command : kCommands) {
    fmt::print(to, "  orrery {:<8} {}\n{:18}{}\n", command.name, command.arguments, "",
               command.help);
  }
}

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

int dispatch(const std::vector<std::string>& words, const Policies& policies) {
  if (words.empty()) {
    print_usage(stderr);
    return kBadUsage;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_usage(stdout);
    return 0;
  }
  if (words[0] == "--version") {
    fmt::print("orrery {} ({})\n", version(), commit());
    return 0;
  }
  if (const Command* command = find_command(words[0])) {
    return command->run({words.begin() + 1, words.end()}, policies);
  }
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  throw ConfigError("no command is called '" + words[0] + "'; " + known_names(words[0], names));
}

int say(int code, std::string_view line) {
  fmt::print(stderr, "{}\n", line);
  return code;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int main(int argc, char** argv, const Policies& policies) {
  try {
    return dispatch({argv + 1, argv + argc}, policies);
  } catch (const TraceError& error) {
    return say(kBadTrace, error.what());
  } catch (const ConfigError& error) {
    return say(kBadUsage, error.what());
  } catch (const UserError& error) {
    return say(kRunFailed, error.what());
  } catch (const std::exception& error) {
    return say(kBug, std::string("a bug in Orrery: ") + error.what());
  }
}

}  // namespace orrery
