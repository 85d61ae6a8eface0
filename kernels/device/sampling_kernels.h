// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_DEVICE_SAMPLING_KERNELS_H_
#define ORRERY_KERNELS_DEVICE_SAMPLING_KERNELS_H_

#include <cuda_runtime.h>

namespace orrery::kernels {

inline constexpr int kMostTopK = 256;

/// The largest of each of m rows of n logits; of equal ones the first.
void launch_greedy(const float* logits, int* tokens, int m, int n, cudaStream_t stream);

/// One token of each row: of its top_k largest those whose shares first reach top_p, drawn by the
/// row's number of `uniform`. top_k at most kMostTopK, else std::invalid_argument.
void launch_top_k_top_p(const float* logits, const float* uniform, int* tokens, int m, int n,
                        int top_k, float top_p, cudaStream_t stream);

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_SAMPLING_KERNELS_H_
