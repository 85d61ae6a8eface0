// SPDX-License-Identifier: Apache-2.0
#include "sim/config/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "sim/config/value_text.h"

namespace orrery {
namespace {

constexpr OptionKind kind_of(const bool&) { return OptionKind::kBoolean; }
constexpr OptionKind kind_of(const std::int64_t&) { return OptionKind::kInteger; }
constexpr OptionKind kind_of(const double&) { return OptionKind::kNumber; }
constexpr OptionKind kind_of(const Duration&) { return OptionKind::kDuration; }
constexpr OptionKind kind_of(const Bytes&) { return OptionKind::kBytes; }
constexpr OptionKind kind_of(const Bandwidth&) { return OptionKind::kBandwidth; }
constexpr OptionKind kind_of(const ComputeRate&) { return OptionKind::kComputeRate; }
constexpr OptionKind kind_of(const Frequency&) { return OptionKind::kFrequency; }
constexpr OptionKind kind_of(const PerSecond&) { return OptionKind::kPerSecond; }

template <class T>
nlohmann::json json_of(const T& value) {
  return value_text(value);
}
nlohmann::json json_of(std::int64_t value) { return value; }
nlohmann::json json_of(double value) {
  ORRERY_CHECK(std::isfinite(value));
  return value;
}

/// Which index each choice is to take in one pass; the others keep what they are.
using Forced = std::map<std::string, int, std::less<>>;

/// A choice that was met, and what it was before it was forced.
struct MetChoice {
  std::string key;
  int index;
};

/// A describe() may nest only so deep before it must be one that contains itself.
constexpr int kDeepest = 32;

std::vector<Option> collect(const std::function<void(Describer&)>& describe, int depth);

/// One walk through a mapping's describe().
class Pass final : public Describer {
 public:
  Pass(Forced forced, int depth) : forced_(std::move(forced)), depth_(depth) {
    ORRERY_CHECK(depth_ < kDeepest);
  }

  [[nodiscard]] std::vector<Option> take() { return std::move(options_); }
  [[nodiscard]] const std::vector<MetChoice>& choices() const { return choices_; }

  void field(std::string_view key, bool& value, std::string_view help) override {
    add(key, OptionKind::kBoolean, help, value);
  }
  void field(std::string_view key, std::string& value, std::string_view help) override {
    add(key, OptionKind::kText, help, value);
  }
  void field(std::string_view key, std::int64_t& value, Range range,
             std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, double& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, Duration& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, Bytes& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, Bandwidth& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, ComputeRate& value, Range range,
             std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, Frequency& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, PerSecond& value, Range range, std::string_view help) override {
    number(key, value, range, help);
  }
  void field(std::string_view key, std::vector<std::int64_t>& value, Range range,
             std::string_view help) override {
    add(key, OptionKind::kIntegers, help, value);
    set_range(range, std::int64_t{});
  }
  void field(std::string_view key, std::vector<std::string>& value,
             std::string_view help) override {
    add(key, OptionKind::kTexts, help, value);
  }
  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view help) override {
    ORRERY_CHECK(value >= 0 && static_cast<std::size_t>(value) < names.size());
    choices_.push_back({std::string(key), value});
    add(key, OptionKind::kChoice, help, names[static_cast<std::size_t>(value)]);
    options_.back().names.assign(names.begin(), names.end());
    if (const auto found = forced_.find(key); found != forced_.end()) value = found->second;
  }
  void object(std::string_view key, const std::function<void(Describer&)>& inside,
              std::string_view help) override {
    Option& option = add_bare(key, OptionKind::kMapping, help);
    option.inside = collect(inside, depth_ + 1);
  }
  void list(std::string_view key, const std::function<void(Describer&)>& item,
            std::string_view help) override {
    Option& option = add_bare(key, OptionKind::kMappings, help);
    option.inside = collect(item, depth_ + 1);
  }

 private:
  Option& add_bare(std::string_view key, OptionKind kind, std::string_view help) {
    ORRERY_CHECK(!key.empty() && !help.empty());
    Option option;
    option.key = key;
    option.kind = kind;
    option.help = help;
    option.required = take_required();
    option.shorthand = take_shorthand();
    return options_.emplace_back(std::move(option));
  }

  template <class T>
  void add(std::string_view key, OptionKind kind, std::string_view help, const T& value) {
    const bool has_default = !absent_default();
    Option& option = add_bare(key, kind, help);
    if (has_default && !option.required) option.default_json = nlohmann::json(value).dump();
  }

  template <class T>
  void set_range(const Range& range, const T& like) {
    options_.back().range = range;
    options_.back().range_words = range_text(range, like);
  }

  template <class T>
  void number(std::string_view key, T& value, const Range& range, std::string_view help) {
    add(key, kind_of(value), help, json_of(value));
    set_range(range, value);
  }

  Forced forced_;
  int depth_;
  std::vector<Option> options_;
  std::vector<MetChoice> choices_;
};

struct PassResult {
  std::vector<Option> options;
  std::vector<MetChoice> choices;
};

PassResult walk(const std::function<void(Describer&)>& describe, const Forced& forced, int depth) {
  Pass pass(forced, depth);
  describe(pass);
  return {pass.take(), pass.choices()};
}

bool same_option(const Option& a, const Option& b) { return a.key == b.key && a.kind == b.kind; }

const Option* find_option(const std::vector<Option>& options, const Option& like) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option& o) { return same_option(o, like); });
  return found == options.end() ? nullptr : &*found;
}

/// Joins the options each name of one choice leads to: `by_name[i]` are those of names[i].
void merge_alternatives(const Option& choice, const std::vector<std::vector<Option>>& by_name,
                        std::vector<Option>& merged) {
  for (const std::vector<Option>& options : by_name) {
    for (const Option& option : options) {
      if (find_option(merged, option) == nullptr) merged.push_back(option);
    }
  }
  for (Option& option : merged) {
    std::string names;
    bool always = true;
    bool never = true;
    for (std::size_t i = 0; i < by_name.size(); ++i) {
      const bool there = find_option(by_name[i], option) != nullptr;
      always = always && there;
      never = never && !there;
      if (there) names += (names.empty() ? "" : ", ") + choice.names[i];
    }
    // Never: it came with another choice's name, and was marked then.
    if (!always && !never) option.only_with = fmt::format("{}: {}", choice.key, names);
  }
}

std::vector<Option> collect(const std::function<void(Describer&)>& describe, int depth) {
  const PassResult first = walk(describe, {}, depth);
  Forced defaults;
  for (const MetChoice& met : first.choices) defaults.emplace(met.key, met.index);
  std::vector<Option> merged = first.options;
  for (const MetChoice& met : first.choices) {
    const auto choice = std::find_if(first.options.begin(), first.options.end(),
                                     [&](const Option& o) { return o.key == met.key; });
    std::vector<std::vector<Option>> by_name;
    for (int i = 0; i < static_cast<int>(choice->names.size()); ++i) {
      Forced forced = defaults;
      forced[met.key] = i;
      by_name.push_back(i == met.index ? first.options : walk(describe, forced, depth).options);
    }
    merge_alternatives(*choice, by_name, merged);
  }
  // The members take their defaults back.
  if (!first.choices.empty()) walk(describe, defaults, depth);
  return merged;
}

}  // namespace

std::vector<Option> collect_options(const std::function<void(Describer&)>& describe) {
  return collect(describe, 0);
}

}  // namespace orrery
