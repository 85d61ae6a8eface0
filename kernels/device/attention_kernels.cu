// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/attention_kernels.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/device/cuda_check.h"
#include "kernels/device/tensor_core.cuh"

namespace orrery::kernels {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
/// Tiles of 16 keys that a warp has on their way or in hand while it decodes.
constexpr int kStages = 3;
/// Below every score, and far enough from the largest float that differences stay finite.
constexpr float kNothing = -1e30F;

template <int kDim>
struct Shared {
  static constexpr int kTileBytes = kPageTokens * kDim * 2;
  static constexpr int kDecodeBytes = kWarps * kStages * 2 * kTileBytes;
  static constexpr int kQueryBytes = kPrefillRows * kDim * 2;
  static constexpr int kKeyBytes = kPrefillKeys * kDim * 2;
  static constexpr int kPrefillBytes = kQueryBytes + 2 * 2 * kKeyBytes;
  static constexpr int kBytes = kDecodeBytes > kPrefillBytes ? kDecodeBytes : kPrefillBytes;
};

/// Running maximum and sum of a row's weights, in powers of two.
struct RowState {
  float largest = kNothing;
  float sum = 0;
};

/// Turns kTiles * 2 scores of a row (places `at` and `at + 1` of each tile) into weights; returns
/// what the row's results so far have to be scaled by.
template <int kTiles>
__device__ __forceinline__ float weigh(float (&scores)[kTiles][4], int at, float scale,
                                       RowState& row) {
  float largest = kNothing;
#pragma unroll
  for (int i = 0; i < kTiles; ++i)
    largest = fmaxf(largest, fmaxf(scores[i][at], scores[i][at + 1]));
  largest = fmaxf(row.largest, quad_max(largest) * scale);
  const float rescale = power_of_two(row.largest - largest);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kTiles; ++i) {
    scores[i][at] = power_of_two(fmaf(scores[i][at], scale, -largest));
    scores[i][at + 1] = power_of_two(fmaf(scores[i][at + 1], scale, -largest));
    sum += scores[i][at] + scores[i][at + 1];
  }
  row.sum = row.sum * rescale + sum;
  row.largest = largest;
  return rescale;
}

/// Most tiles leave every row's largest score where it was, and then there is nothing to do.
template <int kDim>
__device__ __forceinline__ void rescale(float (&out)[kDim / 8][4], float upper, float lower) {
  if (!__any_sync(~0U, upper != 1 || lower != 1)) return;
#pragma unroll
  for (int n = 0; n < kDim / 8; ++n) {
    out[n][0] *= upper, out[n][1] *= upper;
    out[n][2] *= lower, out[n][3] *= lower;
  }
}

// ---- decode: one query of all heads that share a KV head, over a range of keys

/// The keys and values of one page and head into shared memory, by one warp.
template <int kDim>
__device__ __forceinline__ void fetch_page(const AttentionCall& call, int page, int kv_head,
                                           std::uint32_t keys, std::uint32_t values, int lane) {
  constexpr int kPieces = kDim / 8;
  const std::size_t base =
      (std::size_t{static_cast<unsigned>(page)} * call.kv_heads + kv_head) * kPageTokens * kDim;
#pragma unroll
  for (int i = 0; i < kPageTokens * kPieces / 32; ++i) {
    const int piece = lane + 32 * i;
    const std::uint32_t offset = tile_offset<kDim>(piece / kPieces, piece % kPieces);
    copy_async(keys + offset, call.keys + base + piece * 8);
    copy_async(values + offset, call.values + base + piece * 8);
  }
}

template <int kDim>
struct DecodeState {
  std::uint32_t query[kDim / 16][4];
  float out[kDim / 8][4];
  RowState rows[2];
};

/// Sixteen keys against the (padded) sixteen heads of a group.
template <int kDim>
__device__ __forceinline__ void decode_tile(DecodeState<kDim>& state, std::uint32_t keys,
                                            std::uint32_t values, int first_key, int end_key,
                                            float scale, int lane) {
  float scores[2][4] = {};
  keys += lane_offset<kDim>((lane / 16) * 8 + lane % 8, (lane / 8) % 2);
  values += lane_offset<kDim>(lane % 16, lane / 16);
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    std::uint32_t b[4];
    load_matrices(b, pair_address(keys, k));
    multiply_add(scores[0], state.query[k], b[0], b[1]);
    multiply_add(scores[1], state.query[k], b[2], b[3]);
  }
  if (first_key + kPageTokens > end_key) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int key = first_key + (i / 4) * 8 + 2 * (lane % 4) + i % 2;
      if (key >= end_key) scores[i / 4][i % 4] = -INFINITY;
    }
  }
  const float upper = weigh(scores, 0, scale, state.rows[0]);
  const float lower = weigh(scores, 2, scale, state.rows[1]);
  rescale<kDim>(state.out, upper, lower);
  const std::uint32_t weights[4] = {
      pack(scores[0][0], scores[0][1]), pack(scores[0][2], scores[0][3]),
      pack(scores[1][0], scores[1][1]), pack(scores[1][2], scores[1][3])};
