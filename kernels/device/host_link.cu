// SPDX-License-Identifier: Apache-2.0
//
// Copies between host and device, by size, from memory that is pinned or not.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/device/cuda_check.h"
#include "kernels/device/suites.h"
#include "kernels/host/random.h"

namespace orrery::kernels {
namespace {

struct Unpin {
  void operator()(std::byte* memory) const { cudaFreeHost(memory); }
};

void fill(std::byte* to, std::size_t bytes) {
  Random random(bytes);
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(to + i, &word, 8);
  }
}

/// One stretch of each kind for all sizes: pinning takes longer than copying.
struct HostMemory {
  static constexpr std::size_t kBytes = 1ULL << 30;
  std::unique_ptr<std::byte, Unpin> pinned;
  std::vector<std::byte> pageable = std::vector<std::byte>(kBytes);

  HostMemory() {
    void* memory = nullptr;
    ORRERY_CUDA(cudaMallocHost(&memory, kBytes));
    pinned.reset(static_cast<std::byte*>(memory));
    fill(pinned.get(), kBytes);
    fill(pageable.data(), kBytes);
  }
};

}  // namespace

Spread run_host(Bench& bench, const Case& one) {
  static HostMemory memory;
  const auto bytes = static_cast<std::size_t>(one.detail.number("size"));
  std::byte* const host =
      one.detail.text("memory") == "pinned" ? memory.pinned.get() : memory.pageable.data();
  const bool up = one.op == "pcie_to_device";
  const auto most = static_cast<int>(
      std::clamp<std::size_t>(std::min(HostMemory::kBytes, bench.result_bytes()) / bytes, 1, 64));
  return bench.time(one, most, [&](cudaStream_t stream, int i) {
    std::byte* const device = bench.results() + i * bytes;
    std::byte* const there = host + i * bytes;
    ORRERY_CUDA(up ? cudaMemcpyAsync(device, there, bytes, cudaMemcpyHostToDevice, stream)
                   : cudaMemcpyAsync(there, device, bytes, cudaMemcpyDeviceToHost, stream));
  });
}

}  // namespace orrery::kernels
