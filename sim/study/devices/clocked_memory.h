// SPDX-License-Identifier: Apache-2.0
//
// The clocked memory of a GPU by its name, and what `orrery memory --patterns` says of it.
#ifndef ORRERY_SIM_STUDY_DEVICES_CLOCKED_MEMORY_H_
#define ORRERY_SIM_STUDY_DEVICES_CLOCKED_MEMORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "models/cards/model_card.h"
#include "models/operators/memory_rates.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/gpu_memory/rates.h"

namespace orrery {

/// Throws std::invalid_argument for a GPU that names no memory system, and for an address map that
/// is none; ConfigError for its device.
[[nodiscard]] gpu_memory::Rates load_gpu_memory(const GpuSpec& gpu);

/// What the clocked memory of a GPU gives a run. With `kernels_measured` also what the blocks give
/// that its attention kernels were measured with. Throws ConfigError, and std::invalid_argument
/// where that is not known.
[[nodiscard]] MemoryRates clock_memory(const GpuSpec& gpu, const KvLayout& layout,
                                       bool kernels_measured);

/// What paging costs: KV blocks of some tokens, read by all SMs, over contiguous KV.
struct PagingCost {
  std::int64_t block_tokens = 0;
  std::int64_t block_bytes = 0;
  gpu_memory::Rate rate;
  /// By map, as in `rate.maps`: time over that of contiguous KV, less 1.
  std::vector<double> cost;
};

struct PatternReport {
  struct Entry {
    std::string what;
    std::string pattern;
    gpu_memory::Rate rate;
  };
  std::string gpu;
  std::string device;
  double peak_bytes_per_second = 0;
  std::vector<std::string> maps;
  bool map_is_inferred = true;
  std::vector<Entry> entries;
  KvLayout layout;
  std::vector<PagingCost> paging;
  /// Highest streaming rate that was measured on this GPU, where its file has one.
  std::optional<Bandwidth> measured_stream;
  double cpu_s = 0;
};

/// Patterns of a model's steps, plain ones beside them, and paging by block size. Throws as
/// load_gpu_memory.
[[nodiscard]] PatternReport report_patterns(const GpuSpec& gpu, const ModelCard& model);

}  // namespace orrery

#endif  // ORRERY_SIM_STUDY_DEVICES_CLOCKED_MEMORY_H_
