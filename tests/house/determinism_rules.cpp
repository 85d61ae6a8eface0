// SPDX-License-Identifier: Apache-2.0
#include "tests/house/determinism_rules.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace orrery::house {
namespace {

struct Ban {
  std::string_view word;
  std::string_view why;
  /// Folders that may, for the reason in the comment beside it.
  std::vector<std::string> except = {};
};

/// What stands before `(` is matched as a call; a trailing `*` takes any rest of the name.
const std::vector<Ban>& bans() {
  static const std::vector<Ban> kBans = {
      {"rand(", "draw from a RandomStream"},
      {"srand(", "draw from a RandomStream"},
      {"rand_r(", "draw from a RandomStream"},
      {"drand48(", "draw from a RandomStream"},
      {"std::random_device", "draw from a RandomStream"},
      {"std::mt19937*", "draw from a RandomStream"},
      {"std::default_random_engine", "draw from a RandomStream"},
      {"std::uniform_*", "distributions differ by standard library: use RandomStream's"},
      {"std::normal_distribution", "distributions differ by standard library: use RandomStream's"},
      {"std::shuffle", "differs by standard library: shuffle with RandomStream::below"},
      {"system_clock", "no wall clock reaches a fact"},
      {"high_resolution_clock", "no wall clock reaches a fact"},
      // What the host did is one object of a result, outside the fingerprint.
      {"steady_clock", "no wall clock reaches a fact", {"sim/study/", "sim/app/"}},
      {"gettimeofday(", "no wall clock reaches a fact"},
      {"time(nullptr", "no wall clock reaches a fact"},
      {"get_id(", "no thread id reaches a fact"},
      {"__DATE__", "the build must not depend on its day"},
      {"__TIME__", "the build must not depend on its hour"},
      {"setlocale(", "text does not depend on the locale"},
      {"std::locale", "text does not depend on the locale"},
      {"std::stod(", "depends on the locale: use std::from_chars"},
      {"std::exp(", "libm differs between distributions: use math::exp"},
      {"std::exp2(", "libm differs between distributions: use math::exp"},
      {"std::log(", "libm differs between distributions: use math::log"},
      {"std::log2(", "libm differs between distributions: use math::log"},
      {"std::log10(", "libm differs between distributions: use math::log"},
      {"std::pow(", "libm differs between distributions: use math::pow"},
      {"std::cos(", "libm differs between distributions: use math::cos_turns"},
      {"std::sin(", "libm differs between distributions: use math::cos_turns"},
      {"std::views", "clang 14 cannot compile libstdc++'s"},
      {"std::ranges::views", "clang 14 cannot compile libstdc++'s"},
      {"std::source_location", "clang 14 has none"},
      {"std::expected", "not in C++20"},
      {"std::format", "g++ 12 has none: use fmt"},
  };
  return kBans;
}

const std::array<std::string_view, 6> kBannedHeaders = {"format", "expected",        "random",
                                                        "ranges", "source_location", "print"};

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_exempt(const Ban& ban, const std::string& path) {
  return std::any_of(ban.except.begin(), ban.except.end(),
                     [&](const std::string& folder) { return path.starts_with(folder); });
}

/// Where `word` stands as a whole name in `code` from `from` on. A call is one of the free function
/// or of std's, not of a member of that name.
std::size_t find_word(std::string_view code, std::string_view word, std::size_t from) {
  const bool any_rest = word.ends_with('*');
  if (any_rest) word.remove_suffix(1);
  const bool open_end = any_rest || word.ends_with('(');
  for (std::size_t at = code.find(word, from); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const char before = at == 0 ? ' ' : code[at - 1];
    const std::size_t end = at + word.size();
    const bool ends = open_end || end >= code.size() || !is_name_char(code[end]);
    const bool member = before == '.' || (before == '>' && at > 1 && code[at - 2] == '-');
    if (!is_name_char(before) && !member && ends) return at;
  }
  return std::string_view::npos;
}

/// One past the bracket that closes the one at `open`, or npos.
std::size_t after_closing(std::string_view code, std::size_t open, char opening, char closing) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == opening) ++depth;
    if (code[i] == closing && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

std::string name_at(std::string_view code, std::size_t at) {
  std::size_t end = at;
  while (end < code.size() && is_name_char(code[end])) ++end;
  return std::string(code.substr(at, end - at));
}

/// The name that ends just before `end`, blanks between them allowed.
std::string name_before(std::string_view code, std::size_t end) {
  while (end > 0 && std::isspace(static_cast<unsigned char>(code[end - 1])) != 0) --end;
  std::size_t begin = end;
  while (begin > 0 && is_name_char(code[begin - 1])) --begin;
  return std::string(code.substr(begin, end - begin));
}

/// The name declared with the type that ends at `after`, or empty: `> const& name`.
std::string declared_after(std::string_view code, std::size_t after) {
  while (true) {
    const std::size_t at = code.find_first_not_of(" \n&", after);
    if (at == std::string_view::npos) return {};
    const std::string name = name_at(code, at);
    if (name != "const") return name;
    after = at + name.size();
  }
}

/// `using Name = ` before `type`, or empty.
std::string alias_before(std::string_view code, std::size_t type) {
  const std::size_t statement = code.find_last_of(";{}", type);
  const std::size_t begin = statement == std::string_view::npos ? 0 : statement + 1;
  const std::string_view text = code.substr(begin, type - begin);
  const std::size_t word = find_word(text, "using", 0);
  const std::size_t equals = text.find('=');
  if (word == std::string_view::npos || equals == std::string_view::npos) return {};
  return name_before(text, equals);
}

/// The colon of a range-for between its brackets, or npos.
std::size_t range_colon(std::string_view head) {
  int depth = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '(' || head[i] == '[' || head[i] == '{') ++depth;
    if (head[i] == ')' || head[i] == ']' || head[i] == '}') --depth;
    if (head[i] != ':' || depth > 0) continue;
    if (i + 1 < head.size() && head[i + 1] == ':') {
      ++i;
    } else {
      return i;
    }
  }
  return std::string_view::npos;
}

