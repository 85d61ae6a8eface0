// SPDX-License-Identifier: Apache-2.0
#include "sim/study/validation/validate_memory.h"

#include <fmt/format.h>

#include <iterator>

#include "sim/study/calibration/memory_model.h"
#include "sim/study/devices/memory_run.h"

namespace orrery {

MemoryValidation validate_memory(const GpuSpec& gpu, const std::vector<MemoryRow>& rows) {
  MemoryValidation validation;
  if (rows.empty()) return validation;
  if (!gpu.memory_system) {
    validation.why_not = fmt::format(
        "{} rows of the memory are not predicted: {} says nothing of its DRAM (memory_system)",
        rows.size(), gpu.name);
    return validation;
  }
  MemoryModel model(gpu, load_memory(gpu.memory_system->device, {}), floor_of(rows, gpu));
  std::map<std::string, std::vector<double>> errors;
  std::map<std::string, std::map<std::string, std::int64_t>> bounds;
  for (const MemoryRow& row : rows) {
    if (!predictable(row, gpu.memory.l2)) continue;
    const MemoryPoint point{row, model.time_us(row), model.bound(row)};
    errors[curve_of(row)].push_back(point.predicted_us / row.latency_us - 1);
    ++bounds[curve_of(row)][point.bound];
    validation.points.push_back(point);
  }
  for (auto& [curve, own] : errors) {
    validation.groups.push_back({group_of(curve, std::move(own)), bounds[curve]});
  }
  return validation;
}

std::string points_csv(const Validation& validation, const MemoryValidation& memory) {
  std::string text = points_csv(validation);
  for (const MemoryPoint& point : memory.points) {
    fmt::format_to(std::back_inserter(text),
                   "memory,,,{}: {},{:.6g},{:.6g},,clocked; bound by {}\n", curve_of(point.row),
                   point_of(point.row), point.row.latency_us, point.predicted_us, point.bound);
  }
  return text;
}

}  // namespace orrery
