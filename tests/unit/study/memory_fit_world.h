// SPDX-License-Identifier: Apache-2.0
//
// A GPU whose memory is known, and tables as it would be measured: with figures that no shipped GPU
// has, a map of its own, and noise.
#ifndef ORRERY_TESTS_UNIT_STUDY_MEMORY_FIT_WORLD_H_
#define ORRERY_TESTS_UNIT_STUDY_MEMORY_FIT_WORLD_H_

#include <cstdint>
#include <vector>

#include "sim/hardware/gpu.h"
#include "sim/hardware/hbm/memory_config.h"
#include "sim/study/calibration/memory_row.h"

namespace orrery::memory_world {

inline constexpr std::int64_t kKiB = 1 << 10;
inline constexpr std::int64_t kMiB = 1 << 20;
/// Each time is off by up to 1 %, evenly.
inline constexpr double kNoise = 0.01;
inline constexpr const char* kHidden = "Ro Si Ba Bg Co Pc Ch Co3 Ba^=Ro[1:0] Bg^=Ro[3:2] Ch+=hash";

/// An H200's memory with a sixteenth of its channels: 300 GB/s, and 12 SMs.
[[nodiscard]] GpuSpec base();
/// The same with what is to be found.
[[nodiscard]] GpuSpec truth();
[[nodiscard]] const hbm::MemoryConfig& device();

[[nodiscard]] MemoryRow chase_of(std::int64_t region, std::int64_t stride);
/// Everything but gathers within the TLB, strides and mixes, of which DRAM's commands decide.
[[nodiscard]] std::vector<MemoryRow> plain_rows();
/// Those, each `step`-th of their points.
[[nodiscard]] std::vector<MemoryRow> curves(int step);
/// The rows as the GPU would be measured; its empty kernels take 1.5 us.
[[nodiscard]] std::vector<MemoryRow> measured(const GpuSpec& gpu, std::vector<MemoryRow> rows);

}  // namespace orrery::memory_world

#endif  // ORRERY_TESTS_UNIT_STUDY_MEMORY_FIT_WORLD_H_
