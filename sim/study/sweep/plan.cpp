// SPDX-License-Identifier: Apache-2.0
#include "sim/study/sweep/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "sim/config/overrides.h"
#include "sim/config/reader.h"
#include "sim/config/yaml.h"
#include "sim/core/hash.h"
#include "sim/study/input_files.h"
#include "sim/study/version.h"

namespace orrery {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"scenario", "grid", "points", "replications"};
constexpr std::int64_t kMostReplications = 10'000;
constexpr std::size_t kMostPoints = 100'000;

/// What a point says instead of its scenario: entries of the grid and of the list of points.
using Settings = std::vector<Node::Entry>;

struct Axis {
  std::string key;
  Position at;
  std::vector<Node> values;
};

void check_keys(const Node& sweep) {
  if (!sweep.is(Node::Kind::kMapping)) {
    throw ConfigError(sweep.at, {}, "a sweep is a mapping, this is " + shown(sweep));
  }
  for (const Node::Entry& entry : sweep.entries) {
    if (std::find(kKeys.begin(), kKeys.end(), entry.key) != kKeys.end()) continue;
    throw ConfigError(entry.at, one_line(entry.key),
                      "is not a key of a sweep; " + known_names(entry.key, kKeys));
  }
  if (sweep.find("scenario") == nullptr) {
    throw ConfigError(sweep.at, "scenario", "is missing: a path, or a mapping");
  }
}

/// The scenario that points differ from, and its file.
std::pair<Node, std::string> base_scenario(const Node& sweep) {
  const Node& named = *sweep.find("scenario");
  if (named.is(Node::Kind::kMapping)) return {named, sweep.at.file};
  if (!named.is(Node::Kind::kScalar)) {
    throw ConfigError(named.at, "scenario", "is a path or a mapping, not " + shown(named));
  }
  std::string path = resolve_path(named.at, named.text);
  Node tree = load_yaml(path);
  return {std::move(tree), std::move(path)};
}

std::vector<Axis> grid_of(const Node& sweep) {
  std::vector<Axis> axes;
  const Node* grid = sweep.find("grid");
  if (grid == nullptr) return axes;
  if (!grid->is(Node::Kind::kMapping)) {
    throw ConfigError(grid->at, "grid", "is a mapping of lists, not " + shown(*grid));
  }
  for (const Node::Entry& entry : grid->entries) {
    if (!entry.value.is(Node::Kind::kList) || entry.value.items.empty()) {
      throw ConfigError(entry.value.at, "grid." + one_line(entry.key),
                        "is a list of values, not " + shown(entry.value));
    }
    axes.push_back({entry.key, entry.at, entry.value.items});
  }
  return axes;
}

std::vector<Settings> combinations(const std::vector<Axis>& axes, const Position& at) {
  std::vector<Settings> all = {{}};
  for (const Axis& axis : axes) {
    if (axis.values.size() > kMostPoints / all.size()) {
      throw ConfigError(at, "grid", fmt::format("has more than {} points", kMostPoints));
    }
    std::vector<Settings> longer;
    for (const Settings& settings : all) {
      for (const Node& value : axis.values) {
        longer.push_back(settings);
        longer.back().push_back({axis.key, axis.at, value});
      }
    }
    all = std::move(longer);
  }
  return all;
}

std::vector<Settings> listed_points(const Node& sweep) {
  std::vector<Settings> all;
  const Node* points = sweep.find("points");
  if (points == nullptr) return all;
  if (!points->is(Node::Kind::kList)) {
    throw ConfigError(points->at, "points", "is a list of mappings, not " + shown(*points));
  }
  for (const Node& point : points->items) {
    if (!point.is(Node::Kind::kMapping)) {
      throw ConfigError(point.at, fmt::format("points[{}]", all.size()),
                        "is a mapping of keys to values, not " + shown(point));
    }
    all.push_back(point.entries);
  }
  return all;
}

/// A sweep without a grid and points is its scenario alone, which replications may repeat.
std::vector<Settings> all_settings(const Node& sweep) {
  std::vector<Settings> all;
  const std::vector<Axis> axes = grid_of(sweep);
  std::vector<Settings> points = listed_points(sweep);
  if (!axes.empty() || points.empty()) all = combinations(axes, sweep.at);
  std::move(points.begin(), points.end(), std::back_inserter(all));
  return all;
}

std::int64_t replications_of(const Node& sweep) {
  std::int64_t replications = 1;
  Node alone;
  alone.kind = Node::Kind::kMapping;
  alone.at = sweep.at;
  if (const Node::Entry* entry = sweep.entry("replications")) alone.entries.push_back(*entry);
  read(alone, [&](Describer& d) {
    d.field("replications", replications, Range::between(1, kMostReplications),
            "Runs of each point, with seed, seed + 1, ...");
  });
  return replications;
}

std::vector<std::string> columns_of(const std::vector<Settings>& all) {
  std::vector<std::string> columns;
  for (const Settings& settings : all) {
    for (const Node::Entry& entry : settings) {
      if (std::find(columns.begin(), columns.end(), entry.key) == columns.end()) {
        columns.push_back(entry.key);
      }
    }
  }
  return columns;
}

