// SPDX-License-Identifier: Apache-2.0
#include "sim/config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "sim/core/check.h"

namespace orrery {
namespace {

/// Builds our tree from the parser's events. yaml-cpp's own tree is not used: it keeps the first of
/// two equal keys and forgets that there was a second. Depth is bounded by the parser's own guard.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string file, const std::string& text) : file_(std::move(file)), text_(text) {}

  [[nodiscard]] Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) fail(position(mark), "a second document begins; one is read");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(new_node(Node::Kind::kNothing, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(position(mark), "aliases (*name) are not read: write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node = new_node(Node::Kind::kScalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    if (node.quoted) check_quotes(mark);
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or mapping that is not closed yet.
  struct Open {
    Node node;
    /// In a mapping: whether a key waits for its value.
    bool key_waits = false;
    std::string key;
    Position key_at;
  };

  [[nodiscard]] Position position(const YAML::Mark& mark) const {
    return {file_, mark.line + 1, mark.column + 1};
  }

  /// The path of what comes next.
  [[nodiscard]] std::string path() const {
    std::string result;
    for (const Open& open : open_) {
      if (open.node.is(Node::Kind::kList)) {
        result += fmt::format("[{}]", open.node.items.size());
      } else if (open.key_waits) {
        result = joined_path(result, open.key);
      }
    }
    return result;
  }

  [[noreturn]] void fail(const Position& at, std::string_view what) const {
    throw ConfigError(at, one_line(path()), what);
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0) fail(position(mark), "anchors (&name) are not read: write the value out");
  }
  /// `?` is a plain scalar's, `!` a quoted one's.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail(position(mark), fmt::format("has the tag '{}'; tags are not read", one_line(tag)));
  }

  /// The parser takes a quote that is not closed before the file ends for one that is.
  void check_quotes(const YAML::Mark& mark) const {
    auto at = static_cast<std::size_t>(mark.pos);
    ORRERY_CHECK(at < text_.size());
    const char quote = text_[at];
    if (quote == '!') fail(position(mark), "has the tag '!'; tags are not read");
    if (quote == '|' || quote == '>') return;  // a block ends where the file does
    ORRERY_CHECK(quote == '"' || quote == '\'');
    for (++at; at < text_.size(); ++at) {
      const bool doubled = quote == '\'' && text_.compare(at, 2, "''") == 0;
      const bool escaped = quote == '"' && text_[at] == '\\';
      if (doubled || escaped) {
        ++at;
      } else if (text_[at] == quote) {
        return;
      }
    }
    fail(position(mark), "not YAML: the quote is not closed");
  }

  [[nodiscard]] Node new_node(Node::Kind kind, const YAML::Mark& mark) const {
    Node node;
    node.kind = kind;
    node.at = position(mark);
    return node;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (at_key()) {
      // Also what the parser makes of a bracket that is never closed.
      fail(position(mark), "a key must be a plain name; is a bracket left open?");
    }
    open_.push_back({new_node(kind, mark), false, {}, {}});
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  [[nodiscard]] bool at_key() const {
    return !open_.empty() && open_.back().node.is(Node::Kind::kMapping) && !open_.back().key_waits;
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.is(Node::Kind::kList)) {
      open_.back().node.items.push_back(std::move(node));
    } else if (at_key()) {
      add_key(node);
    } else {
      add_value(std::move(node));
    }
  }

  void add_key(const Node& node) {
    if (!node.is(Node::Kind::kScalar) || node.text.empty()) {
      fail(node.at, "a key must be a plain name");
    }
    Open& mapping = open_.back();
    const Node::Entry* first = mapping.node.entry(node.text);
    mapping.key_waits = true;
    mapping.key = node.text;
    mapping.key_at = node.at;
    if (first != nullptr) {
      fail(node.at, fmt::format("stands twice; first in line {}", first->at.line));
    }
  }

  void add_value(Node node) {
    Open& mapping = open_.back();
    // The parser places a missing value where it noticed, which may be the next line.
    if (node.is(Node::Kind::kNothing)) node.at = mapping.key_at;
    mapping.node.entries.push_back({std::move(mapping.key), mapping.key_at, std::move(node)});
    mapping.key_waits = false;
  }

  std::string file_;
  const std::string& text_;
  int documents_ = 0;
  std::vector<Open> open_;
  Node root_;
};

/// The length of the UTF-8 character at the front of `text`; 0 where there is none (Unicode 15,
/// table 3-7: no overlong forms, no surrogates, nothing past U+10FFFF).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond = lead == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// Control characters are not YAML, and the parser takes one of them for the end of the file. What
/// is not UTF-8 it would hand through, or take for another encoding.
void refuse_unreadable(std::string_view text, const std::string& name) {
  Position at = {name, 1, 1};
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) throw ConfigError(at, {}, "is not UTF-8");
    const auto byte = static_cast<unsigned char>(text.front());
    const bool blank = byte == '\n' || byte == '\r' || byte == '\t';
    if ((byte < 0x20 && !blank) || byte == 0x7f) {
      throw ConfigError(at, {}, fmt::format("a control character (0x{:02x}) in the text", byte));
    }
    at.column = byte == '\n' ? 1 : at.column + 1;
    if (byte == '\n') ++at.line;
    text.remove_prefix(length);
  }
}

[[noreturn]] void fail_to_read(const std::string& path, int error) {
  throw ConfigError(Position{path}, {},
                    fmt::format("cannot be read: {}", std::generic_category().message(error)));
}

std::string contents_of(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_to_read(path, errno);
  std::ostringstream text;
  text << file.rdbuf();
  // Opening a folder works, reading it does not.
  if (file.bad() || (text.fail() && errno != 0)) fail_to_read(path, errno);
  return text.str();
}

}  // namespace

Node parse_yaml(const std::string& given, const std::string& name) {
  const std::string text = given.substr(given.starts_with("\xef\xbb\xbf") ? 3 : 0);
  refuse_unreadable(text, name);
  std::istringstream stream(text);
  TreeBuilder builder(name, text);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::DeepRecursion& error) {
    throw ConfigError({name, error.mark.line + 1, error.mark.column + 1}, {}, "nests too deeply");
  } catch (const YAML::Exception& error) {
    const Position at = error.mark.is_null()
                            ? Position{name}
                            : Position{name, error.mark.line + 1, error.mark.column + 1};
    throw ConfigError(at, {}, fmt::format("not YAML: {}", one_line(error.msg)));
  }
  return builder.take_root();
}

Node load_yaml(const std::string& path) {
  Node root = parse_yaml(contents_of(path), path);
  if (root.is(Node::Kind::kNothing)) throw ConfigError(Position{path}, {}, "is empty");
  return root;
}

}  // namespace orrery
