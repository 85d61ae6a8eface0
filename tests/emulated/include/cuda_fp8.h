// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_TESTS_EMULATED_INCLUDE_CUDA_FP8_H_
#define ORRERY_TESTS_EMULATED_INCLUDE_CUDA_FP8_H_

#include "kernels/host/formats.h"

enum Fp8Options { __NV_SATFINITE, __NV_E4M3 };
inline std::uint8_t __nv_cvt_float_to_fp8(float value, Fp8Options, Fp8Options) {
  return orrery::kernels::to_fp8(value);
}

#endif  // ORRERY_TESTS_EMULATED_INCLUDE_CUDA_FP8_H_
