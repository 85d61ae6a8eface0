// SPDX-License-Identifier: Apache-2.0
#include "sim/config/scalars.h"

#include <charconv>
#include <cmath>

namespace orrery {
namespace {

/// Drops the digits at the front and says how many there were.
std::size_t drop_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  text.remove_prefix(count);
  return count;
}

/// Drops a JSON number's integer part; false where there is none.
bool drop_integer(std::string_view& text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t digits = drop_digits(text);
  return digits == 1 || (digits > 1 && !zero);
}

}  // namespace

std::optional<bool> boolean_of(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::string_view rest = text;
  if (!drop_integer(rest) || !rest.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

bool is_number(std::string_view text) {
  if (!drop_integer(text)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (drop_digits(text) == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (drop_digits(text) == 0) return false;
  }
  return text.empty();
}

std::optional<double> number_of(std::string_view text) {
  if (!is_number(text)) return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  // Out of range is also what is too small for a double, which nobody means.
  if (parsed.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace orrery
