// SPDX-License-Identifier: Apache-2.0
#include "sim/config/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sim/config/scalars.h"
#include "sim/config/value_text.h"
#include "sim/core/units.h"

namespace orrery {
namespace {

[[noreturn]] void fail(const Position& at, const std::string& path, std::string_view what) {
  throw ConfigError(at, one_line(path), one_line(what));
}

[[noreturn]] void fail(const Node& node, const std::string& path, std::string_view what) {
  fail(node.at, path, what);
}

/// What the parsers of units.h throw becomes an error with a position.
template <class Parse>
auto parse_unit(const Node& node, const std::string& path, Parse parse) {
  if (!node.is(Node::Kind::kScalar)) {
    fail(node, path, fmt::format("expected a number with its unit, found {}", shown(node)));
  }
  try {
    return parse(std::string_view(node.text));
  } catch (const std::invalid_argument& error) {
    fail(node, path, error.what());
  }
}

void parse(const Node& node, const std::string& path, bool& value) {
  const auto read = node.quoted ? std::nullopt : boolean_of(node.text);
  if (!read) fail(node, path, fmt::format("expected true or false, found {}", shown(node)));
  value = *read;
}
void parse(const Node& node, const std::string& path, std::string& value) {
  if (!node.is(Node::Kind::kScalar)) {
    fail(node, path, fmt::format("expected a text, found {}", shown(node)));
  }
  value = node.text;
}
void parse(const Node& node, const std::string& path, std::int64_t& value) {
  const auto read = node.quoted ? std::nullopt : integer_of(node.text);
  if (!read) {
    fail(node, path, fmt::format("expected a whole number in plain digits, found {}", shown(node)));
  }
  value = *read;
}
void parse(const Node& node, const std::string& path, double& value) {
  const auto read = node.quoted ? std::nullopt : number_of(node.text);
  if (!read) {
    fail(node, path, fmt::format("expected a number like 12, 0.5 or 1e-3, found {}", shown(node)));
  }
  value = *read;
}
void parse(const Node& node, const std::string& path, Duration& value) {
  value = parse_unit(node, path, parse_duration);
}
void parse(const Node& node, const std::string& path, Bytes& value) {
  value = parse_unit(node, path, parse_bytes);
}
void parse(const Node& node, const std::string& path, Bandwidth& value) {
  value = parse_unit(node, path, parse_bandwidth);
}
void parse(const Node& node, const std::string& path, ComputeRate& value) {
  value = parse_unit(node, path, parse_compute_rate);
}
void parse(const Node& node, const std::string& path, Frequency& value) {
  value = parse_unit(node, path, parse_frequency);
}
void parse(const Node& node, const std::string& path, PerSecond& value) {
  value.value = parse_unit(node, path, parse_rate_per_second);
}

template <class T>
void parse_in_range(const Node& node, const std::string& path, T& value, const Range& range) {
  T read{};
  parse(node, path, read);
  if (!range.holds(magnitude(read))) {
    fail(node, path, fmt::format("{} is out of range: {}", shown(node), range_text(range, read)));
  }
  value = read;
}

/// Reads one mapping, or the one scalar that stands for it.
class Reader final : public Describer {
 public:
  Reader(const Node& node, std::string path) : node_(node), path_(std::move(path)) {
    if (!node.is(Node::Kind::kMapping) && !node.is(Node::Kind::kScalar)) refuse_kind();
  }

  void field(std::string_view key, bool& value, std::string_view) override {
    if (const Node* node = find(key)) parse(*node, path_of(key), value);
  }
  void field(std::string_view key, std::string& value, std::string_view) override {
    if (const Node* node = find(key)) parse(*node, path_of(key), value);
  }
  void field(std::string_view key, std::int64_t& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, double& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, Duration& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, Bytes& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, Bandwidth& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, ComputeRate& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, Frequency& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, PerSecond& value, Range range, std::string_view) override {
    quantity(key, value, range);
  }
  void field(std::string_view key, std::vector<std::int64_t>& value, Range range,
             std::string_view) override {
    elements(key, value, [&](const Node& item, const std::string& path) {
      std::int64_t element = 0;
      parse_in_range(item, path, element, range);
      return element;
    });
  }
  void field(std::string_view key, std::vector<std::string>& value, std::string_view) override {
    elements(key, value, [](const Node& item, const std::string& path) {
      std::string element;
      parse(item, path, element);
      return element;
    });
  }

  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view) override {
    const Node* node = find(key);
    if (node == nullptr) return;
    std::string name;
    parse(*node, path_of(key), name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      fail(*node, path_of(key),
           fmt::format("{} is unknown; {}", shown(*node), known_names(name, names)));
    }
    value = static_cast<int>(found - names.begin());
  }

