// SPDX-License-Identifier: Apache-2.0
//
// What can be set, found out by asking a describe() instead of writing it down twice.
#ifndef ORRERY_SIM_CONFIG_OPTIONS_H_
#define ORRERY_SIM_CONFIG_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/core/describer.h"

namespace orrery {

enum class OptionKind : std::uint8_t {
  kBoolean,
  kText,
  kInteger,
  kNumber,
  kDuration,
  kBytes,
  kBandwidth,
  kComputeRate,
  kFrequency,
  kPerSecond,
  kIntegers,
  kTexts,
  kChoice,
  kMapping,
  kMappings,
};

struct Option {
  std::string key;
  OptionKind kind = OptionKind::kText;
  std::string help;
  /// Numbers: the bounds, and the same in words (`above 0`); empty words where all is allowed.
  Range range;
  std::string range_words;
  /// As JSON; empty where there is none.
  std::string default_json;
  /// Of a choice.
  std::vector<std::string> names;
  bool required = false;
  /// A word for this key may stand for the whole mapping.
  bool shorthand = false;
  /// `policy: lfu, weighted`: the choice in the same mapping with which this key exists; empty if
  /// it always does.
  std::string only_with;
  /// Of a mapping, or of each item of a list of mappings.
  std::vector<Option> inside;
};

/// All options of a mapping. Where `describe` asks for other keys depending on a choice, each of
/// the choice's names is tried, the others at their defaults; every member that was changed for
/// this has its default again at the end.
[[nodiscard]] std::vector<Option> collect_options(const std::function<void(Describer&)>& describe);

template <class T>
[[nodiscard]] std::vector<Option> options_of() {
  T defaults;
  return collect_options([&defaults](Describer& d) { defaults.describe(d); });
}

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_OPTIONS_H_
