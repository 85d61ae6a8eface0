// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/row_kernels.h"

#include <cuda_fp8.h>

#include <algorithm>

#include "kernels/device/cuda_check.h"
#include "kernels/host/attention_work.h"

namespace orrery::kernels {
namespace {

/// Eight values of bf16, as they are loaded at once.
union Eight {
  uint4 vector;
  __nv_bfloat162 pairs[4];
};

__device__ void unpack(const uint4& vector, float (&values)[8]) {
  Eight eight;
  eight.vector = vector;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = __bfloat1622float2(eight.pairs[i]);
    values[2 * i] = pair.x;
    values[2 * i + 1] = pair.y;
  }
}

__device__ uint4 packed(const float (&values)[8]) {
  Eight eight;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    eight.pairs[i] = __floats2bfloat162_rn(values[2 * i], values[2 * i + 1]);
  }
  return eight.vector;
}

/// Sum or maximum over the block, which every thread gets.
template <bool kMax>
__device__ float over_block(float value) {
  __shared__ float of_warp[32];
  const auto merge = [](float a, float b) { return kMax ? fmaxf(a, b) : a + b; };
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    value = merge(value, __shfl_xor_sync(~0U, value, lanes));
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  float all = of_warp[0];
  for (unsigned i = 1; i < blockDim.x / 32; ++i) all = merge(all, of_warp[i]);
  return all;
}

__global__ void rms_norm_kernel(const uint4* x, uint4* residual, const uint4* weight, uint4* out,
                                int vectors, float epsilon) {
  const std::size_t row = std::size_t{blockIdx.x} * vectors;
  float squares = 0;
  for (int i = threadIdx.x; i < vectors; i += blockDim.x) {
    float values[8];
    float others[8];
    unpack(x[row + i], values);
    unpack(residual[row + i], others);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      values[j] += others[j];
      squares += values[j] * values[j];
    }
    residual[row + i] = packed(values);
  }
  const float scale = rsqrtf(over_block<false>(squares) / (8.0F * vectors) + epsilon);
  for (int i = threadIdx.x; i < vectors; i += blockDim.x) {
    // The sums again as float would be exact; engines take them rounded, from the cache.
    float values[8];
    float factors[8];
    unpack(residual[row + i], values);
    unpack(weight[i], factors);
#pragma unroll
    for (int j = 0; j < 8; ++j) values[j] *= scale * factors[j];
    out[row + i] = packed(values);
  }
}

__global__ void silu_mul_kernel(const uint4* x, uint4* out, int vectors) {
  const std::size_t row = std::size_t{blockIdx.y};
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= vectors) return;
  float gate[8];
  float up[8];
  unpack(x[row * 2 * vectors + i], gate);
  unpack(x[row * 2 * vectors + vectors + i], up);
#pragma unroll
  for (int j = 0; j < 8; ++j) gate[j] = gate[j] / (1 + __expf(-gate[j])) * up[j];
  out[row * vectors + i] = packed(gate);
}

/// A thread takes eight values of the first half and their partners of the second.
__global__ void rope_kernel(__nv_bfloat16* rows, int heads, int dim, int stride, float theta) {
  const int per_head = dim / 16;
  __nv_bfloat16* const token = rows + std::size_t{blockIdx.x} * stride;
  for (int i = threadIdx.x; i < heads * per_head; i += blockDim.x) {
    auto* const first = reinterpret_cast<uint4*>(token + i / per_head * dim) + i % per_head;
    uint4* const second = first + per_head;
    float x[8];
    float y[8];
    unpack(*first, x);
    unpack(*second, y);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int place = i % per_head * 8 + j;
      const float exponent = -2.0F * place / dim;
      float sine = 0;
      float cosine = 0;
      sincosf(blockIdx.x * powf(theta, exponent), &sine, &cosine);
      const float turned = x[j] * cosine - y[j] * sine;
      y[j] = y[j] * cosine + x[j] * sine;
      x[j] = turned;
    }
    *first = packed(x);
    *second = packed(y);
  }
}

__global__ void quantise_kernel(const uint4* x, uint2* out, float* scales, int vectors) {
  const std::size_t row = std::size_t{blockIdx.x} * vectors;
  float largest = 1e-12F;
  for (int i = threadIdx.x; i < vectors; i += blockDim.x) {
    float values[8];
    unpack(x[row + i], values);
#pragma unroll
    for (int j = 0; j < 8; ++j) largest = fmaxf(largest, fabsf(values[j]));
  }
  const float scale = over_block<true>(largest) / 448;
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
  const float factor = 1 / scale;
  for (int i = threadIdx.x; i < vectors; i += blockDim.x) {
    float values[8];
    unpack(x[row + i], values);
    unsigned words[2] = {};
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const unsigned byte = __nv_cvt_float_to_fp8(values[j] * factor, __NV_SATFINITE, __NV_E4M3);
      words[j / 4] |= byte << (8 * (j % 4));
    }
    out[row + i] = make_uint2(words[0], words[1]);
  }
}

