// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/gemm.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/formats.h"
#include "kernels/host/reference.h"

namespace orrery::kernels {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + ": " + cublasLtGetStatusString(status));
}
#define ORRERY_CUBLAS(call) check((call), #call)

/// One handle, one workspace and one scale of one for all products of the process.
struct Library {
  static constexpr std::size_t kWorkspaceBytes = 64 << 20;
  cublasLtHandle_t handle = nullptr;
  void* workspace = nullptr;
  float* one = nullptr;

  Library() {
    ORRERY_CUBLAS(cublasLtCreate(&handle));
    ORRERY_CUDA(cudaMalloc(&workspace, kWorkspaceBytes));
    ORRERY_CUDA(cudaMalloc(&one, sizeof(float)));
    const float value = 1;
    ORRERY_CUDA(cudaMemcpy(one, &value, sizeof(float), cudaMemcpyHostToDevice));
  }
};

Library& library() {
  static Library the_library;
  return the_library;
}

struct Types {
  cudaDataType_t operand;
  cudaDataType_t out;
  cublasComputeType_t compute;
  cudaDataType_t scale;
};

Types types_of(std::string_view dtype) {
  if (dtype == "bf16") return {CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUDA_R_32F};
  if (dtype == "fp16") return {CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F, CUDA_R_32F};
  if (dtype == "fp8") return {CUDA_R_8F_E4M3, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUDA_R_32F};
  if (dtype == "int8") return {CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I, CUDA_R_32I};
  throw std::invalid_argument("'" + std::string(dtype) + "' is not a type of the GEMM");
}

template <class Value>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute, Value value) {
  ORRERY_CUBLAS(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof(value)));
}

}  // namespace