#pragma unroll
  for (int n = 0; n < kDim / 16; ++n) {
    std::uint32_t b[4];
    load_transposed(b, pair_address(values, n));
    multiply_add(state.out[2 * n], weights, b[0], b[1]);
    multiply_add(state.out[2 * n + 1], weights, b[2], b[3]);
  }
}

template <int kDim>
__device__ __forceinline__ void load_decode_query(DecodeState<kDim>& state,
                                                  const AttentionCall& call, int token, int kv_head,
                                                  int lane) {
  const int group = call.heads / call.kv_heads;
  const Bf16* base = call.queries + token * call.query_stride + kv_head * group * kDim;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + 8 * (i % 2);
      const int column = 16 * k + 2 * (lane % 4) + 8 * (i / 2);
      state.query[k][i] =
          row < group ? *reinterpret_cast<const std::uint32_t*>(base + row * kDim + column) : 0U;
    }
  }
}

/// Puts together what the warps of the block found, each over its own keys.
template <int kDim>
__device__ __forceinline__ void write_decode(const AttentionCall& call, const AttentionWork& work,
                                             int kv_head, DecodeState<kDim>& state, float* shared,
                                             int warp, int lane) {
  float* const sums = shared + kWarps * kMostGroup * kDim;
  float* const mine = shared + warp * kMostGroup * kDim;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    const float sum = quad_sum(state.rows[half].sum);
    if (lane % 4 == 0) {
      sums[(warp * kMostGroup + row) * 2] = state.rows[half].largest;
      sums[(warp * kMostGroup + row) * 2 + 1] = sum;
    }
#pragma unroll
    for (int n = 0; n < kDim / 8; ++n) {
      const int column = 8 * n + 2 * (lane % 4);
      mine[row * kDim + column] = state.out[n][2 * half];
      mine[row * kDim + column + 1] = state.out[n][2 * half + 1];
    }
  }
  __syncthreads();
  const int group = call.heads / call.kv_heads;
  for (int i = threadIdx.x; i < group * kDim; i += kThreads) {
    const int row = i / kDim;
    float largest = kNothing;
    for (int w = 0; w < kWarps; ++w) largest = fmaxf(largest, sums[(w * kMostGroup + row) * 2]);
    float sum = 0;
    float value = 0;
    for (int w = 0; w < kWarps; ++w) {
      const float share = power_of_two(sums[(w * kMostGroup + row) * 2] - largest);
      sum += share * sums[(w * kMostGroup + row) * 2 + 1];
      value += share * shared[w * kMostGroup * kDim + i];
    }
    const std::size_t place =
        std::size_t{static_cast<unsigned>(work.first_query)} * call.heads + kv_head * group + row;
    if (work.splits == 1) {
      call.out[place * kDim + i % kDim] = __float2bfloat16(value / sum);
    } else {
      const std::size_t piece = place * kMostSplits + work.split;
      call.partial_out[piece * kDim + i % kDim] = value / sum;
      if (i % kDim == 0) call.partial_scale[piece] = largest + log2f(sum);
    }
  }
}