/// A block a token; a thread moves eight values of keys and eight of values.
__global__ void store_kv_kernel(const KvStore store) {
  const int token = blockIdx.x;
  const int place = store.context + token % store.query;
  const int page =
      store.pages[std::size_t{static_cast<unsigned>(token / store.query)} * store.pages_stride +
                  place / kPageTokens];
  const __nv_bfloat16* const row =
      store.keys + std::size_t{static_cast<unsigned>(token)} * store.stride;
  const int width = store.kv_heads * store.dim;
  for (int i = 8 * threadIdx.x; i < width; i += 8 * blockDim.x) {
    const std::size_t to =
        ((std::size_t{static_cast<unsigned>(page)} * store.kv_heads + i / store.dim) * kPageTokens +
         place % kPageTokens) *
            store.dim +
        i % store.dim;
    *reinterpret_cast<uint4*>(store.key_pages + to) = *reinterpret_cast<const uint4*>(row + i);
    *reinterpret_cast<uint4*>(store.value_pages + to) =
        *reinterpret_cast<const uint4*>(row + width + i);
  }
}

__global__ void to_float_kernel(const uint4* x, float4* out, std::size_t vectors) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < vectors; i += step) {
    float values[8];
    unpack(x[i], values);
    out[2 * i] = make_float4(values[0], values[1], values[2], values[3]);
    out[2 * i + 1] = make_float4(values[4], values[5], values[6], values[7]);
  }
}

int threads_for(int vectors) { return std::clamp((vectors + 31) / 32 * 32, 32, 512); }

const uint4* vectors_of(const __nv_bfloat16* rows) { return reinterpret_cast<const uint4*>(rows); }
uint4* vectors_of(__nv_bfloat16* rows) { return reinterpret_cast<uint4*>(rows); }

}  // namespace

void launch_rms_norm(const __nv_bfloat16* x, __nv_bfloat16* residual, const __nv_bfloat16* weight,
                     __nv_bfloat16* out, int m, int n, float epsilon, cudaStream_t stream) {
  ORRERY_RUN(rms_norm_kernel, m, threads_for(n / 8), 0, stream, vectors_of(x), vectors_of(residual),
             vectors_of(weight), vectors_of(out), n / 8, epsilon);
  ORRERY_LAUNCHED();
}

void launch_silu_mul(const __nv_bfloat16* x, __nv_bfloat16* out, int m, int n,
                     cudaStream_t stream) {
  constexpr int kThreads = 256;
  const int vectors = n / 8;
  const dim3 grid((vectors + kThreads - 1) / kThreads, m);
  ORRERY_RUN(silu_mul_kernel, grid, kThreads, 0, stream, vectors_of(x), vectors_of(out), vectors);
  ORRERY_LAUNCHED();
}

void launch_rope(__nv_bfloat16* rows, int m, int heads, int dim, int stride, float theta,
                 cudaStream_t stream) {
  ORRERY_RUN(rope_kernel, m, threads_for(heads * dim / 16), 0, stream, rows, heads, dim, stride,
             theta);
  ORRERY_LAUNCHED();
}

void launch_quantise(const __nv_bfloat16* x, std::uint8_t* out, float* scales, int m, int n,
                     cudaStream_t stream) {
  ORRERY_RUN(quantise_kernel, m, threads_for(n / 8), 0, stream, vectors_of(x),
             reinterpret_cast<uint2*>(out), scales, n / 8);
  ORRERY_LAUNCHED();
}

void launch_store_kv(const KvStore& store, cudaStream_t stream) {
  const int vectors = store.kv_heads * store.dim / 8;
  ORRERY_RUN(store_kv_kernel, store.tokens, threads_for(vectors), 0, stream, store);
  ORRERY_LAUNCHED();
}

void launch_to_float(const __nv_bfloat16* x, float* out, std::size_t count, cudaStream_t stream) {
  const std::size_t vectors = count / 8;
  const auto blocks = static_cast<unsigned>(std::min<std::size_t>((vectors + 255) / 256, 1 << 16));
  ORRERY_RUN(to_float_kernel, blocks, 256, 0, stream, vectors_of(x), reinterpret_cast<float4*>(out),
             vectors);
  ORRERY_LAUNCHED();
}

}  // namespace orrery::kernels
