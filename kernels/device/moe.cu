// SPDX-License-Identifier: Apache-2.0
//
// The experts' products in one call: cuBLAS' grouped GEMM, one group an expert.
#include <cublas_v2.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/expert_load.h"
#include "kernels/host/formats.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": " + cublasGetStatusString(status));
}
#define ORRERY_CUBLAS(call) check((call), #call)

cublasHandle_t handle() {
  static cublasHandle_t the_handle = [] {
    cublasHandle_t created = nullptr;
    ORRERY_CUBLAS(cublasCreate(&created));
    return created;
  }();
  return the_handle;
}

/// Experts with tokens, each [rows, k] times the transpose of its [n, k].
class GroupedGemm {
 public:
  GroupedGemm(const std::vector<std::int64_t>& rows, std::int64_t n, std::int64_t k,
              const std::byte* x, const std::byte* weights, std::byte* out) {
    std::vector<const void*> a;
    std::vector<const void*> b;
    std::vector<void*> c;
    for (std::size_t expert = 0; expert < rows.size(); ++expert) {
      if (rows[expert] > 0) {
        m_.push_back(static_cast<int>(n));
        n_.push_back(static_cast<int>(rows[expert]));
        k_.push_back(static_cast<int>(k));
        a.push_back(weights + 2 * static_cast<std::int64_t>(expert) * n * k);
        b.push_back(x);
        c.push_back(out);
      }
      x += 2 * rows[expert] * k;
      out += 2 * rows[expert] * n;
    }
    const std::size_t count = m_.size();
    transpose_.assign(count, CUBLAS_OP_T);
    plain_.assign(count, CUBLAS_OP_N);
    one_.assign(count, 1.0F);
    zero_.assign(count, 0.0F);
    each_.assign(count, 1);
    ORRERY_CUDA(cudaMalloc(&pointers_, 3 * count * sizeof(void*)));
    ORRERY_CUDA(cudaMemcpy(pointers_, a.data(), count * sizeof(void*), cudaMemcpyHostToDevice));
    ORRERY_CUDA(
        cudaMemcpy(pointers_ + count, b.data(), count * sizeof(void*), cudaMemcpyHostToDevice));
    ORRERY_CUDA(
        cudaMemcpy(pointers_ + 2 * count, c.data(), count * sizeof(void*), cudaMemcpyHostToDevice));
  }
  ~GroupedGemm() { cudaFree(pointers_); }
  GroupedGemm(const GroupedGemm&) = delete;
  GroupedGemm& operator=(const GroupedGemm&) = delete;

  void run(cudaStream_t stream) const {
    const std::size_t count = m_.size();
    ORRERY_CUBLAS(cublasSetStream(handle(), stream));
    ORRERY_CUBLAS(cublasGemmGroupedBatchedEx(
        handle(), transpose_.data(), plain_.data(), m_.data(), n_.data(), k_.data(), one_.data(),
        const_cast<const void* const*>(pointers_), CUDA_R_16BF, k_.data(),
        const_cast<const void* const*>(pointers_ + count), CUDA_R_16BF, k_.data(), zero_.data(),
        pointers_ + 2 * count, CUDA_R_16BF, m_.data(), static_cast<int>(count), each_.data(),
        CUBLAS_COMPUTE_32F));
  }

 private:
  std::vector<int> m_, n_, k_, each_;
  std::vector<cublasOperation_t> transpose_, plain_;
  std::vector<float> one_, zero_;
  void** pointers_ = nullptr;
};

}  // namespace

Spread run_moe(Bench& bench, Case& one) {
  const std::int64_t experts = one.detail.number("experts");
  const std::int64_t rows_in_all = one.m * one.detail.number("top_k");
  const std::vector<std::int64_t> rows = one.detail.text("spread") == "even"
                                             ? even_load(experts, rows_in_all)
                                             : zipf_load(experts, rows_in_all, one.m);
  const auto hit = std::count_if(rows.begin(), rows.end(), [](std::int64_t r) { return r > 0; });
  one.bytes = 2.0 * static_cast<double>(hit * one.n * one.k + rows_in_all * (one.k + one.n));
  std::byte* const operands = bench.operands(Fill::kBf16);
  const std::size_t weight_bytes = 2 * static_cast<std::size_t>(experts * one.n * one.k);
  const std::size_t x_bytes = 2 * static_cast<std::size_t>(rows_in_all * one.k);
  if (weight_bytes + x_bytes > bench.operand_bytes() ||
      2 * static_cast<std::size_t>(rows_in_all * one.n) > bench.result_bytes()) {
    throw Skipped("does not fit the device's memory");
  }
  const GroupedGemm gemm(rows, one.n, one.k, operands + weight_bytes, operands, bench.results());
  // Its weights are many times the L2, so one set is cold each time.
  return bench.time(one, 1, [&](cudaStream_t stream, int) { gemm.run(stream); });
}

void check_moe(Bench& bench, const Report& report) {
  constexpr std::int64_t kN = 64;
  constexpr std::int64_t kK = 128;
  // An expert without a token among them.
  const std::vector<std::int64_t> rows = {5, 0, 17, 1};
  const std::int64_t tokens = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
  const auto weights = random_bf16(rows.size() * kN * kK, 1);
  const auto x = random_bf16(static_cast<std::size_t>(tokens * kK), 2);
  std::byte* const at = bench.operands(Fill::kBf16);
  std::byte* const x_at = at + (1 << 20);
  ORRERY_CUDA(cudaMemcpy(at, weights.data(), 2 * weights.size(), cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemcpy(x_at, x.data(), 2 * x.size(), cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemset(bench.results(), 0xff, static_cast<std::size_t>(2 * tokens * kN)));
  const GroupedGemm gemm(rows, kN, kK, x_at, at, bench.results());
  gemm.run(bench.stream());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  std::vector<std::uint16_t> out(static_cast<std::size_t>(tokens * kN));
  ORRERY_CUDA(cudaMemcpy(out.data(), bench.results(), 2 * out.size(), cudaMemcpyDeviceToHost));
  const auto got = floats_of(out);
  const auto of = [](const std::vector<float>& all, std::int64_t from, std::int64_t count) {
    return std::vector<float>(all.begin() + from, all.begin() + from + count);
  };
  std::int64_t first = 0;
  for (std::size_t expert = 0; expert < rows.size(); ++expert) {
    const std::int64_t m = rows[expert];
    if (m == 0) continue;
    const auto place = static_cast<std::int64_t>(expert);
    const Expected expected = matrix_product(of(floats_of(x), first * kK, m * kK),
                                             of(floats_of(weights), place * kN * kK, kN * kK),
                                             static_cast<std::size_t>(m), kN, kK);
    report("experts' GEMM, " + std::to_string(m) + " tokens",
           difference(expected, of(got, first * kN, m * kN)));
    first += m;
  }
}

}  // namespace orrery::kernels
