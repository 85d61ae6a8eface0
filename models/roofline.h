// SPDX-License-Identifier: Apache-2.0
//
// The roofline of one GPU: datasheet peaks times the stated shares, as integer slopes. What it says
// to others is in models/link_cost.h.
#ifndef ORRERY_MODELS_ROOFLINE_H_
#define ORRERY_MODELS_ROOFLINE_H_

#include "models/bound_time.h"
#include "models/model_card.h"
#include "models/slope.h"
#include "sim/hardware/gpu.h"

namespace orrery {

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
  Duration kernel_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_ROOFLINE_H_
