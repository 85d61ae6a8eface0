// SPDX-License-Identifier: Apache-2.0
#include "sim/config/dump.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "sim/config/value_text.h"
#include "sim/core/check.h"

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

/// Writes one mapping, or the mappings of a list one after the other.
class Writer final : public Describer {
 public:
  enum class Into { kMapping, kList };
  explicit Writer(Into into) : json_(into == Into::kList ? Json::array() : Json::object()) {}

  [[nodiscard]] Json take() { return std::move(json_); }

  void field(std::string_view key, bool& value, std::string_view) override { put(key, value); }
  void field(std::string_view key, std::string& value, std::string_view) override {
    put(key, value);
  }
  void field(std::string_view key, std::int64_t& value, Range, std::string_view) override {
    put(key, value);
  }
  void field(std::string_view key, double& value, Range, std::string_view) override {
    ORRERY_CHECK(std::isfinite(value));
    put(key, value);
  }
  void field(std::string_view key, Duration& value, Range, std::string_view) override {
    put(key, value_text(value));
  }
  void field(std::string_view key, Bytes& value, Range, std::string_view) override {
    put(key, value_text(value));
  }
  void field(std::string_view key, Bandwidth& value, Range, std::string_view) override {
    put(key, value_text(value));
  }
  void field(std::string_view key, ComputeRate& value, Range, std::string_view) override {
    put(key, value_text(value));
  }
  void field(std::string_view key, Frequency& value, Range, std::string_view) override {
    put(key, value_text(value));
  }
  void field(std::string_view key, PerSecond& value, Range, std::string_view) override {
    ORRERY_CHECK(std::isfinite(value.value));
    put(key, value_text(value));
  }
  void field(std::string_view key, std::vector<std::int64_t>& value, Range,
             std::string_view) override {
    put(key, value);
  }
  void field(std::string_view key, std::vector<std::string>& value, std::string_view) override {
    put(key, value);
  }
  void choice(std::string_view key, int& value, std::span<const std::string_view> names,
              std::string_view) override {
    ORRERY_CHECK(value >= 0 && static_cast<std::size_t>(value) < names.size());
    put(key, names[static_cast<std::size_t>(value)]);
  }
  void object(std::string_view key, const std::function<void(Describer&)>& inside,
              std::string_view) override {
    if (absent_default()) return put(key, nullptr);
    Writer writer(Into::kMapping);
    inside(writer);
    put(key, writer.take());
  }
  void list(std::string_view key, const std::function<void(Describer&)>& item,
            std::string_view) override {
    Writer writer(Into::kList);
    item(writer);
    put(key, writer.take());
  }

  [[nodiscard]] bool writing() const override { return true; }
  void next_item() override {
    ORRERY_CHECK(json_.is_array());
    json_.push_back(Json::object());
  }

 private:
  /// The marks are asked only to be cleared: a writer has no use for them.
  template <class T>
  void put(std::string_view key, T&& value) {
    static_cast<void>(take_required());
    static_cast<void>(take_shorthand());
    if (absent_default()) return;
    // A list whose describe() does not go through its elements has no place for their keys.
    ORRERY_CHECK(!json_.is_array() || !json_.empty());
    Json& mapping = json_.is_array() ? json_.back() : json_;
    mapping[std::string(key)] = std::forward<T>(value);
  }

  Json json_;
};

}  // namespace

std::string dump_text(const std::function<void(Describer&)>& describe) {
  Writer writer(Writer::Into::kMapping);
  describe(writer);
  return writer.take().dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace orrery
