// SPDX-License-Identifier: Apache-2.0
//
// How long the clocked memory says a measured row should have taken.
#ifndef ORRERY_SIM_STUDY_CALIBRATION_MEMORY_MODEL_H_
#define ORRERY_SIM_STUDY_CALIBRATION_MEMORY_MODEL_H_

#include <string>
#include <vector>

#include "sim/hardware/gpu.h"
#include "sim/hardware/gpu_memory/rates.h"
#include "sim/study/calibration/memory_row.h"

namespace orrery {

/// What a kernel costs besides its bytes.
struct LaunchFloor {
  double us = 0;
  /// It was taken from kernels that read something: the way to the first bytes is in it.
  bool with_first_bytes = false;
  std::string source;
};

/// Of the table's empty kernels in a graph, the widest grid; of the GPU's file where it has none.
[[nodiscard]] LaunchFloor floor_of(const std::vector<MemoryRow>& rows, const GpuSpec& gpu);

/// Whether the clocked memory can say anything of it: not of launches, and not of strides whose
/// sectors fit into L2, for the kernel goes on to others each time, and a pattern comes back to its
/// own.
[[nodiscard]] bool predictable(const MemoryRow& row, Bytes l2);

/// What the row's kernel does; it has to move bytes.
[[nodiscard]] gpu_memory::Pattern pattern_of(const MemoryRow& row, const gpu_memory::Rates& gpu);

/// Of the lines that a chase visits, those in L2, and of its pages, those that the TLB misses: a
/// chase goes over its region in a random order, so each holds the share that fits.
struct ChaseShares {
  double l2 = 0;
  double tlb_misses = 0;
};
[[nodiscard]] ChaseShares shares_of(const MemoryRow& chase, Bytes l2, Bytes tlb_reach);

class MemoryModel {
 public:
  /// `gpu` has a memory system, whose own map is the only one that is asked. `wanted` as of
  /// gpu_memory::Rates.
  MemoryModel(const GpuSpec& gpu, const hbm::MemoryConfig& device, LaunchFloor floor,
              double wanted = 0.01);

  /// Of what is predictable.
  [[nodiscard]] double time_us(const MemoryRow& row);
  /// What bounds it, as gpu_memory::Rate says; `latency` of a chase.
  [[nodiscard]] std::string bound(const MemoryRow& row);

 private:
  gpu_memory::FrontEndOptions front_end_;
  Bytes l2_;
  LaunchFloor floor_;
  gpu_memory::Rates rates_;
};

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_MEMORY_MODEL_H_
