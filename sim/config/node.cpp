// SPDX-License-Identifier: Apache-2.0
#include "sim/config/node.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace orrery {

const Node::Entry* Node::entry(std::string_view key) const {
  for (const Entry& candidate : entries) {
    if (candidate.key == key) return &candidate;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

std::optional<Node> Node::take(std::string_view key) {
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (it->key != key) continue;
    Node value = std::move(it->value);
    entries.erase(it);
    return value;
  }
  return std::nullopt;
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNothing:
      return "nothing";
    case Node::Kind::kScalar:
      return node.quoted ? fmt::format("the text \"{}\"", one_line(node.text))
                         : fmt::format("'{}'", one_line(node.text));
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
  }
  return {};
}

std::string one_line(std::string_view text) {
  // All keys of an engine and a suggestion behind them.
  constexpr std::size_t kMost = 1200;
  std::string line;
  for (const char c : text.substr(0, kMost)) {
    if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  if (text.size() > kMost) line += "...";
  return line;
}

std::string joined_path(std::string_view parent, std::string_view key) {
  if (parent.empty()) return std::string(key);
  if (key.empty()) return std::string(parent);
  return fmt::format("{}.{}", parent, key);
}

std::string resolve_path(const Position& at, std::string_view path) {
  const std::filesystem::path given(path);
  // What --set gave has no line: it was typed in the current folder.
  if (at.line == 0 || path.empty() || given.is_absolute()) return std::string(path);
  return (std::filesystem::path(at.file).parent_path() / given).lexically_normal().string();
}

}  // namespace orrery
