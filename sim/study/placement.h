// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_PLACEMENT_H_
#define ORRERY_SIM_STUDY_PLACEMENT_H_

#include <cstdint>
#include <string>

#include "models/pim/pim_attention.h"
#include "sim/core/describer.h"
#include "sim/core/errors.h"
#include "sim/hardware/gpu.h"

namespace orrery {

/// What of a step runs beside the GPU, and on what.
struct PlacementOptions {
  enum class Where : std::uint8_t { kGpu, kPim };
  Where decode_attention = Where::kGpu;
  std::string device;
  std::int64_t stacks = 1;
  std::string link = "nvlink";
  Duration link_latency = microseconds(1);
  std::int64_t sub_batches = 2;
  void describe(Describer& d);
};

/// The stacks beside each GPU. Throws ConfigError.
[[nodiscard]] PimStacks pim_stacks(const PlacementOptions& options, const GpuSpec& gpu,
                                   const Position& at);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_PLACEMENT_H_
