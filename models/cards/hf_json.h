// SPDX-License-Identifier: Apache-2.0
//
// A Hugging Face JSON file, or an object inside of it, whose keys are fetched with errors that name
// the file and the key's whole path. `null` counts as absent, as transformers takes it.
#ifndef ORRERY_MODELS_CARDS_HF_JSON_H_
#define ORRERY_MODELS_CARDS_HF_JSON_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

class HfJson final {
 public:
  /// Throws ConfigError where the text is not a JSON object.
  HfJson(std::string_view text, std::string file);

  [[noreturn]] void refuse(std::string_view key, std::string_view what) const;
  /// Refuses a value, which is quoted: `is 3, not <expected>`.
  [[noreturn]] void refuse_value(const char* key, std::string_view expected) const;

  [[nodiscard]] bool has(const char* key) const;
  /// A whole number from 1 to 2^24: no width, length or number of things is beyond.
  [[nodiscard]] std::int64_t count(const char* key) const;
  [[nodiscard]] std::int64_t count_or(const char* key, std::int64_t otherwise) const;
  /// The same, from 0.
  [[nodiscard]] std::int64_t number_or(const char* key, std::int64_t otherwise) const;
  [[nodiscard]] double real_or(const char* key, double otherwise) const;
  [[nodiscard]] bool flag_or(const char* key, bool otherwise) const;
  [[nodiscard]] std::string text(const char* key) const;
  [[nodiscard]] std::string text_or(const char* key, std::string_view otherwise) const;
  [[nodiscard]] bool is_text(const char* key, std::string_view text) const;
  /// Empty where the key is absent.
  [[nodiscard]] std::vector<std::string> texts(const char* key) const;
  /// Whole numbers from 0; none where the key is absent.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> numbers(const char* key) const;
  [[nodiscard]] HfJson object(const char* key) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  HfJson() = default;
  [[nodiscard]] const nlohmann::json& at(const char* key) const;
  [[nodiscard]] std::int64_t whole(const char* key, std::int64_t least) const;

  std::string file_;
  /// What comes before a key: `text_config.`.
  std::string path_;
  std::shared_ptr<const nlohmann::json> root_;
  const nlohmann::json* node_ = nullptr;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_CARDS_HF_JSON_H_
