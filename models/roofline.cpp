// SPDX-License-Identifier: Apache-2.0
#include "models/roofline.h"

#include <fmt/format.h>

#include <algorithm>

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
      link_(gpu.links.peer().units_per_second(), gpu.roofline.link),
      kernel_(gpu.launch.kernel),
      one_shot_(gpu.roofline.one_shot_all_reduce),
      two_shot_(gpu.roofline.two_shot_all_reduce) {}

BoundTime Roofline::all_reduce(std::int64_t bytes, std::int64_t ranks) const {
  const Duration read_all = link_.time_for((ranks - 1) * bytes);
  const Duration share = link_.time_for((2 * (ranks - 1) * bytes + ranks - 1) / ranks);
  const Duration time = std::min(one_shot_ + read_all, two_shot_ + share);
  return {time, share > one_shot_ ? "link" : "launch"};
}

BoundTime Roofline::all_gather(std::int64_t bytes, std::int64_t ranks) const {
  const Duration moved = link_.time_for(((ranks - 1) * bytes + ranks - 1) / ranks);
  return {one_shot_ + moved, moved > one_shot_ ? "link" : "launch"};
}

}  // namespace orrery