template <int kDim>
__device__ __forceinline__ void decode_block(const AttentionCall& call, const AttentionWork& work,
                                             int kv_head, char* shared) {
  constexpr int kTileBytes = Shared<kDim>::kTileBytes;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const float scale = rsqrtf(static_cast<float>(kDim)) * 1.4426950408889634F;  // to base 2
  DecodeState<kDim> state = {};
  state.rows[0] = state.rows[1] = RowState();
  load_decode_query(state, call, work.first_query, kv_head, lane);
  const int* const pages =
      call.pages + std::size_t{static_cast<unsigned>(work.sequence)} * call.pages_stride;
  const std::uint32_t base = shared_address(shared) + warp * kStages * 2 * kTileBytes;
  const int end_page = (work.end_key + kPageTokens - 1) / kPageTokens;
  int next = work.first_key / kPageTokens + warp;  // the next page to fetch
  // A page's number is read one step before the page, so that the two do not wait for each other.
  int next_number = next < end_page ? __ldg(pages + next) : 0;
  int slot = 0;
  const auto fetch_next = [&] {
    if (next < end_page) {
      const std::uint32_t keys = base + slot * 2 * kTileBytes;
      fetch_page<kDim>(call, next_number, kv_head, keys, keys + kTileBytes, lane);
      next += kWarps;
      next_number = next < end_page ? __ldg(pages + next) : 0;
    }
    commit_async();  // empty groups keep the count
    slot = slot + 1 == kStages ? 0 : slot + 1;
  };
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) fetch_next();
  int taken = 0;
  for (int page = work.first_key / kPageTokens + warp; page < end_page; page += kWarps) {
    wait_async<kStages - 2>();
    __syncwarp();  // all lanes' pieces are there, and the slot before was read by all
    fetch_next();
    const std::uint32_t keys = base + taken * 2 * kTileBytes;
    decode_tile<kDim>(state, keys, keys + kTileBytes, page * kPageTokens, work.end_key, scale,
                      lane);
    taken = taken + 1 == kStages ? 0 : taken + 1;
  }
  wait_async<0>();
  __syncthreads();  // the stages become room for the results
  write_decode<kDim>(call, work, kv_head, state, reinterpret_cast<float*>(shared), warp, lane);
}

// ---- prefill: 128 queries of one head, 32 a warp, over all keys they may see

template <int kDim>
struct PrefillState {
  float out[2][kDim / 8][4];
  RowState rows[2][2];
};

/// The queries of a tile; rows beyond the prompt become zeros.
template <int kDim>
__device__ __forceinline__ void fetch_queries(const AttentionCall& call, const AttentionWork& work,
                                              int head, std::uint32_t to) {
  constexpr int kPieces = kDim / 8;
#pragma unroll 4
  for (int i = 0; i < kPrefillRows * kPieces / kThreads; ++i) {
    const int piece = threadIdx.x + kThreads * i;
    const int row = piece / kPieces;
    const bool there = work.first_row + row < work.query;
    const std::size_t token = work.first_query + (there ? work.first_row + row : 0);
    copy_async(to + tile_offset<kDim>(row, piece % kPieces),
               call.queries + token * call.query_stride + head * kDim + piece % kPieces * 8, there);
  }
}

template <int kDim>
__device__ __forceinline__ void fetch_keys(const AttentionCall& call, const int* pages, int tile,
                                           int kv_head, std::uint32_t keys, std::uint32_t values) {
  constexpr int kPieces = kDim / 8;
  constexpr int kRowsAtOnce = kThreads / kPieces;  // 8 for 128, 16 for 64
  const int4 numbers = __ldg(reinterpret_cast<const int4*>(pages) + tile);
  const int page[4] = {numbers.x, numbers.y, numbers.z, numbers.w};
  const int piece = threadIdx.x % kPieces;
#pragma unroll
  for (int i = 0; i < kPrefillKeys / kRowsAtOnce; ++i) {
    const int row = threadIdx.x / kPieces + kRowsAtOnce * i;
    const std::size_t token =
        (std::size_t{static_cast<unsigned>(page[i * kRowsAtOnce / kPageTokens])} * call.kv_heads +
         kv_head) *
            kPageTokens +
        row % kPageTokens;
    const std::uint32_t offset = tile_offset<kDim>(row, piece);
    copy_async(keys + offset, call.keys + token * kDim + piece * 8);
    copy_async(values + offset, call.values + token * kDim + piece * 8);
  }
}

/// Keys whose scores are held at once. Sixty-four would take more registers than there are.
constexpr int kScoredKeys = 32;

/// Scores of keys whose places are beyond a row's own, or beyond all keys, become nothing.
__device__ __forceinline__ void mask(float (&scores)[kScoredKeys / 8][4], int first_key, int row,
                                     int lane) {
#pragma unroll
  for (int n = 0; n < kScoredKeys / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first_key + 8 * n + 2 * (lane % 4) + i % 2;
      if (key > row + 8 * (i / 2)) scores[n][i] = -INFINITY;
    }
  }
}

