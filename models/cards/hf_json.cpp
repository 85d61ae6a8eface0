// SPDX-License-Identifier: Apache-2.0
#include "models/cards/hf_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/core/errors.h"

namespace orrery {
namespace {

constexpr std::int64_t kMost = 1 << 24;

/// nlohmann counts bytes from 1.
Position position_of(const std::string& file, std::string_view text, std::size_t byte) {
  Position at{file, 1, 1};
  for (std::size_t i = 0; i + 1 < byte && i < text.size(); ++i) {
    at.column = text[i] == '\n' ? 1 : at.column + 1;
    at.line += text[i] == '\n' ? 1 : 0;
  }
  return at;
}

bool is_whole(const nlohmann::json& value, std::int64_t least) {
  return value.is_number_integer() && value >= least && value <= kMost;
}

}  // namespace

HfJson::HfJson(std::string_view text, std::string file) : file_(std::move(file)) {
  try {
    root_ = std::make_shared<const nlohmann::json>(nlohmann::json::parse(text));
  } catch (const nlohmann::json::parse_error& error) {
    throw ConfigError(position_of(file_, text, error.byte), {}, "is not valid JSON");
  }
  node_ = root_.get();
  if (!node_->is_object()) refuse({}, "is not a JSON object");
}

void HfJson::refuse(std::string_view key, std::string_view what) const {
  throw ConfigError(Position{file_}, path_ + std::string(key), what);
}

void HfJson::refuse_value(const char* key, std::string_view expected) const {
  refuse(key, fmt::format("is {}, not {}", at(key).dump(), expected));
}

bool HfJson::has(const char* key) const {
  return node_->contains(key) && !node_->at(key).is_null();
}

const nlohmann::json& HfJson::at(const char* key) const {
  if (!has(key)) refuse(key, "is missing");
  return node_->at(key);
}

std::int64_t HfJson::whole(const char* key, std::int64_t least) const {
  const nlohmann::json& value = at(key);
  if (!is_whole(value, least)) {
    refuse_value(key, fmt::format("a whole number from {} to {}", least, kMost));
  }
  return value.get<std::int64_t>();
}

std::int64_t HfJson::count(const char* key) const { return whole(key, 1); }

std::int64_t HfJson::count_or(const char* key, std::int64_t otherwise) const {
  return has(key) ? whole(key, 1) : otherwise;
}

std::int64_t HfJson::number_or(const char* key, std::int64_t otherwise) const {
  return has(key) ? whole(key, 0) : otherwise;
}

double HfJson::real_or(const char* key, double otherwise) const {
  if (!has(key)) return otherwise;
  if (!at(key).is_number()) refuse_value(key, "a number");
  return at(key).get<double>();
}

bool HfJson::flag_or(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!at(key).is_boolean()) refuse_value(key, "true or false");
  return at(key).get<bool>();
}

std::string HfJson::text(const char* key) const {
  if (!at(key).is_string()) refuse_value(key, "a text");
  return at(key).get<std::string>();
}

std::string HfJson::text_or(const char* key, std::string_view otherwise) const {
  return has(key) ? text(key) : std::string(otherwise);
}

bool HfJson::is_text(const char* key, std::string_view text) const {
  return has(key) && at(key).is_string() && at(key).get<std::string>() == text;
}

std::vector<std::string> HfJson::texts(const char* key) const {
  std::vector<std::string> all;
  if (!has(key)) return all;
  if (!at(key).is_array()) refuse_value(key, "a list of texts");
  for (const nlohmann::json& each : at(key)) {
    if (!each.is_string()) refuse_value(key, "a list of texts");
    all.push_back(each.get<std::string>());
  }
  return all;
}

std::optional<std::vector<std::int64_t>> HfJson::numbers(const char* key) const {
  if (!has(key)) return std::nullopt;
  if (!at(key).is_array()) refuse_value(key, "a list of whole numbers");
  std::vector<std::int64_t> all;
  for (const nlohmann::json& each : at(key)) {
    if (!is_whole(each, 0)) refuse_value(key, "a list of whole numbers");
    all.push_back(each.get<std::int64_t>());
  }
  return all;
}

HfJson HfJson::object(const char* key) const {
  if (!at(key).is_object()) refuse_value(key, "an object");
  HfJson inner;
  inner.file_ = file_;
  inner.path_ = path_ + key + ".";
  inner.root_ = root_;
  inner.node_ = &at(key);
  return inner;
}

std::vector<std::string> HfJson::keys() const {
  std::vector<std::string> all;
  for (const auto& item : node_->items()) all.push_back(item.key());
  return all;
}

}  // namespace orrery
