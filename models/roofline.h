// SPDX-License-Identifier: Apache-2.0
//
// The roofline of one GPU: datasheet peaks times the stated shares, as integer slopes.
#ifndef ORRERY_MODELS_ROOFLINE_H_
#define ORRERY_MODELS_ROOFLINE_H_

#include <string_view>

#include "models/model_card.h"
#include "models/slope.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// A time and what set it, as OperatorCost::bound has it.
struct BoundTime {
  Duration time;
  std::string_view bound;
};

class Roofline {
 public:
  /// Throws ConfigError where the GPU has no tensor rate for `type`.
  Roofline(const GpuSpec& gpu, WeightType type);

  /// max(flops / rate, bytes / bandwidth), plus the fixed cost of `kernels` launches.
  [[nodiscard]] BoundTime gemm(std::int64_t flops, std::int64_t bytes, std::int64_t kernels) const {
    return slower(gemm_.time_for(flops), memory_.time_for(bytes), kernels);
  }
  [[nodiscard]] BoundTime stream(std::int64_t bytes, std::int64_t kernels) const {
    return slower(Duration(), memory_.time_for(bytes), kernels);
  }
  [[nodiscard]] BoundTime attention(std::int64_t flops, std::int64_t bytes,
                                    std::int64_t kernels) const {
    return slower(attention_.time_for(flops), kv_read_.time_for(bytes), kernels);
  }
  /// `bytes` summed over `ranks` GPUs, each of which ends with the sum. The faster of one shot
  /// (each reads all of the others: (n-1) S / B) and two (reduce-scatter and all-gather:
  /// 2 (n-1)/n S / B), each with its own latency.
  [[nodiscard]] BoundTime all_reduce(std::int64_t bytes, std::int64_t ranks) const;
  /// `bytes` is what each rank holds at the end: (n-1)/n of it comes over the link.
  [[nodiscard]] BoundTime all_gather(std::int64_t bytes, std::int64_t ranks) const;

 private:
  [[nodiscard]] BoundTime slower(Duration compute, Duration memory, std::int64_t kernels) const {
    const Duration fixed = kernel_ * kernels;
    const Duration work = compute > memory ? compute : memory;
    if (fixed > work) return {fixed + work, "launch"};
    return {fixed + work, compute > memory ? "compute" : "memory"};
  }

  Slope gemm_;
  Slope attention_;
  Slope memory_;
  Slope kv_read_;
  Slope link_;
  Duration kernel_;
  Duration one_shot_;
  Duration two_shot_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_ROOFLINE_H_
