// SPDX-License-Identifier: Apache-2.0
//
// A decode on some multiprocessors while a prefill's product runs on the others: what each loses by
// sharing the memory and the L2. Multiprocessors are split by green contexts (CUDA driver API,
// "Green Contexts", since 12.4), found in the driver while the program runs.
#include <cuda.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/device/attention.h"
#include "kernels/device/cuda_check.h"
#include "kernels/device/gemm.h"
#include "kernels/device/suites.h"

namespace orrery::kernels {
namespace {

class Driver {
 public:
  Driver() : library_(dlopen("libcuda.so.1", RTLD_NOW)) {
    if (library_ == nullptr) throw Skipped("the driver's library is not there");
    find(device_get, "cuDeviceGet");
    find(get_resource, "cuDeviceGetDevResource");
    find(split, "cuDevSmResourceSplitByCount");
    find(describe, "cuDevResourceGenerateDesc");
    find(create, "cuGreenCtxCreate");
    find(destroy, "cuGreenCtxDestroy");
    find(create_stream, "cuGreenCtxStreamCreate");
  }

  CUresult (*device_get)(CUdevice*, int) = nullptr;
  CUresult (*get_resource)(CUdevice, CUdevResource*, CUdevResourceType) = nullptr;
  CUresult (*split)(CUdevResource*, unsigned*, const CUdevResource*, CUdevResource*, unsigned,
                    unsigned) = nullptr;
  CUresult (*describe)(CUdevResourceDesc*, CUdevResource*, unsigned) = nullptr;
  CUresult (*create)(CUgreenCtx*, CUdevResourceDesc, CUdevice, unsigned) = nullptr;
  CUresult (*destroy)(CUgreenCtx) = nullptr;
  CUresult (*create_stream)(CUstream*, CUgreenCtx, unsigned, int) = nullptr;

 private:
  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr) throw Skipped(std::string("the driver has no ") + name);
  }
  void* library_;
};

void check(CUresult status, const char* what) {
  if (status == CUDA_SUCCESS) return;
  throw Skipped(std::string(what) + " answers " + std::to_string(static_cast<int>(status)));
}

/// Two streams, each on multiprocessors of its own.
class Halves {
 public:
  Halves(const Driver& driver, int device, unsigned first_sms) : driver_(driver) {
    CUdevice handle = 0;
    check(driver.device_get(&handle, device), "cuDeviceGet");
    CUdevResource all{};
    check(driver.get_resource(handle, &all, CU_DEV_RESOURCE_TYPE_SM), "cuDeviceGetDevResource");
    std::array<CUdevResource, 2> parts{};
    unsigned groups = 1;
    check(driver.split(parts.data(), &groups, &all, &parts[1], 0, first_sms),
          "cuDevSmResourceSplitByCount");
    for (std::size_t i = 0; i < 2; ++i) {
      CUdevResourceDesc description = nullptr;
      check(driver.describe(&description, &parts[i], 1), "cuDevResourceGenerateDesc");
      check(driver.create(&contexts_[i], description, handle, CU_GREEN_CTX_DEFAULT_STREAM),
            "cuGreenCtxCreate");
      CUstream stream = nullptr;
      check(driver.create_stream(&stream, contexts_[i], CU_STREAM_NON_BLOCKING, 0),
            "cuGreenCtxStreamCreate");
      streams_[i] = stream;
      sms_[i] = static_cast<int>(parts[i].sm.smCount);
    }
  }
  ~Halves() {
    for (std::size_t i = 0; i < 2; ++i) {
      if (streams_[i] != nullptr) cudaStreamDestroy(streams_[i]);
      if (contexts_[i] != nullptr) driver_.destroy(contexts_[i]);
    }
  }
  Halves(const Halves&) = delete;
  Halves& operator=(const Halves&) = delete;

  [[nodiscard]] cudaStream_t stream(std::size_t half) const { return streams_[half]; }
  [[nodiscard]] int sms(std::size_t half) const { return sms_[half]; }

 private:
  const Driver& driver_;
  std::array<CUgreenCtx, 2> contexts_{};
  std::array<cudaStream_t, 2> streams_{};
  std::array<int, 2> sms_{};
};

using Work = std::function<void(cudaStream_t, int)>;

/// Microseconds of one launch, of `launches` in a row.
double timed(cudaStream_t stream, const Work& work, int launches) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  ORRERY_CUDA(cudaEventCreate(&begin));
  ORRERY_CUDA(cudaEventCreate(&end));
  ORRERY_CUDA(cudaEventRecord(begin, stream));
  for (int i = 0; i < launches; ++i) work(stream, i);
  ORRERY_CUDA(cudaEventRecord(end, stream));
  ORRERY_CUDA(cudaEventSynchronize(end));
  float ms = 0;
  ORRERY_CUDA(cudaEventElapsedTime(&ms, begin, end));
  ORRERY_CUDA(cudaEventDestroy(begin));
  ORRERY_CUDA(cudaEventDestroy(end));
  return 1000.0 * ms / launches;
}

}  // namespace

Spread run_partition(Bench& bench, const Case& one) {
  static const Driver driver;
  int device = 0;
  ORRERY_CUDA(cudaGetDevice(&device));
  const Halves halves(driver, device, static_cast<unsigned>(one.detail.number("decode_sms")));
  // Decodes of 64 sequences of 4096 tokens; gate and up of 2048 prompt tokens, both of 8B Llama.
  std::byte* const operands = bench.operands(Fill::kBf16);
  const std::size_t half = bench.operand_bytes() / 2;
  const AttentionBatch batch({32, 8, 128}, std::vector<AttentionSequence>(64, {1, 4095}),
                             attention_slots(halves.sms(0)), 2, operands, half, bench.results(),
                             bench.result_bytes() / 2);
  constexpr std::int64_t kTokens = 2048;
  constexpr std::int64_t kWide = 28672;
  constexpr std::int64_t kHidden = 4096;
  const Gemm gemm("bf16", kTokens, kWide, kHidden);
  const Work decode = [&](cudaStream_t stream, int i) {
    launch_attention(batch.call(i % batch.rotations()), stream);
  };
  const Work prefill = [&](cudaStream_t stream, int i) {
    const std::byte* const weight = operands + half + (i % 2) * 2 * kWide * kHidden;
    gemm.run(stream, operands, weight, bench.results() + bench.result_bytes() / 2);
  };
  const std::string kind = one.detail.text("timed");
  const bool times_decode = kind.starts_with("decode");
  const std::size_t mine = times_decode ? 0 : 1;
  const Work& work = times_decode ? decode : prefill;
  const Work& other = times_decode ? prefill : decode;
  static_cast<void>(timed(halves.stream(mine), work, 2));
  const double alone = timed(halves.stream(mine), work, 3);
  static_cast<void>(timed(halves.stream(1 - mine), other, 2));
  const double other_alone = timed(halves.stream(1 - mine), other, 3);
  const int launches = std::clamp(static_cast<int>(3000 / alone), 2, 50);
  std::vector<double> samples;
  for (int i = 0; i < 10; ++i) {
    if (kind.ends_with("_beside")) {
      // Enough of the other to last longer than what is timed, though both be slowed to a third.
      const int behind = static_cast<int>(3 * launches * alone / other_alone) + 3;
      for (int j = 0; j < behind; ++j) other(halves.stream(1 - mine), j);
    }
    samples.push_back(timed(halves.stream(mine), work, launches));
    ORRERY_CUDA(cudaStreamSynchronize(halves.stream(1 - mine)));
  }
  return spread_of(std::move(samples));
}

}  // namespace orrery::kernels
