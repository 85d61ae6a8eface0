// SPDX-License-Identifier: Apache-2.0
//
// Attention over a paged KV cache in bf16, with the products on the tensor cores and an online
// softmax (Milakov and Gimelshein 2018; Dao, FlashAttention-2, 2023). A launch is a list of work:
// tiles of prompts, pieces of decodes, or both.
#ifndef ORRERY_KERNELS_DEVICE_ATTENTION_KERNELS_H_
#define ORRERY_KERNELS_DEVICE_ATTENTION_KERNELS_H_

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/host/attention_work.h"

namespace orrery::kernels {

struct AttentionCall {
  const __nv_bfloat16* queries = nullptr;  // [tokens, heads, dim], tokens query_stride apart
  std::size_t query_stride = 0;
  const __nv_bfloat16* keys = nullptr;  // [pages, kv_heads, 16, dim], and the values
  const __nv_bfloat16* values = nullptr;
  const int* pages = nullptr;  // [sequences, pages_stride]
  int pages_stride = 0;
  __nv_bfloat16* out = nullptr;    // as the queries
  float* partial_out = nullptr;    // [tokens, heads, kMostSplits, dim], for decodes in pieces
  float* partial_scale = nullptr;  // [tokens, heads, kMostSplits]: log2 of the sum of weights
  const AttentionWork* prefill = nullptr;
  int prefill_items = 0;
  const AttentionWork* decode = nullptr;
  int decode_items = 0;
  /// Some decode is in pieces, which another launch puts together.
  const AttentionWork* combine = nullptr;  // one item a decode
  int combine_items = 0;
  int heads = 1;
  int kv_heads = 1;
  int dim = 128;
};

/// Enqueues one kernel, and one more if decodes are in pieces. Throws std::invalid_argument for
/// shapes that were not built: dim 64 and 128, at most 16 heads to a KV head.
void launch_attention(const AttentionCall& call, cudaStream_t stream);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_ATTENTION_KERNELS_H_
