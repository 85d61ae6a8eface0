// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_HOST_FORMATS_H_
#define ORRERY_KERNELS_HOST_FORMATS_H_

#include <cstdint>
#include <vector>

namespace orrery::kernels {

/// bf16 is the upper half of a float; rounds to the nearest, ties to even. No NaN comes here.
[[nodiscard]] std::uint16_t to_bf16(float value);
[[nodiscard]] float from_bf16(std::uint16_t bits);

/// fp8 e4m3 (OCP 8-bit floating point, 2023): bias 7, no infinity, largest 448, to which larger
/// values saturate; nearest, ties to even.
[[nodiscard]] std::uint8_t to_fp8(float value);
[[nodiscard]] float from_fp8(std::uint8_t bits);

/// Random values in [-1, 1) that bf16 holds exactly.
[[nodiscard]] std::vector<std::uint16_t> random_bf16(std::size_t count, std::uint64_t seed);
[[nodiscard]] std::vector<float> floats_of(const std::vector<std::uint16_t>& values);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_HOST_FORMATS_H_
