// SPDX-License-Identifier: Apache-2.0
//
// The few instructions of the tensor cores and the asynchronous copies that attention is built of,
// as PTX names them (PTX ISA, "Matrix multiply-accumulate", "ldmatrix", "cp.async"); from compute
// capability 8.0 on.
#ifndef ORRERY_KERNELS_DEVICE_TENSOR_CORE_CUH_
#define ORRERY_KERNELS_DEVICE_TENSOR_CORE_CUH_

#include <cuda_bf16.h>

#include <cstdint>

namespace orrery::kernels {

using Bf16 = __nv_bfloat16;

__device__ __forceinline__ std::uint32_t shared_address(const void* at) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(at));
}

/// 16 bytes from global to shared memory, or 16 zeros.
__device__ __forceinline__ void copy_async(std::uint32_t to, const void* from, bool wanted = true) {
  const int bytes = wanted ? 16 : 0;
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void commit_async() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Until at most kLeft of the groups committed last are under way.
template <int kLeft>
__device__ __forceinline__ void wait_async() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

/// Four 8x8 matrices; lane l gives the address of row l % 8 of matrix l / 8, and gets of each
/// matrix row l / 4, columns 2 * (l % 4) and the next.
__device__ __forceinline__ void load_matrices(std::uint32_t (&r)[4], std::uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}
/// The same, transposed: of each matrix column l / 4, rows 2 * (l % 4) and the next.
__device__ __forceinline__ void load_transposed(std::uint32_t (&r)[4], std::uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// d += a [16, 16] * b [16, 8]. A lane holds rows l / 4 and l / 4 + 8, columns 2 * (l % 4) and the
/// next, of d; of a the same of both halves of its columns: {upper left, lower left, upper right,
/// lower right}; of b column l / 4, rows 2 * (l % 4) and the next of both halves of its rows.
__device__ __forceinline__ void multiply_add(float (&d)[4], const std::uint32_t (&a)[4],
                                             std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ std::uint32_t pack(float low, float high) {
  std::uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

/// 2^value, off by two of float's last places at most; what is below float's normal range is zero.
__device__ __forceinline__ float power_of_two(float value) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
  return result;
}

/// Largest and sum over the four lanes that share a row.
__device__ __forceinline__ float quad_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(~0U, value, 1));
  return fmaxf(value, __shfl_xor_sync(~0U, value, 2));
}
__device__ __forceinline__ float quad_sum(float value) {
  value += __shfl_xor_sync(~0U, value, 1);
  return value + __shfl_xor_sync(~0U, value, 2);
}

/// Where 16 bytes lie of a tile in shared memory whose rows are kDim values: neighbouring rows swap
/// their pieces, so that the eight rows of a matrix lie in different banks.
template <int kDim>
__device__ __forceinline__ std::uint32_t tile_offset(int row, int piece) {
  return static_cast<std::uint32_t>(row * kDim * 2 + ((piece ^ (row & 7)) << 4));
}

/// The same place for the matrix loads: a lane's row stays, and pieces come in pairs. So the
/// address of pair `k` differs from that of pair 0 in bits of its own, and one exclusive or finds
/// it; tiles begin at multiples of 256 bytes.
template <int kDim>
__device__ __forceinline__ std::uint32_t lane_offset(int row, int half) {
  return tile_offset<kDim>(row, half);
}
__device__ __forceinline__ std::uint32_t pair_address(std::uint32_t first, int k) {
  return first ^ static_cast<std::uint32_t>(k << 5);
}

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_TENSOR_CORE_CUH_