  void object(std::string_view key, const std::function<void(Describer&)>& inside,
              std::string_view) override {
    if (const Node* node = find(key)) read(*node, inside, path_of(key));
  }

  void list(std::string_view key, const std::function<void(Describer&)>& item,
            std::string_view) override {
    const Node* node = find(key);
    if (node == nullptr) return;
    expect_list(*node, path_of(key));
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      read(node->items[i], item, fmt::format("{}[{}]", path_of(key), i));
    }
  }

  [[nodiscard]] bool reading() const override { return true; }
  [[nodiscard]] bool given(std::string_view key) const override { return value_of(key) != nullptr; }
  [[noreturn]] void refuse(std::string_view key, std::string_view what) const override {
    const Node* node = value_of(key);
    fail(node == nullptr ? node_ : *node, path_of(key), what);
  }
  [[nodiscard]] std::string resolved_path(std::string_view key,
                                          std::string_view path) const override {
    const Node* node = value_of(key);
    return resolve_path(node == nullptr ? node_.at : node->at, path);
  }

  /// Refuses what was written and never asked for.
  void finish() const {
    if (node_.is(Node::Kind::kScalar) && short_key_.empty()) refuse_kind();
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    for (const Node::Entry& entry : node_.entries) {
      if (is_known(entry.key)) continue;
      fail(entry.at, path_of(entry.key),
           known.empty() ? "unknown key; nothing can be set here"
                         : fmt::format("unknown key; {}", known_names(entry.key, known)));
    }
  }

 private:
  [[nodiscard]] std::string path_of(std::string_view key) const { return joined_path(path_, key); }

  [[nodiscard]] bool is_known(std::string_view key) const {
    return std::find(known_.begin(), known_.end(), key) != known_.end();
  }

  [[noreturn]] void refuse_kind() const {
    fail(node_, path_, fmt::format("expected a mapping, found {}", shown(node_)));
  }

  /// The node of a key that is there; does not note the key.
  [[nodiscard]] const Node* value_of(std::string_view key) const {
    if (node_.is(Node::Kind::kMapping)) return node_.find(key);
    return !short_key_.empty() && key == short_key_ ? &node_ : nullptr;
  }

  /// The node of `key`, or nullptr where it is absent and may be. Notes that the key is known.
  const Node* find(std::string_view key) {
    const bool needed = take_required();
    const bool stands_alone = take_shorthand();
    if (node_.is(Node::Kind::kScalar) && known_.empty()) {
      if (!stands_alone) refuse_kind();
      short_key_ = key;
    }
    if (!is_known(key)) known_.emplace_back(key);
    const Node* node = value_of(key);
    if (node == nullptr && needed) refuse_missing(key);
    if (node != nullptr && node->is(Node::Kind::kNothing)) {
      fail(*node, path_of(key), "has no value; leave the key out for its default");
    }
    return node;
  }

  /// A key that was not asked for yet and is spelt nearly so is the likelier mistake.
  [[noreturn]] void refuse_missing(std::string_view key) const {
    const std::string_view only[] = {key};
    for (const Node::Entry& entry : node_.entries) {
      if (is_known(entry.key) || nearest(entry.key, only).empty()) continue;
      fail(entry.at, path_of(entry.key), fmt::format("unknown key (did you mean {}?)", key));
    }
    fail(node_, path_of(key), "is required and missing");
  }

  template <class T>
  void quantity(std::string_view key, T& value, const Range& range) {
    if (const Node* node = find(key)) parse_in_range(*node, path_of(key), value, range);
  }

  static void expect_list(const Node& node, const std::string& path) {
    if (node.is(Node::Kind::kList)) return;
    fail(node, path, fmt::format("expected a list, found {}", shown(node)));
  }

  template <class T, class ReadElement>
  void elements(std::string_view key, std::vector<T>& value, ReadElement read_element) {
    const Node* node = find(key);
    if (node == nullptr) return;
    expect_list(*node, path_of(key));
    std::vector<T> all;
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      all.push_back(read_element(node->items[i], fmt::format("{}[{}]", path_of(key), i)));
    }
    value = std::move(all);
  }

  const Node& node_;
  std::string path_;
  /// The key whose value is the scalar that stands for the whole mapping.
  std::string short_key_;
  std::vector<std::string> known_;
};

}  // namespace

void read(const Node& node, const std::function<void(Describer&)>& describe,
          std::string_view path) {
  Reader reader(node, std::string(path));
  describe(reader);
  reader.finish();
}

}  // namespace orrery
