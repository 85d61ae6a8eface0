// SPDX-License-Identifier: Apache-2.0
#include "models/roofline.h"

#include <fmt/format.h>

#include "sim/core/errors.h"

namespace orrery {
namespace {

std::int64_t tensor_rate(const GpuSpec& gpu, WeightType type) {
  const auto& rate = type == WeightType::kFloat16 ? gpu.compute.fp16 : gpu.compute.bf16;
  if (!rate) {
    throw ConfigError({}, "dtype",
                      fmt::format("{} has no {} tensor rate", gpu.name, name_of(type)));
  }
  return rate->units_per_second();
}

}  // namespace

Roofline::Roofline(const GpuSpec& gpu, WeightType type)
    : gemm_(tensor_rate(gpu, type), gpu.roofline.gemm),
      attention_(tensor_rate(gpu, type), gpu.roofline.attention),
      memory_(gpu.memory.bandwidth.units_per_second(), gpu.roofline.memory),
      kv_read_(gpu.memory.bandwidth.units_per_second(), gpu.roofline.kv_read),
      kernel_(gpu.launch.kernel) {}

}  // namespace orrery
