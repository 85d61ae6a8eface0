// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <functional>

#include "sim/app/arguments.h"
#include "sim/app/command.h"
#include "sim/config/option_rows.h"
#include "sim/config/options.h"
#include "sim/hardware/hbm/memory_config.h"
#include "sim/study/catalogue.h"
#include "sim/study/scenario.h"
#include "sim/workload/trace_formats.h"

namespace orrery {
namespace {

void print_options(const std::function<void(Describer&)>& describe, std::string_view indent) {
  for (const OptionRow& row : option_rows(collect_options(describe))) {
    fmt::print("{}{:<40} {:<28} {:<16} {}", indent, row.key_path, row.type, row.default_text,
               row.help);
    if (!row.range.empty()) fmt::print(" ({})", row.range);
    if (!row.only_with.empty()) fmt::print(" [with {}]", row.only_with);
    fmt::print("\n");
  }
}

template <class AnyRegistry>
void print_plugins(const AnyRegistry& registry) {
  for (const auto& entry : registry.entries()) {
    fmt::print("  {:<20} {}\n", entry.name, entry.help);
    const auto prepared = entry.prepare();
    print_options([&](Describer& d) { prepared->describe(d); }, "    ");
  }
}

void print_files(std::string_view kind) {
  for (const std::string& name : shipped(kind)) fmt::print("  {}\n", name);
}

void print_traces() {
  for (const TraceFormat& format : trace_formats()) {
    fmt::print("  {:<16} {}\n", format.name, format.help);
  }
}

struct Topic {
  std::string_view name;
  std::function<void(const Policies&)> print;
};

std::vector<Topic> topics() {
  return {
      {"schedulers", [](const Policies& p) { print_plugins(p.schedulers); }},
      {"eviction", [](const Policies& p) { print_plugins(p.eviction); }},
      {"routers", [](const Policies& p) { print_plugins(p.routers); }},
      {"engines", [](const Policies&) { print_files("engines"); }},
      {"hardware", [](const Policies&) { print_files("hardware"); }},
      {"memory",
       [](const Policies&) {
         print_files("hardware/memory");
         fmt::print("  options of orrery memory DEVICE --set:\n");
         hbm::MemoryConfig config;
         print_options([&](Describer& d) { config.describe(d); }, "    ");
       }},
      {"pim", [](const Policies&) { print_files("hardware/pim"); }},
      {"machines", [](const Policies&) { print_files("hardware/nodes"); }},
      {"clusters", [](const Policies&) { print_files("hardware/clusters"); }},
      {"drives", [](const Policies&) { print_files("hardware/storage"); }},
      {"links", [](const Policies&) { print_files("hardware/links"); }},
      {"models", [](const Policies&) { print_files("models"); }},
      {"traces", [](const Policies&) { print_traces(); }},
      {"options",
       [](const Policies& p) {
         Scenario scenario(p);
         print_options([&](Describer& d) { scenario.describe(d); }, "  ");
       }},
  };
}

}  // namespace

int list_command(const std::vector<std::string>& words, const Policies& policies) {
  if (words.size() > 1) throw ConfigError("orrery list: takes at most one topic");
  std::vector<std::string_view> names;
  bool found = false;
  const std::vector<Topic> all = topics();
  for (const Topic& topic : all) {
    names.push_back(topic.name);
    if (!words.empty() && words[0] != topic.name) continue;
    found = true;
    fmt::print("{}:\n", topic.name);
    topic.print(policies);
  }
  if (!found) {
    throw ConfigError("orrery list: no topic is called '" + words[0] + "'; " +
                      known_names(words[0], names));
  }
  return 0;
}

}  // namespace orrery
