// SPDX-License-Identifier: Apache-2.0
#include "models/operators/roofline.h"

#include <fmt/format.h>

#include "sim/core/errors.h"

namespace orrery {
namespace {

std::int64_t tensor_rate(const GpuSpec& gpu, WeightType type) {
  const auto rate = multiply_rate(gpu, Quantization::kNone, type);
  if (!rate) {
    throw ConfigError({}, "dtype",
                      fmt::format("{} has no {} tensor rate", gpu.name, name_of(type)));
  }
  return rate->units_per_second();
}

}  // namespace

Roofline::Roofline(const GpuSpec& gpu, WeightType type, const MemoryRates* rates)
    : attention_(tensor_rate(gpu, type), gpu.roofline.attention), kernel_(gpu.launch.kernel) {
  for (std::size_t i = 0; i < gemm_.size(); ++i) {
    const auto rate = multiply_rate(gpu, static_cast<Quantization>(i), type);
    if (rate) gemm_[i] = Slope(rate->units_per_second(), gpu.roofline.gemm);
  }
  if (rates == nullptr) {
    const std::int64_t peak = gpu.memory.bandwidth.units_per_second();
    weights_ = stream_ = kv_write_ = Slope(peak, gpu.roofline.memory);
    kv_read_ = {Slope(peak, gpu.roofline.kv_read)};
    measured_kv_read_ = kv_read_.back();
    return;
  }
  const auto slope = [](Bandwidth rate) { return Slope(rate.units_per_second(), 1); };
  weights_ = slope(rates->weights);
  stream_ = slope(rates->activations);
  kv_write_ = slope(rates->kv_write);
  for (const Bandwidth rate : rates->kv_read) kv_read_.push_back(slope(rate));
  measured_kv_read_ = rates->measured_kv_read ? slope(*rates->measured_kv_read) : kv_read_.back();
}

}  // namespace orrery
