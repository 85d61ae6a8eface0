// SPDX-License-Identifier: Apache-2.0
//
// What those who write configuration back, or explain it, need beyond the parsers of units.h.
#ifndef ORRERY_SIM_CORE_UNITS_TEXT_H_
#define ORRERY_SIM_CORE_UNITS_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "sim/core/units.h"

namespace orrery {

/// Text that the quantity's parser reads back to the same value: a whole count of the largest unit
/// that allows one (`1500 us`, `80 GiB`, `3350 GB/s`). Values are not negative.
[[nodiscard]] std::string exact_text(Duration d);
[[nodiscard]] std::string exact_text(Bytes b);
[[nodiscard]] std::string exact_text(Flops f);
[[nodiscard]] std::string exact_text(Bandwidth b);
[[nodiscard]] std::string exact_text(ComputeRate r);
[[nodiscard]] std::string exact_text(Frequency f);

/// The units a parser knows, in the order its errors name them.
[[nodiscard]] std::vector<std::string_view> units_of(Duration);
[[nodiscard]] std::vector<std::string_view> units_of(Bytes);
[[nodiscard]] std::vector<std::string_view> units_of(Flops);
[[nodiscard]] std::vector<std::string_view> units_of(Bandwidth);
[[nodiscard]] std::vector<std::string_view> units_of(ComputeRate);
[[nodiscard]] std::vector<std::string_view> units_of(Frequency);
[[nodiscard]] std::vector<std::string_view> units_of_rate_per_second();

}  // namespace orrery

#endif  // ORRERY_SIM_CORE_UNITS_TEXT_H_
