// SPDX-License-Identifier: Apache-2.0
#include "kernels/host/detail.h"

#include <charconv>
#include <sstream>
#include <stdexcept>

namespace orrery::kernels {

Detail::Detail(std::string_view text) {
  std::istringstream stream{std::string(text)};
  for (std::string word; stream >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw std::invalid_argument("'" + word + "' is not key=value");
    }
    set(word.substr(0, equals), word.substr(equals + 1));
  }
}

Detail& Detail::set(std::string_view key, std::string_view value) {
  if (has(key)) throw std::invalid_argument("'" + std::string(key) + "' is given twice");
  if (key.find_first_of(" ,=") != std::string_view::npos ||
      value.find_first_of(" ,=") != std::string_view::npos || value.empty()) {
    throw std::invalid_argument("'" + std::string(key) + "=" + std::string(value) +
                                "' has a space, a comma or nothing in it");
  }
  words_.emplace_back(key, value);
  return *this;
}

Detail& Detail::set(std::string_view key, std::int64_t value) {
  return set(key, std::string_view(std::to_string(value)));
}

bool Detail::has(std::string_view key) const {
  for (const auto& word : words_) {
    if (word.first == key) return true;
  }
  return false;
}

std::string Detail::text(std::string_view key) const {
  for (const auto& word : words_) {
    if (word.first == key) return word.second;
  }
  throw std::invalid_argument("no '" + std::string(key) + "' in '" + all() + "'");
}

std::int64_t Detail::number(std::string_view key) const {
  const std::string word = text(key);
  std::int64_t value = 0;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  if (result.ec != std::errc() || result.ptr != word.data() + word.size()) {
    throw std::invalid_argument("'" + std::string(key) + "=" + word + "' is not a whole number");
  }
  return value;
}

std::string Detail::all() const {
  std::string text;
  for (const auto& [key, value] : words_) {
    text += (text.empty() ? "" : " ") + key + "=" + value;
  }
  return text;
}

}  // namespace orrery::kernels
