// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/bench.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "kernels/device/cuda_check.h"

namespace orrery::kernels {
namespace {

__device__ unsigned mix(unsigned long long at, unsigned seed) {
  unsigned long long z = (at + 1) * 0x9e3779b97f4a7c15ULL + seed;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<unsigned>(z >> 32);
}

/// Two or four numbers of the type in 32 bits, all of a size near one.
__device__ unsigned word_of(Fill fill, unsigned bits) {
  switch (fill) {
    case Fill::kBf16:  // sign, an exponent of 2^-4 to 2^-1, seven random bits
      return (bits & 0x807f807fU) | 0x3d803d80U | ((bits >> 1) & 0x01800180U);
    case Fill::kFp16:
      return (bits & 0x83ff83ffU) | 0x2c002c00U | ((bits >> 1) & 0x0c000c00U);
    case Fill::kFp8:  // e4m3 with an exponent field of 4 to 7
      return (bits & 0x87878787U) | 0x20202020U | ((bits >> 1) & 0x18181818U);
    case Fill::kFp32:
      return (bits & 0x807fffffU) | 0x3d800000U | ((bits >> 1) & 0x01800000U);
    case Fill::kInt8:
      break;
  }
  return bits;
}

__global__ void fill_kernel(uint4* to, std::size_t vectors, Fill fill, unsigned seed) {
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < vectors; i += step) {
    to[i] = make_uint4(word_of(fill, mix(4 * i, seed)), word_of(fill, mix(4 * i + 1, seed)),
                       word_of(fill, mix(4 * i + 2, seed)), word_of(fill, mix(4 * i + 3, seed)));
  }
}

constexpr double kStretchUs = 400;

/// What is enqueued while it is made, to be replayed.
class CapturedGraph {
 public:
  CapturedGraph(cudaStream_t stream, const std::function<void()>& enqueue) {
    ORRERY_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    try {
      enqueue();
    } catch (...) {
      // A capture that is left open would swallow every later launch.
      cudaStreamEndCapture(stream, &graph_);
      if (graph_ != nullptr) cudaGraphDestroy(graph_);
      throw;
    }
    ORRERY_CUDA(cudaStreamEndCapture(stream, &graph_));
    const cudaError_t status = cudaGraphInstantiate(&exec_, graph_, 0);
    if (status != cudaSuccess) cudaGraphDestroy(graph_);
    ORRERY_CUDA(status);
    static_cast<void>(cudaGraphUpload(exec_, stream));  // the first replay would do it
  }
  ~CapturedGraph() {
    cudaGraphExecDestroy(exec_);
    cudaGraphDestroy(graph_);
  }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  void replay(cudaStream_t stream) const { ORRERY_CUDA(cudaGraphLaunch(exec_, stream)); }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

}  // namespace

Fill fill_of(std::string_view dtype) {
  if (dtype == "bf16") return Fill::kBf16;
  if (dtype == "fp16") return Fill::kFp16;
  if (dtype == "fp8") return Fill::kFp8;
  if (dtype == "int8") return Fill::kInt8;
  if (dtype == "fp32") return Fill::kFp32;
  throw std::invalid_argument("'" + std::string(dtype) + "' is not a type");
}

std::string pci_bus_id(int device) {
  std::array<char, 32> text{};
  ORRERY_CUDA(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device));
  return text.data();
}

