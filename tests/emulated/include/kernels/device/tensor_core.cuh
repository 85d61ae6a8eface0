// SPDX-License-Identifier: Apache-2.0
//
// The functions of kernels/device/tensor_core.cuh as the PTX ISA describes their instructions, lane
// by lane, for tests/emulated/simt.h. Addresses are offsets into the block's shared memory.
#ifndef ORRERY_TESTS_EMULATED_INCLUDE_KERNELS_DEVICE_TENSOR_CORE_CUH_
#define ORRERY_TESTS_EMULATED_INCLUDE_KERNELS_DEVICE_TENSOR_CORE_CUH_

#include <cuda_bf16.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/host/formats.h"
#include "tests/emulated/simt.h"

namespace orrery::kernels {

using Bf16 = __nv_bfloat16;

inline std::uint32_t shared_address(const void* at) {
  return static_cast<std::uint32_t>(static_cast<const char*>(at) - simt::shared_memory());
}
inline void copy_async(std::uint32_t to, const void* from, bool wanted = true) {
  simt::copy_later(to, from, wanted);
}
inline void commit_async() { simt::close_group(); }
template <int kLeft>
void wait_async() {
  simt::wait_for_groups(kLeft);
}

/// Two bytes of row `row` of matrix `i` of an ldmatrix, whose addresses the lanes show.
inline std::uint32_t matrix_value(unsigned i, unsigned row, unsigned column) {
  std::uint16_t value = 0;
  std::memcpy(&value, simt::shared_memory() + simt::shown(8 * i + row).words[0] + 2 * column, 2);
  return value;
}

inline void load_matrices(std::uint32_t (&r)[4], std::uint32_t address) {
  const unsigned l = simt::lane();
  simt::shown(l).words[0] = address;
  simt::sync_warp();
  for (unsigned i = 0; i < 4; ++i) {
    r[i] = matrix_value(i, l / 4, 2 * (l % 4)) | matrix_value(i, l / 4, 2 * (l % 4) + 1) << 16;
  }
  simt::sync_warp();
}
inline void load_transposed(std::uint32_t (&r)[4], std::uint32_t address) {
  const unsigned l = simt::lane();
  simt::shown(l).words[0] = address;
  simt::sync_warp();
  for (unsigned i = 0; i < 4; ++i) {
    r[i] = matrix_value(i, 2 * (l % 4), l / 4) | matrix_value(i, 2 * (l % 4) + 1, l / 4) << 16;
  }
  simt::sync_warp();
}

inline void multiply_add(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                         std::uint32_t b1) {
  const unsigned l = simt::lane();
  std::uint32_t* const mine = simt::shown(l).words;
  for (unsigned i = 0; i < 4; ++i) mine[i] = a[i];
  mine[4] = b0;
  mine[5] = b1;
  simt::sync_warp();
  const auto half_of = [](std::uint32_t word, unsigned place) {
    return from_bf16(static_cast<std::uint16_t>(word >> (16 * place)));
  };
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = l / 4 + 8 * (i / 2);
    const unsigned column = 2 * (l % 4) + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned from = k % 8 / 2;
      const std::uint32_t left = simt::shown(row % 8 * 4 + from).words[row / 8 + 2 * (k / 8)];
      const std::uint32_t right = simt::shown(column * 4 + from).words[4 + k / 8];
      d[i] += half_of(left, k % 2) * half_of(right, k % 2);
    }
  }
  simt::sync_warp();
}

inline std::uint32_t pack(float low, float high) {
  return to_bf16(low) | static_cast<std::uint32_t>(to_bf16(high)) << 16;
}
inline float power_of_two(float value) { return std::exp2(value); }
inline float quad_max(float value) {
  value = std::fmax(value, __shfl_xor_sync(~0U, value, 1));
  return std::fmax(value, __shfl_xor_sync(~0U, value, 2));
}
inline float quad_sum(float value) {
  value += __shfl_xor_sync(~0U, value, 1);
  return value + __shfl_xor_sync(~0U, value, 2);
}

template <int kDim>
std::uint32_t tile_offset(int row, int piece) {
  return static_cast<std::uint32_t>(row * kDim * 2 + ((piece ^ (row & 7)) << 4));
}
template <int kDim>
std::uint32_t lane_offset(int row, int half) {
  return tile_offset<kDim>(row, half);
}
inline std::uint32_t pair_address(std::uint32_t first, int k) {
  return first ^ static_cast<std::uint32_t>(k << 5);
}

}  // namespace orrery::kernels

#endif  // ORRERY_TESTS_EMULATED_INCLUDE_KERNELS_DEVICE_TENSOR_CORE_CUH_