std::string name_of(const Settings& settings) {
  std::string name;
  for (const Node::Entry& entry : settings) {
    name +=
        fmt::format("{}{}={}", name.empty() ? "" : ", ", entry.key, text_of(cell_of(entry.value)));
  }
  return name;
}

/// Where the last of a point's values stands; the whole sweep for a point without any.
Position place_of(const Settings& settings, const Node& sweep) {
  return settings.empty() ? sweep.at : settings.back().value.at;
}

Node whole_number(std::int64_t value, const Position& at) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.at = at;
  node.text = fmt::format("{}", value);
  return node;
}

class Planner {
 public:
  Planner(const Node& sweep, const Policies& policies, std::string_view program)
      : sweep_(sweep), policies_(policies) {
    plan_.program = program;
    check_keys(sweep);
    std::tie(base_, path_) = base_scenario(sweep);
  }

  [[nodiscard]] SweepPlan plan() {
    const std::vector<Settings> all = all_settings(sweep_);
    const std::int64_t replications = replications_of(sweep_);
    plan_.columns = columns_of(all);
    if (all.size() > kMostPoints / static_cast<std::size_t>(replications)) {
      throw ConfigError(sweep_.at, {}, fmt::format("has more than {} runs", kMostPoints));
    }
    for (const Settings& settings : all) {
      for (std::int64_t i = 0; i < replications; ++i) add(settings, i);
    }
    return std::move(plan_);
  }

 private:
  void add(const Settings& settings, std::int64_t replication) {
    Scenario scenario = scenario_of(settings, replication);
    const std::string key = key_of(scenario);
    const auto [there, is_new] = points_.emplace(key, name_of(settings));
    if (!is_new) {
      throw ConfigError(
          place_of(settings, sweep_), {},
          fmt::format("the point {} (seed {}) is the same run as {}", one_line(name_of(settings)),
                      scenario.seed, one_line(there->second)));
    }
    std::vector<Cell> values = values_of(settings, scenario);
    plan_.points.push_back({key, std::move(values), replication, std::move(scenario)});
  }

  [[nodiscard]] Scenario scenario_of(const Settings& settings, std::int64_t replication) const {
    Node tree = base_;
    try {
      for (const Node::Entry& entry : settings) {
        set_value(tree, entry.key, entry.value, entry.at);
      }
      Scenario first = read_scenario(tree, path_, policies_);
      if (replication == 0) return first;
      set_value(tree, "seed", whole_number(first.seed + replication, sweep_.at));
      return read_scenario(std::move(tree), path_, policies_);
    } catch (const ConfigError& error) {
      // One value may only be wrong beside another one.
      if (settings.size() < 2) throw;
      throw ConfigError(
          fmt::format("{} (in the point {})", error.what(), one_line(name_of(settings))));
    }
  }

  [[nodiscard]] std::string key_of(const Scenario& scenario) {
    std::uint64_t hash = mix(hash_text(plan_.program), hash_text(scenario.config_json));
    for (const std::string& file : input_files(scenario)) {
      auto [there, is_new] = files_.emplace(file, 0);
      if (is_new) there->second = hash_of_file(file);
      hash = mix(hash, there->second);
    }
    return fmt::format("{:016x}", hash);
  }

  [[nodiscard]] std::vector<Cell> values_of(const Settings& settings,
                                            const Scenario& scenario) const {
    std::vector<Cell> values;
    for (const std::string& column : plan_.columns) {
      const auto entry = std::find_if(settings.begin(), settings.end(),
                                      [&](const Node::Entry& e) { return e.key == column; });
      values.push_back(entry != settings.end() ? cell_of(entry->value)
                                               : cell_at(scenario.config_json, column));
    }
    // Replications differ in it, so the column says what was run.
    const auto seed = std::find(plan_.columns.begin(), plan_.columns.end(), "seed");
    if (seed != plan_.columns.end()) {
      values[static_cast<std::size_t>(seed - plan_.columns.begin())] = scenario.seed;
    }
    return values;
  }

  const Node& sweep_;
  const Policies& policies_;
  Node base_;
  std::string path_;
  SweepPlan plan_;
  std::map<std::string, std::string> points_;
  std::map<std::string, std::uint64_t> files_;
};

}  // namespace

std::string program_identity() {
  std::string identity = fmt::format("{} ({})", version(), commit());
  if (commit() == "unknown" || commit().ends_with("+changes")) {
    identity += fmt::format(" {:016x}", hash_of_file("/proc/self/exe"));
  }
  return identity;
}

SweepPlan plan_sweep(const Node& sweep, const Policies& policies, std::string_view program) {
  return Planner(sweep, policies, program).plan();
}

SweepPlan load_sweep(const std::string& path, const Policies& policies) {
  return plan_sweep(load_yaml(path), policies, program_identity());
}

std::string name_of(const SweepPlan& plan, const SweepPoint& point) {
  std::string name;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    name +=
        fmt::format("{}{}={}", name.empty() ? "" : ", ", plan.columns[i], text_of(point.values[i]));
  }
  if (point.replication > 0) {
    name += fmt::format("{}replication {}", name.empty() ? "" : ", ", point.replication);
  }
  return name.empty() ? "the scenario" : one_line(name);
}

}  // namespace orrery
