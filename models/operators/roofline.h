// SPDX-License-Identifier: Apache-2.0
//
// The roofline of one GPU: datasheet peaks times the stated shares, as integer slopes; of its
// memory also the rates that a model of it gives. What it says to others is in
// models/links/link_cost.h.
#ifndef ORRERY_MODELS_OPERATORS_ROOFLINE_H_
#define ORRERY_MODELS_OPERATORS_ROOFLINE_H_

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "models/cards/weight_format.h"
#include "models/operators/bound_time.h"
#include "models/operators/memory_rates.h"
#include "models/operators/slope.h"
#include "sim/hardware/gpu.h"

namespace orrery {

class Roofline {
 public:
  /// Throws ConfigError where the GPU has no tensor rate for `type`.
  /// Without `rates` memory has the shares of `gpu.roofline`.
  Roofline(const GpuSpec& gpu, WeightType type, const MemoryRates* rates = nullptr);

  /// max(flops / rate, bytes / bandwidth), plus the fixed cost of `kernels` launches.
  [[nodiscard]] BoundTime gemm(std::int64_t flops, std::int64_t bytes, std::int64_t kernels,
                               Quantization format = Quantization::kNone) const {
    const auto& slope = gemm_[static_cast<std::size_t>(format)];
    ORRERY_CHECK(slope.has_value());
    return slower(slope->time_for(flops), weights_.time_for(bytes), kernels);
  }
  [[nodiscard]] BoundTime stream(std::int64_t bytes, std::int64_t kernels) const {
    return slower(Duration(), stream_.time_for(bytes), kernels);
  }
  [[nodiscard]] BoundTime kv_write(std::int64_t bytes, std::int64_t kernels) const {
    return slower(Duration(), kv_write_.time_for(bytes), kernels);
  }
  /// `parts` of it can run beside each other, each on an SM: fewer than the GPU has keep less in
  /// flight.
  [[nodiscard]] BoundTime attention(std::int64_t flops, std::int64_t bytes, std::int64_t kernels,
                                    std::int64_t parts) const {
    const auto sms = std::min(static_cast<std::size_t>(parts), kv_read_.size());
    return slower(attention_.time_for(flops), kv_read_[sms - 1].time_for(bytes), kernels);
  }
  /// What reading KV costs more than in the blocks that measured kernels had; may be negative.
  [[nodiscard]] Duration paging(std::int64_t kv_bytes) const {
    return kv_read_.back().time_for(kv_bytes) - measured_kv_read_.time_for(kv_bytes);
  }

 private:
  [[nodiscard]] BoundTime slower(Duration compute, Duration memory, std::int64_t kernels) const {
    const Duration fixed = kernel_ * kernels;
    const Duration work = compute > memory ? compute : memory;
    if (fixed > work) return {fixed + work, "launch"};
    return {fixed + work, compute > memory ? "compute" : "memory"};
  }

  /// By Quantization; none where the GPU does not multiply in that form.
  std::array<std::optional<Slope>, kQuantizations> gemm_;
  Slope attention_;
  Slope weights_;
  Slope stream_;
  Slope kv_write_;
  /// On 1, 2, ... SMs; the last holds for more.
  std::vector<Slope> kv_read_;
  Slope measured_kv_read_;
  Duration kernel_;
};

}  // namespace orrery

#endif  // ORRERY_MODELS_OPERATORS_ROOFLINE_H_
