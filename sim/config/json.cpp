// SPDX-License-Identifier: Apache-2.0
#include "sim/config/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "sim/config/scalars.h"

namespace orrery {
namespace {

std::string in_quotes(const std::string& text) {
  // Bytes that are not UTF-8 are replaced: JSON cannot hold them.
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_scalar(const Node& node, std::string& out) {
  const bool bare = !node.quoted && (is_number(node.text) || boolean_of(node.text).has_value());
  out += bare ? node.text : in_quotes(node.text);
}

// Recursion is bounded by the depth the YAML parser and --set allow.
void append(const Node& node, std::string& out);

void append_list(const Node& node, std::string& out) {
  out += '[';
  for (const Node& item : node.items) {
    if (&item != &node.items.front()) out += ", ";
    append(item, out);
  }
  out += ']';
}

void append_mapping(const Node& node, std::string& out) {
  std::vector<const Node::Entry*> sorted;
  for (const Node::Entry& entry : node.entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->key < b->key; });
  out += '{';
  for (const Node::Entry* entry : sorted) {
    if (entry != sorted.front()) out += ", ";
    out += in_quotes(entry->key) + ": ";
    append(entry->value, out);
  }
  out += '}';
}

void append(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::kNothing:
      out += "null";
      break;
    case Node::Kind::kScalar:
      append_scalar(node, out);
      break;
    case Node::Kind::kList:
      append_list(node, out);
      break;
    case Node::Kind::kMapping:
      append_mapping(node, out);
      break;
  }
}

}  // namespace

std::string json_text(const Node& node) {
  std::string out;
  append(node, out);
  return out;
}

}  // namespace orrery
