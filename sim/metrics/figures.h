// SPDX-License-Identifier: Apache-2.0
//
// Numbers as people read them, in tables and verdicts; files have all digits.
#ifndef ORRERY_SIM_METRICS_FIGURES_H_
#define ORRERY_SIM_METRICS_FIGURES_H_

#include <cstdint>
#include <string>

namespace orrery {

/// `3 %`, `0.4 %`, `12 %`, `100 %`: one digit behind the dot below 10 %, none where it is 0.
/// `0.02 %` for what would read 0.0 and is not; never 100 for less than all.
[[nodiscard]] std::string percent(double share);

/// About four digits: `0.123`, `1.234`, `12.34`, `123.4`, `12,346`.
[[nodiscard]] std::string figure(double value);

/// `1,234,567`.
[[nodiscard]] std::string grouped(std::int64_t value);

}  // namespace orrery

#endif  // ORRERY_SIM_METRICS_FIGURES_H_