template <int kDim>
__device__ __forceinline__ void prefill_tile(PrefillState<kDim>& state, std::uint32_t queries,
                                             std::uint32_t keys, std::uint32_t values,
                                             int first_key, int first_row, bool masked, float scale,
                                             int lane) {
  float scores[2][kScoredKeys / 8][4] = {};
  constexpr int kSixteenRows = 16 * kDim * 2;
  queries += lane_offset<kDim>(lane % 16, lane / 16);
  keys += lane_offset<kDim>((lane / 16) * 8 + lane % 8, (lane / 8) % 2);
  values += lane_offset<kDim>(lane % 16, lane / 16);
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    std::uint32_t a[2][4];
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      load_matrices(a[m], pair_address(queries, k) + m * kSixteenRows);
    }
#pragma unroll
    for (int n = 0; n < kScoredKeys / 16; ++n) {
      std::uint32_t b[4];
      load_matrices(b, pair_address(keys, k) + n * kSixteenRows);
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        multiply_add(scores[m][2 * n], a[m], b[0], b[1]);
        multiply_add(scores[m][2 * n + 1], a[m], b[2], b[3]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < 2; ++m) {
    if (masked) mask(scores[m], first_key, first_row + 16 * m + lane / 4, lane);
    const float upper = weigh(scores[m], 0, scale, state.rows[m][0]);
    const float lower = weigh(scores[m], 2, scale, state.rows[m][1]);
    rescale<kDim>(state.out[m], upper, lower);
  }
#pragma unroll
  for (int k = 0; k < kScoredKeys / 16; ++k) {
    std::uint32_t a[2][4];
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      const float(&left)[4] = scores[m][2 * k];
      const float(&right)[4] = scores[m][2 * k + 1];
      a[m][0] = pack(left[0], left[1]), a[m][1] = pack(left[2], left[3]);
      a[m][2] = pack(right[0], right[1]), a[m][3] = pack(right[2], right[3]);
    }
#pragma unroll
    for (int n = 0; n < kDim / 16; ++n) {
      std::uint32_t b[4];
      load_transposed(b, pair_address(values, n) + k * kSixteenRows);
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        multiply_add(state.out[m][2 * n], a[m], b[0], b[1]);
        multiply_add(state.out[m][2 * n + 1], a[m], b[2], b[3]);
      }
    }
  }
}

template <int kDim>
__device__ __forceinline__ void write_prefill(const AttentionCall& call, const AttentionWork& work,
                                              int head, const PrefillState<kDim>& state, int warp,
                                              int lane) {
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float share = 1 / quad_sum(state.rows[m][half].sum);
      const int row = work.first_row + 32 * warp + 16 * m + 8 * half + lane / 4;
      if (row >= work.query) continue;
      const std::size_t token = work.first_query + row;
      Bf16* const to = call.out + (token * call.heads + head) * kDim + 2 * (lane % 4);
#pragma unroll
      for (int n = 0; n < kDim / 8; ++n) {
        *reinterpret_cast<std::uint32_t*>(to + 8 * n) =
            pack(state.out[m][n][2 * half] * share, state.out[m][n][2 * half + 1] * share);
      }
    }
  }
}

template <int kDim>
__device__ __forceinline__ void prefill_block(const AttentionCall& call, const AttentionWork& work,
                                              int head, char* shared) {
  constexpr int kKeyBytes = Shared<kDim>::kKeyBytes;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int kv_head = head / (call.heads / call.kv_heads);
  const float scale = rsqrtf(static_cast<float>(kDim)) * 1.4426950408889634F;
  const int* const pages =
      call.pages + std::size_t{static_cast<unsigned>(work.sequence)} * call.pages_stride;
  const std::uint32_t queries = shared_address(shared);
  const std::uint32_t stages = queries + Shared<kDim>::kQueryBytes;
  const int last_row = min(work.first_row + kPrefillRows, work.query) - 1;
  const int tiles = (work.context + last_row + kPrefillKeys) / kPrefillKeys;
  fetch_queries<kDim>(call, work, head, queries);
  fetch_keys<kDim>(call, pages, 0, kv_head, stages, stages + kKeyBytes);
  commit_async();
  PrefillState<kDim> state = {};
#pragma unroll
  for (int i = 0; i < 4; ++i) state.rows[i / 2][i % 2] = RowState();
  const int warp_row = work.context + work.first_row + 32 * warp;  // place of its first query
  for (int tile = 0; tile < tiles; ++tile) {
    wait_async<0>();
    __syncthreads();  // the tile is there, and all have read the one before
    const std::uint32_t keys = stages + (tile % 2) * 2 * kKeyBytes;
    if (tile + 1 < tiles) {
      const std::uint32_t other = stages + ((tile + 1) % 2) * 2 * kKeyBytes;
      fetch_keys<kDim>(call, pages, tile + 1, kv_head, other, other + kKeyBytes);
      commit_async();
    }
#pragma unroll
    for (int part = 0; part < kPrefillKeys; part += kScoredKeys) {
      const int first_key = tile * kPrefillKeys + part;
      if (first_key > warp_row + 31) break;  // all of it lies after the warp's last query
      const std::uint32_t scored = keys + part * kDim * 2;
      prefill_tile<kDim>(state, queries + 32 * warp * kDim * 2, scored, scored + kKeyBytes,
                         first_key, warp_row, first_key + kScoredKeys > warp_row, scale, lane);
    }
  }
  write_prefill<kDim>(call, work, head, state, warp, lane);
}

