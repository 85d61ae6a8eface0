// SPDX-License-Identifier: Apache-2.0
#include "sim/workload/decimal.h"

#include <charconv>
#include <cmath>

namespace orrery {
namespace {

struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  int exponent = 0;
};

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool take_exponent(std::string_view& text, int& exponent) {
  if (text.empty() || (text.front() != 'e' && text.front() != 'E')) return true;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc() || text.starts_with('-')) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (exponent > 1000) return false;
  if (negative) exponent = -exponent;
  return true;
}

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  parts.negative = text.starts_with('-');
  if (parts.negative) text.remove_prefix(1);
  parts.whole = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return {};
  if (!take_exponent(text, parts.exponent) || !text.empty()) return {};
  return parts;
}

/// Division rounded to nearest; denominator > 0, numerator >= 0.
TraceTime divide_rounding(UInt128 numerator, UInt128 denominator) {
  const UInt128 quotient = numerator / denominator;
  const UInt128 rest = numerator % denominator;
  return static_cast<TraceTime>(quotient + (rest >= denominator - rest ? 1 : 0));
}

int bit_width(UInt128 x) {
  int width = 0;
  for (; x != 0; x >>= 1) ++width;
  return width;
}

/// The double as mantissa * 2^exponent with an integer mantissa below 2^53.
struct Exact {
  UInt128 mantissa = 0;
  int exponent = 0;
};
Exact exact(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  return {static_cast<UInt128>(std::ldexp(fraction, 53)), exponent - 53};
}

std::optional<TraceTime> signed_within_limit(bool negative, TraceTime magnitude) {
  if (magnitude > kTraceTimeLimit) return {};
  return negative ? -magnitude : magnitude;
}

}  // namespace

std::optional<TraceTime> parse_decimal(std::string_view text, int digits) {
  const std::optional<Parts> parts = split(text);
  if (!parts) return {};
  // Digit i of whole+fraction stands at 10^(place): those at 10^0 and above count, the next rounds.
  const auto shift = static_cast<std::ptrdiff_t>(parts->exponent) + digits;
  const auto whole = static_cast<std::ptrdiff_t>(parts->whole.size());
  const auto all = whole + static_cast<std::ptrdiff_t>(parts->fraction.size());
  const std::ptrdiff_t kept = whole + shift;
  const auto digit = [&](std::ptrdiff_t i) {
    if (i < 0 || i >= all) return 0;
    const auto at = static_cast<std::size_t>(i < whole ? i : i - whole);
    return (i < whole ? parts->whole : parts->fraction)[at] - '0';
  };
  TraceTime value = 0;
  for (std::ptrdiff_t i = 0; i < kept; ++i) {
    value = value * 10 + digit(i);
    if (value > kTraceTimeLimit) return {};
    if (value == 0 && i >= all) break;  // only zeros are left, however large the exponent
  }
  if (digit(kept) >= 5) ++value;
  return signed_within_limit(parts->negative, value);
}

std::optional<TraceTime> scale_time(TraceTime time, double by) {
  const Exact factor = exact(by);
  const UInt128 magnitude = static_cast<UInt128>(time < 0 ? -time : time);
  if (bit_width(magnitude) + 53 > 126) return {};
  const UInt128 product = magnitude * factor.mantissa;
  TraceTime result = 0;
  if (factor.exponent >= 0) {
    if (bit_width(product) + factor.exponent > 126) return {};
    result = static_cast<TraceTime>(product << factor.exponent);
  } else if (factor.exponent > -127) {
    result = divide_rounding(product, static_cast<UInt128>(1) << -factor.exponent);
  }
  return signed_within_limit(time < 0, result);
}

std::optional<TraceTime> divide_time(TraceTime time, double by) {
  const Exact divisor = exact(by);
  const UInt128 magnitude = static_cast<UInt128>(time < 0 ? -time : time);
  TraceTime result = 0;
  if (divisor.exponent > 0) {
    if (bit_width(divisor.mantissa) + divisor.exponent > 126) return TraceTime{0};
    result = divide_rounding(magnitude, divisor.mantissa << divisor.exponent);
  } else {
    if (bit_width(magnitude) - divisor.exponent > 126) return {};
    result = divide_rounding(magnitude << -divisor.exponent, divisor.mantissa);
  }
  return signed_within_limit(time < 0, result);
}

std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace orrery
