// SPDX-License-Identifier: Apache-2.0
//
// Copies and collectives between several GPUs of one machine. NCCL is opened while the program
// runs, by the few functions of its stable interface (nccl.h) that are used.
#include <dlfcn.h>

#include <array>
#include <memory>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"

namespace orrery::kernels {
namespace {

class Nccl {
 public:
  using Communicator = void*;
  static constexpr int kBf16 = 9;  // ncclBfloat16
  static constexpr int kSum = 0;   // ncclSum

  Nccl() : library_(dlopen("libnccl.so.2", RTLD_NOW)) {
    if (library_ == nullptr) throw Skipped("NCCL is not there");
    find(init_all, "ncclCommInitAll");
    find(destroy, "ncclCommDestroy");
    find(group_start, "ncclGroupStart");
    find(group_end, "ncclGroupEnd");
    find(all_reduce, "ncclAllReduce");
    find(all_gather, "ncclAllGather");
    find(reduce_scatter, "ncclReduceScatter");
    find(send, "ncclSend");
    find(receive, "ncclRecv");
  }

  int (*init_all)(Communicator*, int, const int*) = nullptr;
  int (*destroy)(Communicator) = nullptr;
  int (*group_start)() = nullptr;
  int (*group_end)() = nullptr;
  int (*all_reduce)(const void*, void*, std::size_t, int, int, Communicator,
                    cudaStream_t) = nullptr;
  int (*all_gather)(const void*, void*, std::size_t, int, Communicator, cudaStream_t) = nullptr;
  int (*reduce_scatter)(const void*, void*, std::size_t, int, int, Communicator,
                        cudaStream_t) = nullptr;
  int (*send)(const void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
  int (*receive)(void*, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;

 private:
  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr) throw Skipped(std::string("NCCL has no ") + name);
  }
  void* library_;
};

void check(int status, const char* what) {
  if (status != 0) throw Skipped(std::string(what) + " answers " + std::to_string(status));
}

/// A stream and two buffers on each of the first GPUs.
class Ranks {
 public:
  Ranks(const Nccl& nccl, int count, std::size_t bytes) : nccl_(nccl), count_(count) {
    std::vector<int> devices;
    for (int i = 0; i < count; ++i) devices.push_back(i);
    communicators_.resize(static_cast<std::size_t>(count));
    check(nccl.init_all(communicators_.data(), count, devices.data()), "ncclCommInitAll");
    for (int i = 0; i < count; ++i) {
      ORRERY_CUDA(cudaSetDevice(i));
      Rank rank;
      ORRERY_CUDA(cudaStreamCreateWithFlags(&rank.stream, cudaStreamNonBlocking));
      ORRERY_CUDA(cudaMalloc(&rank.from, bytes));
      ORRERY_CUDA(cudaMalloc(&rank.to, bytes));
      ORRERY_CUDA(cudaMemset(rank.from, 0x3c, bytes));
      ranks_.push_back(rank);
    }
    ORRERY_CUDA(cudaSetDevice(0));
  }
  ~Ranks() {
    for (int i = 0; i < count_; ++i) {
      cudaSetDevice(i);
      cudaStreamSynchronize(ranks_[i].stream);
      nccl_.destroy(communicators_[i]);
      cudaFree(ranks_[i].from);
      cudaFree(ranks_[i].to);
      cudaStreamDestroy(ranks_[i].stream);
    }
    cudaSetDevice(0);
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  /// `bytes` is what nccl-tests calls the size: the larger of a rank's two sides.
  void run(const std::string& kind, std::size_t bytes) const {
    const std::size_t values = bytes / 2;
    const std::size_t part = values / count_;
    check(nccl_.group_start(), "ncclGroupStart");
    for (int i = 0; i < count_; ++i) {
      const Rank& r = ranks_[i];
      void* const c = communicators_[i];
      if (kind == "all_reduce") {
        check(nccl_.all_reduce(r.from, r.to, values, Nccl::kBf16, Nccl::kSum, c, r.stream),
              "ncclAllReduce");
      } else if (kind == "all_gather") {
        check(nccl_.all_gather(r.from, r.to, part, Nccl::kBf16, c, r.stream), "ncclAllGather");
      } else if (kind == "reduce_scatter") {
        check(nccl_.reduce_scatter(r.from, r.to, part, Nccl::kBf16, Nccl::kSum, c, r.stream),
              "ncclReduceScatter");
      } else {
        for (int j = 0; j < count_; ++j) {
          check(nccl_.send(r.from + 2 * part * j, part, Nccl::kBf16, j, c, r.stream), "ncclSend");
          check(nccl_.receive(r.to + 2 * part * j, part, Nccl::kBf16, j, c, r.stream), "ncclRecv");
        }
      }
    }
    check(nccl_.group_end(), "ncclGroupEnd");
  }
  [[nodiscard]] cudaStream_t stream() const { return ranks_[0].stream; }

 private:
  struct Rank {
    cudaStream_t stream = nullptr;
    std::byte* from = nullptr;
    std::byte* to = nullptr;
  };
  const Nccl& nccl_;
  int count_;
  std::vector<Nccl::Communicator> communicators_;
  std::vector<Rank> ranks_;
};

Spread run_peer_copy(Bench& bench, const Case& one) {
  const auto bytes = static_cast<std::size_t>(one.detail.number("size"));
  static std::byte* const there = [] {
    int can = 0;
    ORRERY_CUDA(cudaDeviceCanAccessPeer(&can, 0, 1));
    if (can == 0) throw Skipped("these GPUs cannot reach each other's memory");
    const cudaError_t status = cudaDeviceEnablePeerAccess(1, 0);
    if (status != cudaErrorPeerAccessAlreadyEnabled) ORRERY_CUDA(status);
    std::byte* memory = nullptr;
    ORRERY_CUDA(cudaSetDevice(1));
    ORRERY_CUDA(cudaMalloc(&memory, 256 << 20));
    ORRERY_CUDA(cudaSetDevice(0));
    return memory;
  }();
  return bench.time(one, 1, [&](cudaStream_t stream, int) {
    ORRERY_CUDA(cudaMemcpyPeerAsync(there, 1, bench.operands(Fill::kBf16), 0, bytes, stream));
  });
}

}  // namespace

Spread run_peers(Bench& bench, const Case& one) {
  if (one.op == "peer_copy") return run_peer_copy(bench, one);
  static const Nccl nccl;
  static std::unique_ptr<Ranks> ranks;
  static std::int64_t ranks_count = 0;
  if (ranks_count != one.ranks) {
    ranks.reset();
    ranks = std::make_unique<Ranks>(nccl, static_cast<int>(one.ranks), std::size_t{1} << 30);
    ranks_count = one.ranks;
  }
  const auto bytes = static_cast<std::size_t>(one.detail.number("size"));
  const std::string kind = one.detail.text("kind");
  // Ranks have streams of their own; rank 0's is joined with the one that is timed.
  static cudaEvent_t mark = [] {
    cudaEvent_t event = nullptr;
    ORRERY_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
  }();
  return bench.time(one, 1, [&](cudaStream_t stream, int) {
    ORRERY_CUDA(cudaEventRecord(mark, stream));
    ORRERY_CUDA(cudaStreamWaitEvent(ranks->stream(), mark));
    ranks->run(kind, bytes);
    ORRERY_CUDA(cudaEventRecord(mark, ranks->stream()));
    ORRERY_CUDA(cudaStreamWaitEvent(stream, mark));
  });
}

}  // namespace orrery::kernels
