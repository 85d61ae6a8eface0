// SPDX-License-Identifier: Apache-2.0
//
// What a GPU's DRAM gives a pattern when its requesters never let it wait: commands on their
// clocks, in samples.
//
// How the accesses of a pattern fall on the channels is counted exactly; the channel with the
// heaviest load bounds the time. Channels know nothing of each other, so that a few of the heaviest
// are served one by one, in passes, until their mean rate is known to +-1 % (95 %). A pass has a
// place of its own for the pattern's regions and blocks and is one figure: within it intervals are
// not independent. Refreshes fall due at a seeded phase and are owed as they were after the channel
// before; the first pass only finds out how many that is. Of each channel the first refresh
// interval is dropped, and whole ones are counted.
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_DRAM_MODEL_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_DRAM_MODEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/hardware/gpu_memory/access_stream.h"
#include "sim/hardware/gpu_memory/gpu_map.h"
#include "sim/hardware/gpu_memory/pattern.h"
#include "sim/hardware/hbm/memory_config.h"

namespace orrery::gpu_memory {

struct DramRate {
  /// Of all channels, counting every byte of the accesses.
  double bytes_per_second = 0;
  /// Share of it by which a sample may be off; 0 of a run in full.
  double half_width = 0;
  /// Load of the heaviest channel over the mean load.
  double heaviest = 1;
  double row_hit_rate = 0;
  /// That were simulated.
  std::int64_t accesses = 0;
};

/// Accesses of each channel, over as many accesses of each stream as show its period.
[[nodiscard]] std::vector<double> channel_loads(const Pattern& pattern, const GpuMap& map,
                                                const hbm::Geometry& geometry);

class DramModel {
 public:
  /// The device has all of the GPU's channels.
  explicit DramModel(hbm::MemoryConfig config);

  /// `pattern` is canonical; `map` is as gpu_map.h says; the answer depends on
  /// nothing else but the seed, and is good to `wanted` (95 %) unless its half_width says
  /// otherwise.
  [[nodiscard]] DramRate sample(const Pattern& pattern, std::string_view map, std::uint64_t seed,
                                double wanted = 0.01) const;
  /// The same without sampling: all channels, until the last is done, one run after the other in
  /// several places, each of so many accesses of a channel on average (first and last moments,
  /// which a long run does not have, at the pace of the others). To test samples by.
  struct Length {
    std::int64_t places = 1;
    std::int64_t accesses = 0;
  };
  [[nodiscard]] DramRate in_full(const Pattern& pattern, std::string_view map, std::uint64_t seed,
                                 const Length& length) const;

  [[nodiscard]] const hbm::Device& device() const { return config_.device; }
  [[nodiscard]] std::int64_t memory_bytes() const;

 private:
  hbm::MemoryConfig config_;
};

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_DRAM_MODEL_H_
