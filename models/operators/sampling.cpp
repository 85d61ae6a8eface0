// SPDX-License-Identifier: Apache-2.0
#include "models/operators/sampling.h"

#include "sim/core/check.h"

namespace orrery {
namespace {

// Bytes of device memory a logit, counted kernel by kernel (vllm/v1/sample/sampler.py and
// ops/topk_topp_sampler.py, PyTorch's aten/native/cuda/Sort.cu).

/// Cast to fp32: 2 read, 4 written; argmax: 4 read.
constexpr std::int64_t kGreedyBytes = 2 + 4 + 4;
constexpr std::int64_t kGreedyKernels = 3;
/// Cast 6; temperature 8; softmax 8 and a second read 4; exponential draws 4; division 12;
/// argmax 4.
constexpr std::int64_t kRandomBytes = 6 + 8 + 12 + 4 + 12 + 4;
constexpr std::int64_t kRandomKernels = 8;
/// torch.sort of fewer than 128 rows sorts all of them at once, 4-byte keys with 8-byte pairs of
/// row and index: copies and indices 16, histogram 4, four passes of 24; then by row, in one pass
/// of 20; values and indices gathered, 32. Then softmax 12, running sum 8, comparison 5, mask 5,
/// and the scatter back 16.
constexpr std::int64_t kSortBytes = 16 + 4 + 4 * 24 + 20 + 32 + 12 + 8 + 5 + 5 + 16;
constexpr std::int64_t kSortKernels = 24;
/// The running sum walks a row in one block, some 1,024 logits an iteration of about a
/// microsecond. An assumption.
constexpr std::int64_t kSortSerialPs = 1'000;
/// The Triton kernel walks a row in one program about ten times out of L2, at some 60 GB/s an SM.
/// An assumption; it writes the row once.
constexpr std::int64_t kInPlaceBytes = 8;
constexpr std::int64_t kInPlaceKernels = 1;
constexpr std::int64_t kInPlaceSerialPs = 700;

}  // namespace

SamplerWork sampler_work(const ModelCard& card, Sampling sampling, SamplerWorkspace workspace) {
  switch (sampling) {
    case Sampling::kAuto:
      return sampler_work(card, card.filters_tokens() ? Sampling::kFiltered : Sampling::kRandom,
                          workspace);
    case Sampling::kGreedy:
      return {kGreedyBytes, kGreedyKernels, Duration(), "greedy: cast and argmax"};
    case Sampling::kRandom:
      return {kRandomBytes, kRandomKernels, Duration(), "softmax and exponential draws"};
    case Sampling::kFiltered:
      break;
  }
  if (workspace == SamplerWorkspace::kSort) {
    return {kRandomBytes + kSortBytes, kRandomKernels + kSortKernels,
            Duration(kSortSerialPs * card.vocab), "top-k, top-p by torch.sort of all logits"};
  }
  return {kRandomBytes + kInPlaceBytes, kRandomKernels + kInPlaceKernels,
          Duration(kInPlaceSerialPs * card.vocab), "top-k, top-p in place by a Triton kernel"};
}

}  // namespace orrery
