// SPDX-License-Identifier: Apache-2.0
//
// What a scalar of YAML means to us. Only what looks the same to everyone is taken: YAML's `yes`,
// `0x10`, `1_000` and `.5` are refused, and so is `1e3` where a whole number is expected.
#ifndef ORRERY_SIM_CONFIG_SCALARS_H_
#define ORRERY_SIM_CONFIG_SCALARS_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery {

/// `true` or `false`.
[[nodiscard]] std::optional<bool> boolean_of(std::string_view text);
/// Decimal digits without leading zeros, perhaps after a minus, that fit in 64 bits.
[[nodiscard]] std::optional<std::int64_t> integer_of(std::string_view text);
/// Whether the text is a number as JSON writes it.
[[nodiscard]] bool is_number(std::string_view text);
/// Such a number, unless it is too large for a double.
[[nodiscard]] std::optional<double> number_of(std::string_view text);

}  // namespace orrery

#endif  // ORRERY_SIM_CONFIG_SCALARS_H_
