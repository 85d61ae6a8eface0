// SPDX-License-Identifier: Apache-2.0
//
// What the kernels use of CUDA's language and run-time library, for tests/emulated/simt.h. Blocks
// run one after the other, so what they share may be static.
#ifndef ORRERY_TESTS_EMULATED_INCLUDE_CUDA_RUNTIME_H_
#define ORRERY_TESTS_EMULATED_INCLUDE_CUDA_RUNTIME_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/emulated/simt.h"

#define __device__
#define __global__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define threadIdx (::orrery::simt::thread())
#define blockIdx (::orrery::simt::block())
#define gridDim (::orrery::simt::grid())
#define blockDim (::orrery::simt::Index{::orrery::simt::threads(), 1})
#define ORRERY_SHARED_BYTES(name) char* const name = ::orrery::simt::shared_memory()
#define ORRERY_RUN(kernel, grid, threads, shared_bytes, stream, ...)                  \
  do {                                                                                \
    static_cast<void>(shared_bytes), static_cast<void>(stream);                       \
    const dim3 all_blocks(grid);                                                      \
    ::orrery::simt::run({all_blocks.x, all_blocks.y}, static_cast<unsigned>(threads), \
                        [&] { kernel(__VA_ARGS__); });                                \
  } while (false)

struct dim3 {
  dim3(unsigned first, unsigned second = 1) : x(first), y(second) {}
  unsigned x, y;
};
struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
struct int4 {
  int x, y, z, w;
};
struct uint2 {
  unsigned x, y;
};
struct uint4 {
  unsigned x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

using cudaStream_t = void*;
enum cudaError_t { cudaSuccess };
inline constexpr int cudaFuncAttributeMaxDynamicSharedMemorySize = 8;
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return ""; }
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel, int, int) {
  return cudaSuccess;
}

inline void __syncthreads() { orrery::simt::sync_block(); }
inline void __syncwarp() { orrery::simt::sync_warp(); }

template <class Value>
Value __shfl_xor_sync(unsigned, Value value, int lanes) {
  namespace simt = orrery::simt;
  std::memcpy(simt::shown(simt::lane()).words, &value, sizeof(Value));
  simt::sync_warp();
  std::memcpy(&value, simt::shown(simt::lane() ^ static_cast<unsigned>(lanes)).words,
              sizeof(Value));
  simt::sync_warp();
  return value;
}

inline bool __any_sync(unsigned, bool mine) {
  namespace simt = orrery::simt;
  simt::shown(simt::lane()).words[0] = mine ? 1 : 0;
  simt::sync_warp();
  bool any = false;
  for (unsigned lane = 0; lane < 32; ++lane) any = any || simt::shown(lane).words[0] != 0;
  simt::sync_warp();
  return any;
}

inline int atomicAdd(int* at, int value) {
  const int before = *at;
  *at += value;
  return before;
}
inline int atomicMin(int* at, int value) {
  const int before = *at;
  *at = std::min(before, value);
  return before;
}

template <class Value>
Value __ldg(const Value* at) {
  return *at;
}
inline float rsqrtf(float value) { return 1 / std::sqrt(value); }
inline float __expf(float value) { return std::exp(value); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
using std::max;
using std::min;

#endif  // ORRERY_TESTS_EMULATED_INCLUDE_CUDA_RUNTIME_H_
