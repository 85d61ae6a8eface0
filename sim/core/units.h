// SPDX-License-Identifier: Apache-2.0
//
// Quantities that cannot be mixed up. Integers inside, text with units only at the edge.
//
//   Duration step = microseconds(12);
//   Instant end = start + step;
//   Duration copy = Bandwidth::per_second(3'350'000'000'000).time_for(Bytes(4096));   // rounds up
#ifndef ORRERY_SIM_CORE_UNITS_H_
#define ORRERY_SIM_CORE_UNITS_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/core/check.h"

namespace orrery {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

/// A count of one kind of thing. Sums, differences and multiples are checked for overflow.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  explicit constexpr Quantity(std::int64_t count) : count_(count) {}

  [[nodiscard]] constexpr std::int64_t count() const { return count_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    std::int64_t sum = 0;
    ORRERY_CHECK(!__builtin_add_overflow(a.count_, b.count_, &sum));
    return Quantity(sum);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    std::int64_t difference = 0;
    ORRERY_CHECK(!__builtin_sub_overflow(a.count_, b.count_, &difference));
    return Quantity(difference);
  }
  friend constexpr Quantity operator*(Quantity a, std::int64_t times) {
    std::int64_t product = 0;
    ORRERY_CHECK(!__builtin_mul_overflow(a.count_, times, &product));
    return Quantity(product);
  }
  friend constexpr Quantity operator*(std::int64_t times, Quantity a) { return a * times; }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

 private:
  std::int64_t count_ = 0;
};

/// Picoseconds; +-106.75 days.
using Duration = Quantity<struct DurationTag>;
using Bytes = Quantity<struct BytesTag>;
/// Floating-point operations: a count, not a speed.
using Flops = Quantity<struct FlopsTag>;

constexpr Duration picoseconds(std::int64_t n) { return Duration(n); }
constexpr Duration nanoseconds(std::int64_t n) { return Duration(1'000) * n; }
constexpr Duration microseconds(std::int64_t n) { return Duration(1'000'000) * n; }
constexpr Duration milliseconds(std::int64_t n) { return Duration(1'000'000'000) * n; }
constexpr Duration seconds(std::int64_t n) { return Duration(1'000'000'000'000) * n; }

/// A point in simulated time. Instants subtract, they never add.
class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant at(Duration since_start) { return Instant(since_start); }
  /// Later than every instant a run can reach.
  static constexpr Instant never() { return Instant(Duration(INT64_MAX)); }

  [[nodiscard]] constexpr Duration since_start() const { return since_start_; }
  [[nodiscard]] constexpr std::int64_t picoseconds() const { return since_start_.count(); }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant a, Duration d) { return Instant(a.since_start_ + d); }
  friend constexpr Instant operator-(Instant a, Duration d) { return Instant(a.since_start_ - d); }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return a.since_start_ - b.since_start_;
  }

 private:
  explicit constexpr Instant(Duration since_start) : since_start_(since_start) {}
  Duration since_start_;
};

/// Work per second: a whole number of units each second.
template <class Work>
class Rate {
 public:
  constexpr Rate() = default;
  static constexpr Rate per_second(std::int64_t units) { return Rate(units); }

  [[nodiscard]] constexpr std::int64_t units_per_second() const { return units_per_second_; }
  friend constexpr auto operator<=>(Rate, Rate) = default;

  /// Rounds up: a transfer never ends early. The rate must be positive and the work not negative.
  [[nodiscard]] constexpr Duration time_for(Work work) const {
    ORRERY_CHECK(units_per_second_ > 0 && work.count() >= 0);
    const UInt128 numerator = static_cast<UInt128>(work.count()) * 1'000'000'000'000U;
    const UInt128 rate = static_cast<UInt128>(units_per_second_);
    const UInt128 picos = (numerator + rate - 1) / rate;
    ORRERY_CHECK(picos <= static_cast<UInt128>(INT64_MAX));
    return Duration(static_cast<std::int64_t>(picos));
  }

 private:
  explicit constexpr Rate(std::int64_t units) : units_per_second_(units) {}
  std::int64_t units_per_second_ = 0;
};

using Bandwidth = Rate<Bytes>;
using ComputeRate = Rate<Flops>;
/// Clock cycles per second.
using Frequency = Rate<Quantity<struct CyclesTag>>;

/// Where a double of a cost model becomes time. Finite and not negative, or InternalError.
[[nodiscard]] Duration round_up_to_duration(double seconds);
[[nodiscard]] constexpr double to_seconds(Duration d) {
  return static_cast<double>(d.count()) * 1e-12;
}

/// `12.000345` for 12000345000000 ps: exact, trailing zeros dropped, a dot only where needed.
[[nodiscard]] std::string exact_seconds(Duration d);
/// Writes the same to `out` (at least 24 bytes) and returns the length.
std::size_t write_exact_seconds(Duration d, char* out);

/// Text at the edge. Each parser takes exactly one number and one unit, blanks between them allowed
/// (`12us`, `12 us`, `3.35 TB/s`, `80 GiB`, `989 TFLOP/s`, `1.98 GHz`, `8/s`), and throws
/// std::invalid_argument with a text that starts with what was given and names the known units.
/// Decimal and binary prefixes are distinct; a bare number is refused; what does not come out as a
/// whole count is refused.
[[nodiscard]] Duration parse_duration(std::string_view text);
[[nodiscard]] Bytes parse_bytes(std::string_view text);
[[nodiscard]] Flops parse_flops(std::string_view text);
[[nodiscard]] Bandwidth parse_bandwidth(std::string_view text);
[[nodiscard]] ComputeRate parse_compute_rate(std::string_view text);
[[nodiscard]] Frequency parse_frequency(std::string_view text);
/// Events per second as a double (`8/s`, `2.5/s`, `30/min`): the rate of an arrival process.
[[nodiscard]] double parse_rate_per_second(std::string_view text);

/// For people: three to four significant digits and the fitting prefix (`12.3 ms`, `80 GiB`).
[[nodiscard]] std::string human(Duration d);
[[nodiscard]] std::string human(Bytes b);
[[nodiscard]] std::string human(Flops f);
[[nodiscard]] std::string human(Bandwidth b);
[[nodiscard]] std::string human(ComputeRate r);

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_UNITS_H_
