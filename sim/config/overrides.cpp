// SPDX-License-Identifier: Apache-2.0
#include "sim/config/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "sim/config/yaml.h"

namespace orrery {
namespace {

/// One step of a key path: into a mapping by name, or into a list by index.
struct Step {
  std::string_view key;
  std::size_t index = 0;
  bool into_list = false;
  /// The path up to and including this step.
  std::string_view path;
};

Position set_position(std::string_view key_path) {
  return {fmt::format("--set {}", one_line(key_path))};
}

/// A key path and where it was written.
struct Written {
  std::string_view key_path;
  Position at;
  /// What an error says between the position and the trouble.
  std::string said;
};

[[noreturn]] void fail(const Written& written, std::string_view what) {
  throw ConfigError(written.at, written.said, what);
}

Written on_command_line(std::string_view key_path) {
  return {key_path, set_position(key_path), {}};
}

Step index_step(const Written& written, std::size_t open) {
  const std::string_view key_path = written.key_path;
  const std::size_t close = key_path.find(']', open);
  Step step;
  step.into_list = true;
  if (close != std::string_view::npos) {
    const char* begin = key_path.data() + open + 1;
    const char* end = key_path.data() + close;
    const auto parsed = std::from_chars(begin, end, step.index);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      step.path = key_path.substr(0, close + 1);
      return step;
    }
  }
  fail(written, "an index is written [0], [1], ...");
}

/// `a.b[0].c` as a, b, 0, c.
std::vector<Step> steps_of(const Written& written) {
  const std::string_view key_path = written.key_path;
  // Far beyond any option, and small enough to walk the tree by recursion.
  constexpr std::size_t kMostSteps = 64;
  std::vector<Step> steps;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = std::min(key_path.find_first_of(".[", at), key_path.size());
    if (end == at) fail(written, "a key is missing; write key.path=value");
    steps.push_back({key_path.substr(at, end - at), 0, false, key_path.substr(0, end)});
    at = end;
    while (at < key_path.size() && key_path[at] == '[') {
      steps.push_back(index_step(written, at));
      at = steps.back().path.size();
    }
    if (steps.size() > kMostSteps) fail(written, "has too many steps");
    if (at == key_path.size()) return steps;
    if (key_path[at] != '.') fail(written, "expected '.' or '[' after ']'");
    ++at;
  }
}

/// What stands where something else was needed, and where it was written.
std::string found_instead(const Node& node) {
  return fmt::format("{} ({})", shown(node), node.at.text());
}

Node& enter_list(Node& node, const Step& step, const Written& written, std::string_view parent) {
  if (!node.is(Node::Kind::kList)) {
    fail(written, fmt::format("{} is {}, not a list", parent, found_instead(node)));
  }
  if (step.index >= node.items.size()) {
    fail(written, fmt::format("{} has {} items, counted from [0]", parent, node.items.size()));
  }
  return node.items[step.index];
}

Node& enter_mapping(Node& node, const Step& step, const Written& written, std::string_view parent) {
  if (node.is(Node::Kind::kNothing)) {
    node.kind = Node::Kind::kMapping;
    node.at = written.at;
  }
  if (!node.is(Node::Kind::kMapping)) {
    fail(written, fmt::format("{} is {}, not a mapping", parent.empty() ? "the whole" : parent,
                              found_instead(node)));
  }
  if (Node* there = node.find(step.key)) return *there;
  node.entries.push_back({std::string(step.key), written.at, Node()});
  return node.entries.back().value;
}

/// Every place of the value says that the command line gave it.
void set_positions(Node& node, const Position& at) {
  node.at = at;
  for (Node& item : node.items) set_positions(item, at);
  for (Node::Entry& entry : node.entries) {
    entry.at = at;
    set_positions(entry.value, at);
  }
}

void set_written(Node& root, const Written& written, Node value) {
  Node* node = &root;
  std::string_view parent;
  for (const Step& step : steps_of(written)) {
    node = step.into_list ? &enter_list(*node, step, written, parent)
                          : &enter_mapping(*node, step, written, parent);
    parent = step.path;
  }
  *node = std::move(value);
}

}  // namespace

void set_value(Node& root, std::string_view key_path, Node value) {
  set_written(root, on_command_line(key_path), std::move(value));
}

void set_value(Node& root, std::string_view key_path, Node value, const Position& key_at) {
  set_written(root, {key_path, key_at, one_line(key_path)}, std::move(value));
}

void apply_override(Node& root, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    fail(on_command_line(assignment), "expected key.path=value");
  }
  const std::string_view key_path = assignment.substr(0, equals);
  const Position at = set_position(key_path);
  Node value;
  try {
    value = parse_yaml(std::string(assignment.substr(equals + 1)), "value");
  } catch (const ConfigError& error) {
    throw ConfigError(at, {}, error.what());
  }
  if (value.is(Node::Kind::kNothing)) fail(on_command_line(key_path), "has no value");
  set_positions(value, at);
  set_value(root, key_path, std::move(value));
}

}  // namespace orrery