/// What a range expression names last: `index_` of `this->index_`, `all` of `view.all()`.
std::string last_name(std::string_view expression) {
  std::size_t end = expression.find_last_not_of(" \n");
  if (end == std::string_view::npos) return {};
  if (expression.substr(0, end + 1).ends_with("()")) end -= 2;
  return name_before(expression, end + 1);
}

}  // namespace

Findings banned_words(const SourceFile& file) {
  Findings findings;
  for (const Ban& ban : bans()) {
    if (is_exempt(ban, file.path)) continue;
    for (std::size_t at = find_word(file.code, ban.word, 0); at != std::string_view::npos;
         at = find_word(file.code, ban.word, at + 1)) {
      findings.push_back(finding(file.path, line_of(file.code, at),
                                 std::string(ban.word) + ": " + std::string(ban.why)));
    }
  }
  for (const Include& include : file.includes) {
    if (std::find(kBannedHeaders.begin(), kBannedHeaders.end(), include.path) !=
        kBannedHeaders.end()) {
      findings.push_back(
          finding(file.path, include.line, "<" + include.path + "> is not used here"));
    }
  }
  return findings;
}

std::set<std::string> unordered_names(const std::string& code) {
  std::set<std::string> names;
  std::set<std::string> aliases;
  for (const std::string_view type :
       {"unordered_map<", "unordered_set<", "unordered_multimap<", "unordered_multiset<"}) {
    for (std::size_t at = code.find(type); at != std::string::npos; at = code.find(type, at + 1)) {
      const std::size_t after = after_closing(code, at + type.size() - 1, '<', '>');
      if (after == std::string::npos) continue;
      const std::string alias = alias_before(code, at);
      const std::string name = alias.empty() ? declared_after(code, after) : std::string();
      if (!alias.empty()) aliases.insert(alias);
      if (!name.empty()) names.insert(name);
    }
  }
  for (const std::string& alias : aliases) {
    for (std::size_t at = find_word(code, alias, 0); at != std::string_view::npos;
         at = find_word(code, alias, at + 1)) {
      const std::string name = declared_after(code, at + alias.size());
      if (!name.empty()) names.insert(name);
    }
  }
  return names;
}

Findings unordered_walks(const SourceFile& file, const std::set<std::string>& names) {
  const std::string_view code = file.code;
  Findings findings;
  for (std::size_t at = find_word(code, "for", 0); at != std::string_view::npos;
       at = find_word(code, "for", at + 1)) {
    const std::size_t open = code.find_first_not_of(" \n", at + 3);
    if (open == std::string_view::npos || code[open] != '(') continue;
    const std::size_t end = after_closing(code, open, '(', ')');
    if (end == std::string_view::npos) continue;
    const std::string_view head = code.substr(open + 1, end - open - 2);
    const std::size_t colon = range_colon(head);
    if (colon == std::string_view::npos) continue;
    const std::string name = last_name(head.substr(colon + 1));
    if (names.contains(name)) {
      findings.push_back(finding(file.path, line_of(code, at), name + " has no order to walk in"));
    }
  }
  for (const std::string_view call : {".begin()", ".cbegin()", "->begin()", "->cbegin()"}) {
    for (std::size_t at = code.find(call); at != std::string_view::npos;
         at = code.find(call, at + 1)) {
      const std::string name = name_before(code, at);
      if (names.contains(name)) {
        findings.push_back(
            finding(file.path, line_of(code, at), name + " has no order to walk in"));
      }
    }
  }
  return findings;
}

}  // namespace orrery::house
