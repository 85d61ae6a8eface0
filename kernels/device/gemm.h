// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_DEVICE_GEMM_H_
#define ORRERY_KERNELS_DEVICE_GEMM_H_

#include <cublasLt.h>

#include <cstdint>
#include <string_view>

namespace orrery::kernels {

/// out [m, n] = x [m, k] times the transpose of weight [n, k], all row by row, by cuBLASLt with the
/// algorithm that its heuristic names first: what an engine gets that does not tune.
class Gemm {
 public:
  /// dtype: bf16, fp16 (out of the same type), fp8 (e4m3 with scales of one, fast accumulation, out
  /// bf16), int8 (out the 32-bit sums). Throws Skipped if cuBLASLt has no algorithm.
  Gemm(std::string_view dtype, std::int64_t m, std::int64_t n, std::int64_t k);
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  void run(cudaStream_t stream, const void* x, const void* weight, void* out) const;

 private:
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t weight_ = nullptr;
  cublasLtMatrixLayout_t x_ = nullptr;
  cublasLtMatrixLayout_t out_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
  bool whole_numbers_ = false;
};

}  // namespace orrery::kernels

#endif  // ORRERY_KERNELS_DEVICE_GEMM_H_
