// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/sampling_kernels.h"

#include <stdexcept>

#include "kernels/device/cuda_check.h"

namespace orrery::kernels {
namespace {

constexpr int kThreads = 1024;

/// A logit and its token in one number that orders as they do: larger logits first, of equal ones
/// the lower token.
__device__ unsigned ordered(float logit) {
  const unsigned bits = __float_as_uint(logit);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
__device__ unsigned long long key_of(float logit, int token) {
  return (static_cast<unsigned long long>(ordered(logit)) << 32) |
         (0xffffffffU - static_cast<unsigned>(token));
}
__device__ int token_of(unsigned long long key) {
  return static_cast<int>(0xffffffffU - static_cast<unsigned>(key));
}
__device__ float logit_of(unsigned long long key) {
  const auto bits = static_cast<unsigned>(key >> 32);
  return __uint_as_float((bits & 0x80000000U) != 0 ? bits & 0x7fffffffU : ~bits);
}

__global__ void __launch_bounds__(kThreads) greedy_kernel(const float* logits, int* tokens, int n) {
  __shared__ unsigned long long of_warp[kThreads / 32];
  const float* const row = logits + std::size_t{blockIdx.x} * n;
  unsigned long long best = 0;
  for (int i = threadIdx.x; i < n; i += kThreads) best = max(best, key_of(row[i], i));
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    best = max(best, __shfl_xor_sync(~0U, best, lanes));
  }
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = best;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < kThreads / 32; ++i) best = max(best, of_warp[i]);
  tokens[blockIdx.x] = token_of(best);
}

/// The upper 32 bits of the top_k-th largest key, found eight bits at a time by counting (a radix
/// select, as PyTorch's topk and FlashInfer do it). Returns how many are larger than it.
__device__ int select(const float* row, int n, int top_k, unsigned& threshold) {
  __shared__ int counts[256];
  __shared__ unsigned chosen;
  __shared__ int left;
  unsigned prefix = 0;
  int wanted = top_k;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (threadIdx.x < 256) counts[threadIdx.x] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += kThreads) {
      const unsigned key = ordered(row[i]);
      if (shift == 24 || (key >> (shift + 8)) == prefix)
        atomicAdd(&counts[(key >> shift) & 255], 1);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = 255;
      int rest = wanted;
      while (counts[digit] < rest) rest -= counts[digit--];
      chosen = (prefix << 8) | static_cast<unsigned>(digit);
      left = rest;
    }
    __syncthreads();
    prefix = chosen;
    wanted = left;
    __syncthreads();
  }
  threshold = prefix;
  return top_k - wanted;
}

__global__ void __launch_bounds__(kThreads)
    top_k_top_p_kernel(const float* logits, const float* uniform, int* tokens, int n, int top_k,
                       float top_p) {
  __shared__ unsigned long long keys[kMostTopK];
  __shared__ int above;
  const float* const row = logits + std::size_t{blockIdx.x} * n;
  unsigned threshold = 0;
  const int larger = select(row, n, top_k, threshold);
  if (threadIdx.x == 0) above = 0;
  if (threadIdx.x < kMostTopK) keys[threadIdx.x] = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += kThreads) {
    if (ordered(row[i]) > threshold) keys[atomicAdd(&above, 1)] = key_of(row[i], i);
  }
  // Of those that equal the threshold the lowest tokens are in, found one by one: there is one, as
  // a rule.
  __shared__ int lowest;
  int after = -1;
  for (int rank = larger; rank < top_k; ++rank) {
    if (threadIdx.x == 0) lowest = n;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += kThreads) {
      if (i > after && ordered(row[i]) == threshold) {
        atomicMin(&lowest, i);
        break;
      }
    }
    __syncthreads();
    after = lowest;
    if (threadIdx.x == 0) keys[rank] = key_of(row[after], after);
    __syncthreads();
  }
  // Each key counts those before it: 256 of them at most.
  __shared__ float shares[kMostTopK];
  __shared__ int order[kMostTopK];
  unsigned long long largest = 0;
  for (int i = 0; i < top_k; ++i) largest = max(largest, keys[i]);
  for (int i = threadIdx.x; i < top_k; i += kThreads) {
    int rank = 0;
    for (int j = 0; j < top_k; ++j) rank += keys[j] > keys[i] ? 1 : 0;
    shares[rank] = expf(logit_of(keys[i]) - logit_of(largest));
    order[rank] = token_of(keys[i]);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  float sum = 0;
  for (int i = 0; i < top_k; ++i) sum += shares[i];
  float kept = 0;
  int count = 0;
  while (count < top_k && kept < top_p * sum) kept += shares[count++];
  float running = 0;
  int drawn = count - 1;
  for (int i = 0; i < count; ++i) {
    running += shares[i];
    if (running > uniform[blockIdx.x] * kept) {
      drawn = i;
      break;
    }
  }
  tokens[blockIdx.x] = order[drawn];
}

}  // namespace

void launch_greedy(const float* logits, int* tokens, int m, int n, cudaStream_t stream) {
  ORRERY_RUN(greedy_kernel, m, kThreads, 0, stream, logits, tokens, n);
  ORRERY_LAUNCHED();
}

void launch_top_k_top_p(const float* logits, const float* uniform, int* tokens, int m, int n,
                        int top_k, float top_p, cudaStream_t stream) {
  if (top_k < 1 || top_k > kMostTopK || top_k > n) {
    throw std::invalid_argument("sampling: top_k is not from 1 to 256");
  }
  ORRERY_RUN(top_k_top_p_kernel, m, kThreads, 0, stream, logits, uniform, tokens, n, top_k, top_p);
  ORRERY_LAUNCHED();
}

}  // namespace orrery::kernels
