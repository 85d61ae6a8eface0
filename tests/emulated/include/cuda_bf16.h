// SPDX-License-Identifier: Apache-2.0
//
// What the kernels use of CUDA's bf16, for tests/emulated/simt.h.
#ifndef ORRERY_TESTS_EMULATED_INCLUDE_CUDA_BF16_H_
#define ORRERY_TESTS_EMULATED_INCLUDE_CUDA_BF16_H_

#include <cuda_runtime.h>

#include "kernels/host/formats.h"

struct __nv_bfloat16 {
  std::uint16_t bits;
};
struct __nv_bfloat162 {
  std::uint16_t low, high;
};

inline __nv_bfloat16 __float2bfloat16(float value) { return {orrery::kernels::to_bf16(value)}; }
inline float2 __bfloat1622float2(__nv_bfloat162 pair) {
  return {orrery::kernels::from_bf16(pair.low), orrery::kernels::from_bf16(pair.high)};
}
inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high) {
  return {orrery::kernels::to_bf16(low), orrery::kernels::to_bf16(high)};
}

#endif  // ORRERY_TESTS_EMULATED_INCLUDE_CUDA_BF16_H_