std::string cuda_version() {
  int version = 0;
  ORRERY_CUDA(cudaRuntimeGetVersion(&version));
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Bench::Bench(int device, double case_ms)
    : case_us_(1000 * case_ms),
      board_((cuda_check(cudaSetDevice(device), "cudaSetDevice"), pci_bus_id(device))) {
  ORRERY_CUDA(cudaGetDeviceProperties(&properties_, device));
  ORRERY_CUDA(cudaGetDeviceCount(&facts_.devices));
  facts_.multiprocessors = properties_.multiProcessorCount;
  facts_.l2_bytes = properties_.l2CacheSize;
  facts_.fp8 = 10 * properties_.major + properties_.minor >= 89;
  ORRERY_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  ORRERY_CUDA(cudaEventCreate(&begin_));
  ORRERY_CUDA(cudaEventCreate(&end_));
  std::size_t free = 0;
  std::size_t total = 0;
  ORRERY_CUDA(cudaMemGetInfo(&free, &total));
  constexpr std::size_t kAlign = 2 << 20;
  operand_bytes_ = std::min<std::size_t>(64ULL << 30, free / 5 * 3) / kAlign * kAlign;
  result_bytes_ = std::min<std::size_t>(8ULL << 30, free / 5) / kAlign * kAlign;
  facts_.operand_bytes = static_cast<std::int64_t>(operand_bytes_);
  ORRERY_CUDA(cudaMalloc(&operands_, operand_bytes_));
  ORRERY_CUDA(cudaMalloc(&results_, result_bytes_));
}

Bench::~Bench() {
  cudaFree(operands_);
  cudaFree(results_);
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
  cudaStreamDestroy(stream_);
}

std::byte* Bench::operands(Fill fill) {
  if (filled_with_ != static_cast<int>(fill)) {
    fill_kernel<<<4 * properties_.multiProcessorCount, 512, 0, stream_>>>(
        reinterpret_cast<uint4*>(operands_), operand_bytes_ / sizeof(uint4), fill, 12345);
    ORRERY_LAUNCHED();
    ORRERY_CUDA(cudaStreamSynchronize(stream_));
    filled_with_ = static_cast<int>(fill);
  }
  return operands_;
}

double Bench::stretch(const std::function<void()>& enqueue) {
  ORRERY_CUDA(cudaEventRecord(begin_, stream_));
  enqueue();
  ORRERY_CUDA(cudaEventRecord(end_, stream_));
  ORRERY_CUDA(cudaEventSynchronize(end_));
  float ms = 0;
  ORRERY_CUDA(cudaEventElapsedTime(&ms, begin_, end_));
  return 1000.0 * ms;
}

Spread Bench::time_graph(const Effort& effort, int rotations,
                         const std::function<void(cudaStream_t, int)>& launch) {
  const CapturedGraph graph(stream_, [&] {
    for (int i = 0; i < effort.launches; ++i) launch(stream_, i % rotations);
  });
  const auto replay = [&] { graph.replay(stream_); };
  static_cast<void>(stretch(replay));
  std::vector<double> samples;
  board_.begin();
  for (int i = 0; i < effort.repeats; ++i) samples.push_back(stretch(replay) / effort.launches);
  board_state_ = board_.end();
  return spread_of(std::move(samples));
}

Spread Bench::time(const Case& one, int rotations,
                   const std::function<void(cudaStream_t, int)>& launch) {
  const int used = one.operands == Operands::kWarm ? 1 : rotations;
  // The first launch loads the module and picks the algorithm; the second says how long it takes.
  static_cast<void>(stretch([&] { launch(stream_, 0); }));
  const double once = stretch([&] { launch(stream_, 1 % used); });
  const Effort effort = effort_for(once, used, case_us_, kStretchUs);
  if (one.launch == Launch::kGraph) return time_graph(effort, used, launch);
  std::vector<double> samples;
  int next = 0;
  board_.begin();
  for (int i = 0; i < effort.repeats; ++i) {
    samples.push_back(stretch([&] {
                        for (int j = 0; j < effort.launches; ++j) launch(stream_, next++ % used);
                      }) /
                      effort.launches);
  }
  board_state_ = board_.end();
  return spread_of(std::move(samples));
}

Spread Bench::time_replays(int kernels, bool host,
                           const std::function<void(cudaStream_t)>& launch) {
  using Clock = std::chrono::steady_clock;
  constexpr int kReplays = 20;
  constexpr int kSamples = 30;
  const CapturedGraph graph(stream_, [&] {
    for (int i = 0; i < kernels; ++i) launch(stream_);
  });
  const auto replays = [&] {
    for (int i = 0; i < kReplays; ++i) graph.replay(stream_);
  };
  static_cast<void>(stretch(replays));
  std::vector<double> samples;
  board_.begin();
  for (int i = 0; i < kSamples; ++i) {
    const Clock::time_point start = Clock::now();
    double us = 0;
    const double device_us = stretch([&] {
      replays();
      us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
    });
    samples.push_back((host ? us : device_us) / kReplays);
  }
  board_state_ = board_.end();
  return spread_of(std::move(samples));
}

void Bench::warm_up(double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - start).count() < seconds) {
    filled_with_ = -1;
    static_cast<void>(operands(Fill::kBf16));
  }
}

Spread Bench::time_sustained(double seconds, int rotations,
                             const std::function<void(cudaStream_t, int)>& launch) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  static_cast<void>(stretch([&] { launch(stream_, 0); }));
  const double once = stretch([&] { launch(stream_, 0); });
  // A stretch of 20 ms, so that the gaps between stretches do not let the chip cool.
  const int launches = std::max(1, static_cast<int>(20000 / once));
  std::vector<double> samples;
  bool looking = false;
  while (passed() < seconds) {
    const double us = stretch([&] {
      for (int j = 0; j < launches; ++j) launch(stream_, j % rotations);
    });
    if (passed() < seconds * 2 / 3) continue;
    if (!looking) board_.begin();
    looking = true;
    samples.push_back(us / launches);
  }
  board_state_ = board_.end();
  return spread_of(std::move(samples));
}

}  // namespace orrery::kernels
