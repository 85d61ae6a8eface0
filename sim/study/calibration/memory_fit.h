// SPDX-License-Identifier: Apache-2.0
//
// A GPU's memory system from measured rows: latencies from chases, what SMs keep in flight and take
// in from bandwidth against both, L2's rate from what stays there; then, with those held, the
// address map and the queues under which DRAM's commands come nearest to half of the curves. The
// other half is predicted, and its error is the fit's.
//
// The maps are tried one by one, out of a stated family: which fields turn first of bank groups,
// banks and columns; how many columns lie together in a channel; whether rows turn banks, and
// whether a hash turns channels. Nothing says that the GPU's true map is among them.
#ifndef ORRERY_SIM_STUDY_CALIBRATION_MEMORY_FIT_H_
#define ORRERY_SIM_STUDY_CALIBRATION_MEMORY_FIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/hardware/gpu.h"
#include "sim/hardware/hbm/memory_config.h"
#include "sim/study/calibration/memory_row.h"

namespace orrery {

struct MemoryFamily {
  std::vector<std::string> maps;
  std::vector<std::int64_t> read_queues, write_queues;
};
/// All of it: 63 maps with the named ones. Minutes of CPU for a GPU of 96 channels.
[[nodiscard]] MemoryFamily memory_family();

/// Errors of a curve's rows that no fit saw: predicted / measured - 1.
struct HeldOutCurve {
  std::string curve;
  std::int64_t fitted = 0;
  std::int64_t rows = 0;
  double median = 0;
  double worst = 0;
  std::string worst_point;
};

struct MemoryFit {
  gpu_memory::MemorySystemOptions options;
  /// A line a figure: what it was fitted to, or why the base's was kept.
  std::vector<std::string> remarks;
  std::vector<HeldOutCurve> held_out;
};

/// `gpu` has a memory system, whose figures stand where the rows say nothing of one. Throws
/// ConfigError for rows of several GPUs.
[[nodiscard]] MemoryFit fit_memory(const GpuSpec& gpu, const hbm::MemoryConfig& device,
                                   const std::vector<MemoryRow>& rows, const MemoryFamily& family);

/// The figures of the front end alone; what they rest on, or that they were kept, into `remarks`.
[[nodiscard]] gpu_memory::FrontEndOptions fit_front_end(const GpuSpec& gpu,
                                                        const std::vector<MemoryRow>& rows,
                                                        std::vector<std::string>& remarks);

/// `memory_system:` of a GPU's file.
[[nodiscard]] std::string memory_system_text(const MemoryFit& fit);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_CALIBRATION_MEMORY_FIT_H_
