// SPDX-License-Identifier: Apache-2.0
//
// The small kernels between the products of a layer. All take rows of bf16 whose length is a
// multiple of 8, and compute in float.
#ifndef ORRERY_KERNELS_DEVICE_ROW_KERNELS_H_
#define ORRERY_KERNELS_DEVICE_ROW_KERNELS_H_

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace orrery::kernels {

/// residual += x, and out = residual / rms(residual) * weight; m rows of n.
void launch_rms_norm(const __nv_bfloat16* x, __nv_bfloat16* residual, const __nv_bfloat16* weight,
                     __nv_bfloat16* out, int m, int n, float epsilon, cudaStream_t stream);
/// out [m, n] = silu(left half) * right half of x [m, 2n].
void launch_silu_mul(const __nv_bfloat16* x, __nv_bfloat16* out, int m, int n, cudaStream_t stream);
/// Rotates the halves of each of `heads` heads of m tokens in place, token t by angles t *
/// theta^..; rows lie `stride` values apart.
void launch_rope(__nv_bfloat16* rows, int m, int heads, int dim, int stride, float theta,
                 cudaStream_t stream);
/// Each row in e4m3 by a scale of its own, which goes to `scales`.
void launch_quantise(const __nv_bfloat16* x, std::uint8_t* out, float* scales, int m, int n,
                     cudaStream_t stream);

/// The keys and values of new tokens into their pages: token t of rows `stride` apart is token
/// context + t % query of sequence t / query.
struct KvStore {
  const __nv_bfloat16* keys =
      nullptr;  // [tokens, kv_heads, dim]; the values follow all keys' heads
  int stride = 0;
  __nv_bfloat16* key_pages = nullptr;  // [pages, kv_heads, 16, dim]
  __nv_bfloat16* value_pages = nullptr;
  const int* pages = nullptr;
  int pages_stride = 0;
  int tokens = 0;
  int query = 1;
  int context = 0;
  int kv_heads = 1;
  int dim = 128;
};
void launch_store_kv(const KvStore& store, cudaStream_t stream);

/// bf16 to float, as engines turn logits before they sample.
void launch_to_float(const __nv_bfloat16* x, float* out, std::size_t count, cudaStream_t stream);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_ROW_KERNELS_H_