enum class Mode { kPrefill, kDecode, kMixed };

/// Prompts' tiles come first: they take longest.
template <int kDim, Mode kMode>
__global__ void __launch_bounds__(kThreads, 2) attention_kernel(const AttentionCall call) {
  ORRERY_SHARED_BYTES(shared);
  const int prefill_blocks = kMode == Mode::kDecode ? 0 : call.prefill_items * call.heads;
  const int block = blockIdx.x;
  if (kMode != Mode::kDecode && block < prefill_blocks) {
    prefill_block<kDim>(call, call.prefill[block / call.heads], block % call.heads, shared);
    return;
  }
  if constexpr (kMode != Mode::kPrefill) {
    const int piece = block - prefill_blocks;
    decode_block<kDim>(call, call.decode[piece / call.kv_heads], piece % call.kv_heads, shared);
  }
}

/// One block a decode and head: its pieces, weighed by their sums.
__global__ void combine_kernel(const AttentionCall call) {
  const AttentionWork& work = call.combine[blockIdx.x];
  if (work.splits == 1) return;
  const std::size_t place =
      std::size_t{static_cast<unsigned>(work.first_query)} * call.heads + blockIdx.y;
  const float* const scales = call.partial_scale + place * kMostSplits;
  float largest = kNothing;
  for (int i = 0; i < work.splits; ++i) largest = fmaxf(largest, scales[i]);
  float sum = 0;
  float value = 0;
  for (int i = 0; i < work.splits; ++i) {
    const float share = power_of_two(scales[i] - largest);
    sum += share;
    value += share * call.partial_out[(place * kMostSplits + i) * call.dim + threadIdx.x];
  }
  call.out[place * call.dim + threadIdx.x] = __float2bfloat16(value / sum);
}

template <int kDim, Mode kMode>
void launch(const AttentionCall& call, cudaStream_t stream) {
  constexpr int kBytes = kMode == Mode::kDecode    ? Shared<kDim>::kDecodeBytes
                         : kMode == Mode::kPrefill ? Shared<kDim>::kPrefillBytes
                                                   : Shared<kDim>::kBytes;
  static const bool allowed = [] {
    ORRERY_CUDA(cudaFuncSetAttribute(attention_kernel<kDim, kMode>,
                                     cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
    return true;
  }();
  static_cast<void>(allowed);
  const int blocks = call.prefill_items * call.heads + call.decode_items * call.kv_heads;
  const auto kernel = attention_kernel<kDim, kMode>;
  ORRERY_RUN(kernel, blocks, kThreads, kBytes, stream, call);
  ORRERY_LAUNCHED();
}

template <int kDim>
void launch_mode(const AttentionCall& call, cudaStream_t stream) {
  if (call.decode_items == 0) return launch<kDim, Mode::kPrefill>(call, stream);
  if (call.prefill_items == 0) return launch<kDim, Mode::kDecode>(call, stream);
  launch<kDim, Mode::kMixed>(call, stream);
}

}  // namespace

void launch_attention(const AttentionCall& call, cudaStream_t stream) {
  if (call.heads % call.kv_heads != 0 || call.heads / call.kv_heads > kMostGroup) {
    throw std::invalid_argument("attention: heads are not a group of at most 16 to a KV head");
  }
  if (call.pages_stride % 4 != 0) {
    throw std::invalid_argument("attention: page tables are not padded to 4 pages");
  }
  if (call.dim == 128) {
    launch_mode<128>(call, stream);
  } else if (call.dim == 64) {
    launch_mode<64>(call, stream);
  } else {
    throw std::invalid_argument("attention: heads of other dimensions than 64 and 128");
  }
  if (call.combine_items == 0) return;
  ORRERY_RUN(combine_kernel, dim3(call.combine_items, call.heads), call.dim, 0, stream, call);
  ORRERY_LAUNCHED();
}

}  // namespace orrery::kernels
