// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_WORLD_OPTIONS_BY_NAME_H_
#define ORRERY_TESTS_WORLD_OPTIONS_BY_NAME_H_

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/describer.h"

namespace orrery::world {

/// Options as a scenario would write them; switches are 0 and 1, a choice is its word.
struct NamedOptions {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> words;
};

/// Gives a plug-in its options by name, as a scenario does, but without YAML. A name that the
/// plug-in does not describe is left over, and set_options() says so.
class OptionsByName final : public Describer {
 public:
  explicit OptionsByName(const NamedOptions& options) : left_(options) {}

  void field(std::string_view key, bool& value, std::string_view) override {
    take(key, [&](double given) { value = given != 0; });
  }
  void field(std::string_view key, std::int64_t& value, Range, std::string_view) override {
    take(key, [&](double given) { value = static_cast<std::int64_t>(given); });
  }
  void field(std::string_view key, double& value, Range, std::string_view) override {
    take(key, [&](double given) { value = given; });
  }
  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view) override {
    const auto found = left_.words.find(std::string(key));
    if (found == left_.words.end()) return;
    const auto name = std::find(names.begin(), names.end(), found->second);
    if (name == names.end()) throw ConfigError("no such choice: " + found->second);
    value = static_cast<int>(name - names.begin());
    left_.words.erase(found);
  }
  void field(std::string_view, std::string&, std::string_view) override {}
  void field(std::string_view, Duration&, Range, std::string_view) override {}
  void field(std::string_view, Bytes&, Range, std::string_view) override {}
  void field(std::string_view, Bandwidth&, Range, std::string_view) override {}
  void field(std::string_view, ComputeRate&, Range, std::string_view) override {}
  void field(std::string_view, Frequency&, Range, std::string_view) override {}
  void field(std::string_view, PerSecond&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::int64_t>&, Range, std::string_view) override {}
  void field(std::string_view, std::vector<std::string>&, std::string_view) override {}
  void object(std::string_view, const std::function<void(Describer&)>& inside,
              std::string_view) override {
    inside(*this);
  }
  void list(std::string_view, const std::function<void(Describer&)>&, std::string_view) override {}

  void check_all_taken() const {
    if (!left_.numbers.empty()) throw ConfigError("no option " + left_.numbers.begin()->first);
    if (!left_.words.empty()) throw ConfigError("no option " + left_.words.begin()->first);
  }

 private:
  template <class Use>
  void take(std::string_view key, const Use& use) {
    const auto found = left_.numbers.find(std::string(key));
    if (found == left_.numbers.end()) return;
    use(found->second);
    left_.numbers.erase(found);
  }

  NamedOptions left_;
};

/// The plug-in of that name, made with those options.
template <class RegistryOf, class... Args>
[[nodiscard]] auto make_by_name(const RegistryOf& registry, std::string_view name,
                                const NamedOptions& options, Args... args) {
  auto prepared = registry.at(name).prepare();
  OptionsByName setter(options);
  prepared->describe(setter);
  setter.check_all_taken();
  return prepared->make(args...);
}

}  // namespace orrery::world

#endif  // ORRERY_TESTS_WORLD_OPTIONS_BY_NAME_H_
