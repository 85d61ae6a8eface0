// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_STUDY_VALIDATION_VALIDATE_MEMORY_H_
#define ORRERY_SIM_STUDY_VALIDATION_VALIDATE_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/hardware/gpu.h"
#include "sim/study/calibration/memory_row.h"
#include "sim/study/validation/validate.h"

namespace orrery {

struct MemoryPoint {
  MemoryRow row;
  double predicted_us = 0;
  /// DRAM, L2, SM ports, bytes in flight, TLB, or the latency of a chase.
  std::string bound;
};

/// Rows of one curve (memory_row.h).
struct MemoryGroup {
  ErrorGroup errors;
  /// How many of them each part bounds.
  std::map<std::string, std::int64_t> bounds;
};

struct MemoryValidation {
  std::vector<MemoryPoint> points;
  std::vector<MemoryGroup> groups;
  /// Why no row is predicted; empty if all are.
  std::string why_not;
};

/// What the GPU's clocked memory, under its own address map, says of measured rows of memory.
[[nodiscard]] MemoryValidation validate_memory(const GpuSpec& gpu,
                                               const std::vector<MemoryRow>& rows);

/// Kernels, then memory: op, dtype, kv_dtype, shape, measured and predicted in microseconds,
/// interval, basis.
[[nodiscard]] std::string points_csv(const Validation& validation, const MemoryValidation& memory);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_VALIDATION_VALIDATE_MEMORY_H_
