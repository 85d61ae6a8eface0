// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_CONFIG_NODE_H_
#define ORRERY_SIM_CONFIG_NODE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/errors.h"

namespace orrery {

/// A piece of configuration as it was written, with the place of every key and value. Scalars stay
/// text: what they mean is decided by the option they are read into.
struct Node {
  struct Entry;
  enum class Kind { kNothing, kScalar, kList, kMapping };

  Kind kind = Kind::kNothing;
  Position at;
  /// Of a scalar.
  std::string text;
  /// Whether the scalar stood in quotes or as a block (`|`, `>`): then it is never a number.
  bool quoted = false;
  /// Of a list.
  std::vector<Node> items;
  /// Of a mapping, in the order written; no key twice.
  std::vector<Entry> entries;

  [[nodiscard]] bool is(Kind k) const { return kind == k; }
  /// The value of a mapping's key; nullptr where this is no mapping or has no such key.
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] Node* find(std::string_view key);
  [[nodiscard]] const Entry* entry(std::string_view key) const;
  /// Removes a key from a mapping and gives its value: for what is not read by options.
  [[nodiscard]] std::optional<Node> take(std::string_view key);
};

struct Node::Entry {
  std::string key;
  Position at;
  Node value;
};

/// `a mapping`, `a list`, `'text'` or `nothing`: how an error speaks of what was found.
[[nodiscard]] std::string shown(const Node& node);

/// `text` fit for one line of an error: control characters spelled out, long texts cut.
[[nodiscard]] std::string one_line(std::string_view text);

/// `parent.key`, or `key` alone at the top.
[[nodiscard]] std::string joined_path(std::string_view parent, std::string_view key);

/// Where the file lies that `path`, written at `at`, means: beside the file it is written in, or in
/// the current folder if it was given on the command line.
[[nodiscard]] std::string resolve_path(const Position& at, std::string_view path);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_NODE_H_
