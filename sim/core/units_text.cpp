// SPDX-License-Identifier: Apache-2.0
#include "sim/core/units_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <stdexcept>

namespace orrery {
namespace {

/// `count` of the quantity's smallest unit in one of this unit.
struct Unit {
  std::string_view name;
  std::int64_t count;
};

constexpr std::int64_t kKilo = 1'000;
constexpr std::int64_t kMega = 1'000'000;
constexpr std::int64_t kGiga = 1'000'000'000;
constexpr std::int64_t kTera = 1'000'000'000'000;
constexpr std::int64_t kPeta = 1'000'000'000'000'000;

constexpr Unit kDurations[] = {{"ps", 1},           {"ns", kKilo},       {"us", kMega},
                               {"ms", kGiga},       {"s", kTera},        {"min", 60 * kTera},
                               {"h", 3600 * kTera}, {"d", 86400 * kTera}};
constexpr Unit kByteCounts[] = {{"B", 1},
                                {"kB", kKilo},
                                {"MB", kMega},
                                {"GB", kGiga},
                                {"TB", kTera},
                                {"PB", kPeta},
                                {"KiB", std::int64_t{1} << 10},
                                {"MiB", std::int64_t{1} << 20},
                                {"GiB", std::int64_t{1} << 30},
                                {"TiB", std::int64_t{1} << 40},
                                {"PiB", std::int64_t{1} << 50}};
constexpr Unit kFlopCounts[] = {{"FLOP", 1},      {"kFLOP", kKilo}, {"MFLOP", kMega},
                                {"GFLOP", kGiga}, {"TFLOP", kTera}, {"PFLOP", kPeta}};
// Network links are quoted in bits, which need a word of their own: `Gb/s` is read both ways.
constexpr Unit kBandwidths[] = {{"B/s", 1},
                                {"kB/s", kKilo},
                                {"MB/s", kMega},
                                {"GB/s", kGiga},
                                {"TB/s", kTera},
                                {"PB/s", kPeta},
                                {"KiB/s", std::int64_t{1} << 10},
                                {"MiB/s", std::int64_t{1} << 20},
                                {"GiB/s", std::int64_t{1} << 30},
                                {"TiB/s", std::int64_t{1} << 40},
                                {"kbit/s", kKilo / 8},
                                {"Mbit/s", kMega / 8},
                                {"Gbit/s", kGiga / 8},
                                {"Tbit/s", kTera / 8}};
constexpr Unit kComputeRates[] = {{"FLOP/s", 1},      {"kFLOP/s", kKilo}, {"MFLOP/s", kMega},
                                  {"GFLOP/s", kGiga}, {"TFLOP/s", kTera}, {"PFLOP/s", kPeta}};
constexpr Unit kFrequencies[] = {{"Hz", 1}, {"kHz", kKilo}, {"MHz", kMega}, {"GHz", kGiga}};
// For rates `count` is the seconds of the period.
constexpr Unit kPeriods[] = {{"/s", 1}, {"/min", 60}, {"/h", 3600}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// Units are so short that any is near any other: only a slip of capitals gets a suggestion.
std::string unit_names(std::string_view given, std::span<const Unit> units) {
  std::string known;
  std::string suggestion;
  for (const Unit& unit : units) {
    known += (known.empty() ? "" : ", ") + std::string(unit.name);
    if (same_letters(unit.name, given)) suggestion = fmt::format(" (did you mean {}?)", unit.name);
  }
  return "known: " + known + suggestion;
}

/// Refuses `text` for the reason `why`; `wrong_unit` is what stood where the unit should.
[[noreturn]] void refuse(std::string_view text, std::string_view why, std::span<const Unit> units,
                         std::string_view wrong_unit = {}) {
  throw std::invalid_argument(fmt::format("'{}' {}; {}", text, why, unit_names(wrong_unit, units)));
}

/// `text` cut into the number's characters and its unit.
struct NumberAndUnit {
  std::string_view number;
  const Unit* unit;
};

std::size_t number_length(std::string_view text) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  while (i < text.size() && (is_digit(text[i]) || text[i] == '.')) ++i;
  // An exponent only where digits follow: `1 EB` has none.
  std::size_t j = i;
  if (j < text.size() && (text[j] == 'e' || text[j] == 'E')) {
    ++j;
    if (j < text.size() && (text[j] == '-' || text[j] == '+')) ++j;
    if (j < text.size() && is_digit(text[j])) {
      while (j < text.size() && is_digit(text[j])) ++j;
      i = j;
    }
  }
  return i;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

NumberAndUnit split(std::string_view text, std::span<const Unit> units) {
  const std::string_view trimmed = without_blanks(text);
  const std::size_t length = number_length(trimmed);
  const std::string_view number = trimmed.substr(0, length);
  const std::string_view name = without_blanks(trimmed.substr(length));
  if (number.empty() || number.find_first_of("0123456789") == std::string_view::npos) {
    refuse(text, "does not start with a number", units);
  }
  if (number.front() == '-') refuse(text, "is negative", units);
  if (name.empty()) refuse(text, "has no unit", units);
  for (const Unit& unit : units) {
    if (unit.name == name) return {number, &unit};
  }
  refuse(text, fmt::format("has the unknown unit '{}'", name), units, name);
}

/// digits * 10^exponent, without the trailing zeros of `digits`.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};

/// False where the characters are not one number, or it has more digits than 19.
bool parse_decimal(std::string_view number, Decimal& result) {
  int pending_zeros = 0;  // zeros seen that count only if another digit follows
  int point_digits = 0;
  bool after_point = false;
  std::size_t i = number.front() == '+' ? 1 : 0;
  for (; i < number.size() && number[i] != 'e' && number[i] != 'E'; ++i) {
    if (number[i] == '.') {
      if (after_point) return false;
      after_point = true;
      continue;
    }
    if (after_point) ++point_digits;
    if (number[i] == '0') {
      if (result.digits != 0) ++pending_zeros;
      continue;
    }
    for (int z = 0; z <= pending_zeros; ++z) {
      if (__builtin_mul_overflow(result.digits, 10U, &result.digits)) return false;
    }
    pending_zeros = 0;
    const auto digit = static_cast<std::uint64_t>(number[i] - '0');
    if (__builtin_add_overflow(result.digits, digit, &result.digits)) return false;
  }
  int written = 0;
  if (i < number.size()) {
    std::string_view power = number.substr(i + 1);
    if (power.front() == '+') power.remove_prefix(1);
    const auto parsed = std::from_chars(power.data(), power.data() + power.size(), written);
    if (parsed.ec != std::errc() || written > 100 || written < -100) return false;
  }
  result.exponent = written - point_digits + pending_zeros;
  return true;
}

/// The exact product of the number and its unit; refused unless it is a whole count of 63 bits.
std::int64_t parse_count(std::string_view text, std::span<const Unit> units,
                         std::string_view smallest) {
  const NumberAndUnit parts = split(text, units);
  Decimal decimal;
  if (!parse_decimal(parts.number, decimal)) {
    refuse(text, "is not one decimal number of at most 19 digits", units);
  }
  if (decimal.digits == 0) return 0;
  // digits < 2^64 and a unit < 2^63: the product fits in 127 bits.
  UInt128 value = UInt128{decimal.digits} * static_cast<UInt128>(parts.unit->count);
  for (; decimal.exponent < 0; ++decimal.exponent) {
    if (value % 10 != 0) {
      refuse(text, fmt::format("is not a whole number of {}", smallest), units);
    }
    value /= 10;
  }
  constexpr auto kMost = static_cast<UInt128>(INT64_MAX);
  for (; decimal.exponent > 0 && value <= kMost; --decimal.exponent) value *= 10;
  if (value > kMost) refuse(text, "is too large", units);
  return static_cast<std::int64_t>(value);
}

/// Four significant digits at most, never an exponent: `scaled` is less than 10 000.
std::string four_digits(double scaled, std::string_view unit) {
  return fmt::format("{:.4g} {}", scaled, unit);
}

/// The unit in which `count` is at least 1; the first one for smaller counts.
std::string human_count(std::int64_t count, std::span<const Unit> ascending) {
  const double size = std::fabs(static_cast<double>(count));
  const Unit* chosen = &ascending.front();
  for (const Unit& unit : ascending) {
    if (size >= static_cast<double>(unit.count)) chosen = &unit;
  }
  return four_digits(static_cast<double>(count) / static_cast<double>(chosen->count), chosen->name);
}

std::string exact_count(std::int64_t count, std::span<const Unit> units) {
  const Unit* chosen = &units.front();
  for (const Unit& unit : units) {
    if (count != 0 && count % unit.count == 0 && unit.count > chosen->count) chosen = &unit;
  }
  return fmt::format("{} {}", count / chosen->count, chosen->name);
}

std::vector<std::string_view> names_of(std::span<const Unit> units) {
  std::vector<std::string_view> names;
  for (const Unit& unit : units) names.push_back(unit.name);
  return names;
}

}  // namespace

Duration round_up_to_duration(double seconds) {
  ORRERY_CHECK(std::isfinite(seconds) && seconds >= 0);
  // The product is rounded to the nearest double first, so that 0.001 is a millisecond and not one
  // picosecond more.
  const double picos = std::ceil(seconds * 1e12);
  ORRERY_CHECK(picos < 9223372036854775808.0);
  return Duration(static_cast<std::int64_t>(picos));
}

std::size_t write_exact_seconds(Duration d, char* out) {
  char* next = out;
  auto left = static_cast<std::uint64_t>(d.count());
  if (d.count() < 0) {
    *next++ = '-';
    left = 0 - left;
  }
  next = std::to_chars(next, next + 8, left / kTera).ptr;
  std::uint64_t fraction = left % kTera;
  if (fraction != 0) {
    *next++ = '.';
    int digits = 12;
    for (; fraction % 10 == 0; fraction /= 10) --digits;
    for (int i = digits - 1; i >= 0; --i, fraction /= 10) {
      next[i] = static_cast<char>('0' + fraction % 10);
    }
    next += digits;
  }
  return static_cast<std::size_t>(next - out);
}

std::string exact_seconds(Duration d) {
  std::array<char, 24> text;
  return std::string(text.data(), write_exact_seconds(d, text.data()));
}

Duration parse_duration(std::string_view text) {
  return Duration(parse_count(text, kDurations, "picoseconds"));
}

Bytes parse_bytes(std::string_view text) { return Bytes(parse_count(text, kByteCounts, "bytes")); }

Flops parse_flops(std::string_view text) {
  return Flops(parse_count(text, kFlopCounts, "operations"));
}

Bandwidth parse_bandwidth(std::string_view text) {
  return Bandwidth::per_second(parse_count(text, kBandwidths, "bytes per second"));
}

ComputeRate parse_compute_rate(std::string_view text) {
  return ComputeRate::per_second(parse_count(text, kComputeRates, "operations per second"));
}

Frequency parse_frequency(std::string_view text) {
  return Frequency::per_second(parse_count(text, kFrequencies, "cycles per second"));
}

double parse_rate_per_second(std::string_view text) {
  const NumberAndUnit parts = split(text, kPeriods);
  std::string_view number = parts.number;
  if (number.front() == '+') number.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) {
    refuse(text, "is not one decimal number", kPeriods);
  }
  return value / static_cast<double>(parts.unit->count);
}

std::string human(Duration d) {
  // A longer unit is taken from here on: seconds, minutes and hours read well up to two of the
  // next.
  constexpr std::int64_t kFrom[] = {0,     kKilo,       kMega,        kGiga,
                                    kTera, 120 * kTera, 7200 * kTera, 172800 * kTera};
  static_assert(std::size(kFrom) == std::size(kDurations));
  const double size = std::fabs(static_cast<double>(d.count()));
  std::size_t chosen = 0;
  while (chosen + 1 < std::size(kFrom) && size >= static_cast<double>(kFrom[chosen + 1])) ++chosen;
  return four_digits(static_cast<double>(d.count()) / static_cast<double>(kDurations[chosen].count),
                     kDurations[chosen].name);
}

std::string human(Bytes b) {
  constexpr Unit kBinary[] = {{"B", 1},
                              {"KiB", std::int64_t{1} << 10},
                              {"MiB", std::int64_t{1} << 20},
                              {"GiB", std::int64_t{1} << 30},
                              {"TiB", std::int64_t{1} << 40},
                              {"PiB", std::int64_t{1} << 50}};
  return human_count(b.count(), kBinary);
}

std::string human(Flops f) { return human_count(f.count(), kFlopCounts); }

std::string human(Bandwidth b) {
  return human_count(b.units_per_second(), std::span(kBandwidths).first(6));
}

std::string human(ComputeRate r) { return human_count(r.units_per_second(), kComputeRates); }

std::string exact_text(Duration d) { return exact_count(d.count(), kDurations); }
std::string exact_text(Bytes b) { return exact_count(b.count(), kByteCounts); }
std::string exact_text(Flops f) { return exact_count(f.count(), kFlopCounts); }
// Bytes, not bits, which come last in the table.
std::string exact_text(Bandwidth b) {
  return exact_count(b.units_per_second(), std::span(kBandwidths).first(10));
}
std::string exact_text(ComputeRate r) { return exact_count(r.units_per_second(), kComputeRates); }
std::string exact_text(Frequency f) { return exact_count(f.units_per_second(), kFrequencies); }

std::vector<std::string_view> units_of(Duration) { return names_of(kDurations); }
std::vector<std::string_view> units_of(Bytes) { return names_of(kByteCounts); }
std::vector<std::string_view> units_of(Flops) { return names_of(kFlopCounts); }
std::vector<std::string_view> units_of(Bandwidth) { return names_of(kBandwidths); }
std::vector<std::string_view> units_of(ComputeRate) { return names_of(kComputeRates); }
std::vector<std::string_view> units_of(Frequency) { return names_of(kFrequencies); }
std::vector<std::string_view> units_of_rate_per_second() { return names_of(kPeriods); }

}  // namespace orrery
