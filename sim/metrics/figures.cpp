// SPDX-License-Identifier: Apache-2.0
#include "sim/metrics/figures.h"

#include <fmt/format.h>

#include <cmath>

namespace orrery {

std::string percent(double share) {
  const double hundredths = share * 100;
  if (hundredths > 0 && hundredths < 0.05) return fmt::format("{:.1g} %", hundredths);
  if (hundredths < 9.95) {
    std::string text = fmt::format("{:.1f}", hundredths);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text + " %";
  }
  if (hundredths < 100 && hundredths >= 99.5) {
    return fmt::format("{:.1f} %", std::floor(hundredths * 10) / 10);
  }
  return fmt::format("{:.0f} %", hundredths);
}

std::string figure(double value) {
  const double size = std::abs(value);
  if (size < 10) return fmt::format("{:.3f}", value);
  if (size < 100) return fmt::format("{:.2f}", value);
  if (size < 1000) return fmt::format("{:.1f}", value);
  return grouped(static_cast<std::int64_t>(std::round(value)));
}

std::string grouped(std::int64_t value) {
  std::string text = fmt::format("{}", value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

}  // namespace orrery