// cuBLASLt counts columns first: its matrices are the transposes of ours, out^T = weight * x^T.
Gemm::Gemm(std::string_view dtype, std::int64_t m, std::int64_t n, std::int64_t k) {
  const Types types = types_of(dtype);
  whole_numbers_ = dtype == "int8";
  ORRERY_CUBLAS(cublasLtMatmulDescCreate(&operation_, types.compute, types.scale));
  set(operation_, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  set(operation_, CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
  if (dtype == "fp8") {
    set(operation_, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, library().one);
    set(operation_, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, library().one);
    set(operation_, CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
  }
  const auto um = static_cast<std::uint64_t>(m);
  const auto un = static_cast<std::uint64_t>(n);
  const auto uk = static_cast<std::uint64_t>(k);
  ORRERY_CUBLAS(cublasLtMatrixLayoutCreate(&weight_, types.operand, uk, un, k));
  ORRERY_CUBLAS(cublasLtMatrixLayoutCreate(&x_, types.operand, uk, um, k));
  ORRERY_CUBLAS(cublasLtMatrixLayoutCreate(&out_, types.out, un, um, n));
  cublasLtMatmulPreference_t preference = nullptr;
  ORRERY_CUBLAS(cublasLtMatmulPreferenceCreate(&preference));
  const std::size_t workspace = Library::kWorkspaceBytes;
  ORRERY_CUBLAS(cublasLtMatmulPreferenceSetAttribute(
      preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof(workspace)));
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      library().handle, operation_, weight_, x_, out_, out_, preference, 1, &found, &count);
  cublasLtMatmulPreferenceDestroy(preference);
  if (status != CUBLAS_STATUS_SUCCESS || count == 0) {
    throw Skipped("cuBLASLt has no algorithm for it");
  }
  algorithm_ = found.algo;
}

Gemm::~Gemm() {
  cublasLtMatrixLayoutDestroy(out_);
  cublasLtMatrixLayoutDestroy(x_);
  cublasLtMatrixLayoutDestroy(weight_);
  cublasLtMatmulDescDestroy(operation_);
}

void Gemm::run(cudaStream_t stream, const void* x, const void* weight, void* out) const {
  const float one = 1;
  const float zero = 0;
  const std::int32_t whole_one = 1;
  const std::int32_t whole_zero = 0;
  const void* const alpha = whole_numbers_ ? static_cast<const void*>(&whole_one) : &one;
  const void* const beta = whole_numbers_ ? static_cast<const void*>(&whole_zero) : &zero;
  ORRERY_CUBLAS(cublasLtMatmul(library().handle, operation_, alpha, weight, weight_, x, x_, beta,
                               out, out_, out, out_, &algorithm_, library().workspace,
                               Library::kWorkspaceBytes, stream));
}

Spread run_gemm(Bench& bench, const Case& one) {
  const Gemm gemm(one.dtype, one.m, one.n, one.k);
  std::byte* const operands = bench.operands(fill_of(one.dtype));
  constexpr std::size_t kAlign = 2 << 20;
  const auto up = [](double bytes) {
    return (static_cast<std::size_t>(bytes) + kAlign - 1) / kAlign * kAlign;
  };
  const double element = bytes_of(one.dtype);
  const std::size_t x_bytes = up(element * static_cast<double>(one.m * one.k));
  const std::size_t weight_bytes = up(element * static_cast<double>(one.n * one.k));
  const std::size_t out_bytes =
      up((one.dtype == "int8" ? 4.0 : 2.0) * static_cast<double>(one.m * one.n));
  const std::size_t step = x_bytes + weight_bytes;
  const std::size_t most = std::min(bench.operand_bytes() / step, bench.result_bytes() / out_bytes);
  if (most < 1) throw Skipped("does not fit the device's memory");
  const int rotations = static_cast<int>(
      std::min<std::size_t>(rotations_for(one.bytes, bench.facts().l2_bytes), most));
  const auto launch = [&](cudaStream_t stream, int i) {
    const std::byte* const at = operands + i * step;
    gemm.run(stream, at, at + x_bytes, bench.results() + i * out_bytes);
  };
  if (one.load == Load::kSustained) return bench.time_sustained(4, rotations, launch);
  return bench.time(one, rotations, launch);
}

namespace {

template <class Value, class Make>
std::vector<Value> mapped(const std::vector<std::uint16_t>& from, const Make& make) {
  std::vector<Value> to(from.size());
  std::transform(from.begin(), from.end(), to.begin(),
                 [&](std::uint16_t bits) { return make(from_bf16(bits)); });
  return to;
}

template <class Value, class Out, class Make, class Back, class Number>
std::string wrong_of(Bench& bench, std::string_view dtype, const Make& make, const Back& back,
                     const Number& number) {
  constexpr std::size_t kM = 48;
  constexpr std::size_t kN = 80;
  constexpr std::size_t kK = 256;
  const auto x = mapped<Value>(random_bf16(kM * kK, 1), make);
  const auto weight = mapped<Value>(random_bf16(kN * kK, 2), make);
  std::byte* const at = bench.operands(fill_of(dtype));
  ORRERY_CUDA(cudaMemcpy(at, x.data(), x.size() * sizeof(Value), cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemcpy(at + (1 << 20), weight.data(), weight.size() * sizeof(Value),
                         cudaMemcpyHostToDevice));
  ORRERY_CUDA(cudaMemset(bench.results(), 0xff, kM * kN * sizeof(Out)));
  Gemm(dtype, kM, kN, kK).run(bench.stream(), at, at + (1 << 20), bench.results());
  ORRERY_CUDA(cudaStreamSynchronize(bench.stream()));
  std::vector<Out> out(kM * kN);
  ORRERY_CUDA(
      cudaMemcpy(out.data(), bench.results(), out.size() * sizeof(Out), cudaMemcpyDeviceToHost));
  const auto floats = [&](const std::vector<Value>& values) {
    std::vector<float> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(), back);
    return result;
  };
  std::vector<float> got(out.size());
  std::transform(out.begin(), out.end(), got.begin(), number);
  Expected expected = matrix_product(floats(x), floats(weight), kM, kN, kK);
  // Fast accumulation of fp8 keeps some 14 bits of the running sum on Hopper (DeepSeek-V3, 2024,
  // section 3.3.2): each of k / 32 additions may lose 2^-13 of the largest partial sum.
  if (dtype == "fp8") {
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      expected.tolerances[i] += static_cast<double>(kK) / 32 * 0x1p-13 * static_cast<double>(kK);
    }
  }
  return difference(expected, got);
}

}  // namespace

void check_gemm(Bench& bench, const Report& report) {
  const auto same = [](std::uint16_t bits) { return from_bf16(bits); };
  // A type without an algorithm on this GPU is not wrong: its cases are skipped, too.
  const auto attempt = [&](const char* name, const std::function<std::string()>& wrong) {
    try {
      report(name, wrong());
    } catch (const Skipped& reason) {
      report(std::string(name) + ": " + reason.what(), "");
    }
  };
  attempt("gemm bf16", [&] {
    return wrong_of<std::uint16_t, std::uint16_t>(bench, "bf16", to_bf16, same, same);
  });
  const auto to_whole = [](float value) { return static_cast<std::int8_t>(value * 100); };
  const auto as_float = [](auto value) { return static_cast<float>(value); };
  attempt("gemm int8", [&] {
    return wrong_of<std::int8_t, std::int32_t>(bench, "int8", to_whole, as_float, as_float);
  });
  if (bench.facts().fp8) {
    attempt("gemm fp8", [&] {
      return wrong_of<std::uint8_t, std::uint16_t>(bench, "fp8", to_fp8, from_fp8, same);
    });
  }
}

}  // namespace orrery::kernels
