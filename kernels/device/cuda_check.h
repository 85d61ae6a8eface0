// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_KERNELS_DEVICE_CUDA_CHECK_H_
#define ORRERY_KERNELS_DEVICE_CUDA_CHECK_H_

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace orrery::kernels {

inline void cuda_check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

}  // namespace orrery::kernels

/// Every call's status is looked at; what failed is named as it stands in the source.
#define ORRERY_CUDA(call) ::orrery::kernels::cuda_check((call), #call)
#ifdef __CUDACC__
/// Launches a kernel. A macro, so that the kernels' sources are C++ as well, which a test runs
/// thread by thread without a GPU (tests/emulated).
#define ORRERY_RUN(kernel, grid, threads, shared_bytes, stream, ...) \
  kernel<<<grid, threads, shared_bytes, stream>>>(__VA_ARGS__)
#define ORRERY_SHARED_BYTES(name) extern __shared__ __align__(1024) char name[]
#endif
/// After a kernel launch, which has no status of its own.
#define ORRERY_LAUNCHED() ::orrery::kernels::cuda_check(cudaGetLastError(), "kernel launch")

#endif  // ORRERY_KERNELS_DEVICE_CUDA_CHECK_H_
