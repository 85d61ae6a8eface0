// SPDX-License-Identifier: Apache-2.0
//
// One declaration of an option serves four readers: YAML, `orrery list`, the JSON Schema and the
// docs. The option's default is its member's initialiser.
//
//   struct Options {
//     Duration half_life = seconds(60);
//     void describe(Describer& d) {
//       d.field("half_life", half_life, Range::positive(), "Age at which a use counts half.");
//     }
//   };
#ifndef ORRERY_SIM_CORE_DESCRIBER_H_
#define ORRERY_SIM_CORE_DESCRIBER_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/errors.h"
#include "sim/core/units.h"

namespace orrery {

/// What a number may be, in the quantity's own smallest unit (picoseconds, bytes, or the bare
/// number). Bounds are included unless `open_low`.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;

  static constexpr Range any() { return {}; }
  static constexpr Range positive() { return {0, std::numeric_limits<double>::infinity(), true}; }
  static constexpr Range not_negative() { return {0}; }
  static constexpr Range at_least(double low) { return {low}; }
  static constexpr Range between(double low, double high) { return {low, high}; }
  /// (0, 1].
  static constexpr Range fraction() { return {0, 1, true}; }
  [[nodiscard]] constexpr bool holds(double x) const {
    return (open_low ? x > low : x >= low) && x <= high;
  }
};

/// Events per second, written `8/s` or `30/min`.
struct PerSecond {
  double value = 0;
};

/// Implemented by the YAML reader, the list, the schema and the docs (sim/config). A reader fills
/// the referenced members; the others only look at them. Unknown, duplicate and mistyped keys are
/// the reader's errors; an options struct never sees them.
class Describer {
 public:
  virtual ~Describer() = default;

  /// A key that must be there is `required()` first: `d.required().field("model", ...)`.
  Describer& required() {
    required_ = true;
    return *this;
  }
  /// The next key, the first of its mapping, may stand for the whole mapping: after
  /// `d.shorthand().choice("policy", ...)` the words `eviction: lru` are read as
  /// `eviction: {policy: lru}`.
  Describer& shorthand() {
    shorthand_ = true;
    return *this;
  }

  virtual void field(std::string_view key, bool& value, std::string_view help) = 0;
  virtual void field(std::string_view key, std::string& value, std::string_view help) = 0;
  virtual void field(std::string_view key, std::int64_t& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, double& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, Duration& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, Bytes& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, Bandwidth& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, ComputeRate& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, Frequency& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, PerSecond& value, Range, std::string_view help) = 0;
  virtual void field(std::string_view key, std::vector<std::int64_t>& value, Range,
                     std::string_view help) = 0;
  virtual void field(std::string_view key, std::vector<std::string>& value,
                     std::string_view help) = 0;
  /// One of `names`; `value` is its index.
  virtual void choice(std::string_view key, int& value, std::span<const std::string_view> names,
                      std::string_view help) = 0;
  /// A nested mapping. `inside` is called with a Describer for it; by a reader only if the key is
  /// there (so that `present` can be told), by the others always.
  virtual void object(std::string_view key, const std::function<void(Describer&)>& inside,
                      std::string_view help) = 0;
  /// A list of mappings. `item` describes one; a reader calls it once an element (and the callee
  /// appends), the others once. Where `writing()`, that call goes through the elements there are:
  /// next_item() before each. list_of() does all of this.
  virtual void list(std::string_view key, const std::function<void(Describer&)>& item,
                    std::string_view help) = 0;

  /// True for the one that reads values. What is checked across fields is checked only then.
  [[nodiscard]] virtual bool reading() const { return false; }
  /// True if the user wrote `key` in this mapping; false for those that do not read.
  [[nodiscard]] virtual bool given(std::string_view key) const {
    static_cast<void>(key);
    return false;
  }
  /// True for the one that writes values out.
  [[nodiscard]] virtual bool writing() const { return false; }
  /// Begins the next element of a list, for the one that writes.
  virtual void next_item() {}
  /// Where the file lies that `path`, read for `key`, means: a relative one is looked for beside
  /// the file it is written in. The path itself for those that do not read.
  [[nodiscard]] virtual std::string resolved_path(std::string_view key,
                                                  std::string_view path) const {
    static_cast<void>(key);
    return std::string(path);
  }
  /// Refuses what was read for `key` (this mapping itself if empty), with its position.
  [[noreturn]] virtual void refuse(std::string_view key, std::string_view what) const {
    throw ConfigError({}, key, what);
  }

  /// An enum whose enumerators count from 0 in the order of `names`.
  template <class Enum>
  void choice_of(std::string_view key, Enum& value, std::span<const std::string_view> names,
                 std::string_view help) {
    int index = static_cast<int>(value);
    choice(key, index, names, help);
    value = static_cast<Enum>(index);
  }
  /// An option with no default of its own; stays empty where the key is absent.
  template <class T>
  void optional_field(std::string_view key, std::optional<T>& value, Range range,
                      std::string_view help) {
    T inner = value.value_or(T());
    absent_default_ = !value.has_value();
    if constexpr (requires { field(key, inner, range, help); }) {
      field(key, inner, range, help);
    } else {
      field(key, inner, help);
    }
    absent_default_ = false;
    if (given(key)) value = inner;
  }
  template <class T>
  void object_of(std::string_view key, T& value, std::string_view help) {
    object(
        key, [&value](Describer& d) { value.describe(d); }, help);
  }
  /// A mapping that may be absent as a whole; engaged if and only if the key is there.
  template <class T>
  void optional_object(std::string_view key, std::optional<T>& value, std::string_view help) {
    absent_default_ = !value.has_value();
    object(
        key,
        [&value](Describer& d) {
          T inner = value.value_or(T());
          inner.describe(d);
          if (d.reading()) value = std::move(inner);
        },
        help);
    absent_default_ = false;
  }
  template <class T>
  void list_of(std::string_view key, std::vector<T>& values, std::string_view help) {
    list(
        key,
        [&values](Describer& d) {
          if (d.writing()) {
            for (T& value : values) {
              d.next_item();
              value.describe(d);
            }
            return;
          }
          T item;
          item.describe(d);
          if (d.reading()) values.push_back(std::move(item));
        },
        help);
  }

 protected:
  /// Whether the next key was marked required; asking clears the mark.
  bool take_required() {
    const bool was = required_;
    required_ = false;
    return was;
  }
  /// Whether the next key may stand for its mapping; asking clears the mark.
  bool take_shorthand() {
    const bool was = shorthand_;
    shorthand_ = false;
    return was;
  }
  /// True while optional_field or optional_object describes a key whose default is "none".
  [[nodiscard]] bool absent_default() const { return absent_default_; }

 private:
  bool required_ = false;
  bool shorthand_ = false;
  bool absent_default_ = false;
};

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_DESCRIBER_H_
