// SPDX-License-Identifier: Apache-2.0
#include "sim/core/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "sim/core/check.h"

namespace orrery::math {
namespace {

// ln 2 in two parts: the first has 21 trailing zero bits, so that a multiple by an exponent is
// exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kTwoPi = 0x1.921fb54442d18p+2;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// high + low, with |low| at most half a unit in the last place of high.
struct Pair {
  double high;
  double low;
};

/// Exact (Knuth).
Pair sum(double a, double b) {
  const double high = a + b;
  const double rounded_b = high - a;
  return {high, (a - (high - rounded_b)) + (b - rounded_b)};
}

/// Exact where nothing over- or underflows (Dekker, Veltkamp's split).
Pair product(double a, double b) {
  constexpr double kSplit = 0x1.0p27 + 1;
  const double ta = kSplit * a;
  const double a1 = ta - (ta - a);
  const double a2 = a - a1;
  const double tb = kSplit * b;
  const double b1 = tb - (tb - b);
  const double b2 = b - b1;
  const double high = a * b;
  return {high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

/// To about 2^-104.
Pair sum(Pair a, Pair b) {
  const Pair s = sum(a.high, b.high);
  return sum(s.high, s.low + (a.low + b.low));
}
Pair product(Pair a, Pair b) {
  const Pair p = product(a.high, b.high);
  return sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/// x * 2^exponent, rounded once more only where the result is subnormal.
double scaled(double x, int exponent) {
  const auto power = [](int e) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
  };
  if (exponent > 1023) return x * power(1023) * power(exponent - 1023);
  if (exponent < -1022) return x * power(exponent + 64) * power(-64);
  return x * power(exponent);
}

/// e^(high + low), for |low| tiny against 1.
double exp_of(double high, double low) {
  if (high > 709.8) return kInfinity;
  if (high < -745.2) return 0;
  const double k = std::floor(high * 0x1.71547652b82fep+0 + 0.5);
  // |r| <= ln(2) / 2; the terms past r^13 / 13! are under 2^-57.
  const double r = (high - k * kLn2High) - (k * kLn2Low - low);
  double tail = 1.0 / 6227020800;
  for (const double factorial : {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0,
                                 720.0, 120.0, 24.0, 6.0, 2.0}) {
    tail = tail * r + 1.0 / factorial;
  }
  return scaled(1 + (r + r * r * tail), static_cast<int>(k));
}

/// x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)).
struct Parts {
  double mantissa;
  int exponent;
};

Parts parts_of(double x) {
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1.0p54;
    exponent = -54;
  }
  auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffU) | 0x3ff0000000000000U;
  double mantissa = std::bit_cast<double>(bits);
  if (mantissa >= 0x1.6a09e667f3bcdp+0) {
    mantissa *= 0.5;
    ++exponent;
  }
  return {mantissa, exponent};
}

/// The sum of 2 z^i / (2 i + first), i from 0, z <= (3 - 2 sqrt(2))^2 = 0.0295: what is left out of
/// 2 atanh's series is under 2^-60.
double atanh_tail(double z, int first) {
  double result = 0;
  for (int i = 10; i >= 0; --i) result = result * z + 2.0 / (2 * i + first);
  return result;
}

/// ln(x) to about 2^-66, for pow, which multiplies its error.
Pair log_pair(double x) {
  const Parts parts = parts_of(x);
  // ln m = 2 atanh(s), s = (m - 1) / (m + 1); m - 1 is exact.
  const double f = parts.mantissa - 1;
  const Pair divisor = sum(parts.mantissa, 1.0);
  const double quotient = f / divisor.high;
  const Pair back = product(quotient, divisor.high);
  const double rest = ((f - back.high) - back.low - quotient * divisor.low) / divisor.high;
  const Pair s = sum(quotient, rest);
  const Pair z = product(s, s);
  // 2 s (1 + z/3) in pairs, then s z^2 (2/5 + 2 z/7 + ...) which is 2^-12 of it in a double.
  constexpr Pair kTwoThirds = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
  const Pair inner = sum(product(z, kTwoThirds), {2.0, 0.0});
  const Pair tail = {s.high * z.high * z.high * atanh_tail(z.high, 5), 0.0};
  const Pair log_mantissa = sum(product(s, inner), tail);
  const double k = parts.exponent;
  const Pair log_power = sum(sum(k * kLn2High, 0.0), product(k, kLn2Low));
  return sum(log_power, log_mantissa);
}

/// sin(2 pi turns) and cos(2 pi turns) by their series, for turns in [0, 1/8]; the terms past
/// x^17 / 17! are under 2^-62.
double sin_series(double turns) {
  const double x = kTwoPi * turns;
  const double z = x * x;
  double ratio = 1;
  for (const double d : {16.0 * 17, 14.0 * 15, 12.0 * 13, 10.0 * 11, 8.0 * 9, 6.0 * 7, 4.0 * 5}) {
    ratio = 1 - z / d * ratio;
  }
  return x - x * (z / 6 * ratio);
}

double cos_series(double turns) {
  const double x = kTwoPi * turns;
  const double z = x * x;
  double ratio = 1;
  for (const double d : {15.0 * 16, 13.0 * 14, 11.0 * 12, 9.0 * 10, 7.0 * 8, 5.0 * 6, 3.0 * 4}) {
    ratio = 1 - z / d * ratio;
  }
  return 1 - z / 2 * ratio;
}

}  // namespace

double exp(double x) {
  if (std::isnan(x)) return x;
  return exp_of(x, 0);
}

double log(double x) {
  ORRERY_CHECK(x > 0);
  if (x == kInfinity) return x;
  const Parts parts = parts_of(x);
  const double f = parts.mantissa - 1;
  const double k = parts.exponent;
  const double s = f / (2 + f);
  const double z = s * s;
  // 2 s + s z R, and 2 s = f - s f, whose first part is exact.
  const double correction = s * (f - z * atanh_tail(z, 3));
  return k * kLn2High + (f - (correction - k * kLn2Low));
}

double pow(double base, double exponent) {
  ORRERY_CHECK(base > 0 && base < kInfinity && std::isfinite(exponent));
  const Pair logarithm = log_pair(base);
  // Far outside, where the exact product below could overflow inside.
  if (std::fabs(exponent * logarithm.high) > 800) {
    return (exponent > 0) == (logarithm.high > 0) ? kInfinity : 0;
  }
  const Pair p = product(exponent, logarithm.high);
  return exp_of(p.high, p.low + exponent * logarithm.low);
}

double cos_turns(double turns) {
  ORRERY_CHECK(std::isfinite(turns));
  // Every fold is exact: cos has period 1, is even, and changes sign about 1/4.
  double t = std::fabs(turns);
  t -= std::floor(t);
  if (t > 0.5) t = 1 - t;
  const double sign = t > 0.25 ? -1 : 1;
  if (t > 0.25) t = 0.5 - t;
  return sign * (t <= 0.125 ? cos_series(t) : sin_series(0.25 - t));
}

}  // namespace orrery::math
