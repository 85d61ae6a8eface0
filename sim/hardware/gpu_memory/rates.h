// SPDX-License-Identifier: Apache-2.0
//
// rate(pattern): the one question about memory, answered by its commands on their clocks and
// remembered. An answer costs milliseconds once; it depends on the GPU and the pattern alone, not
// on what was asked before, because its random numbers are seeded by a hash of the two.
//
//   Rates rates(gpu, device);
//   const Rate& rate = rates.rate(pattern);
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_RATES_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_RATES_H_

#include <map>
#include <string>
#include <vector>

#include "sim/core/units.h"
#include "sim/hardware/gpu_memory/dram_model.h"
#include "sim/hardware/gpu_memory/front_end.h"
#include "sim/hardware/gpu_memory/memory_system.h"
#include "sim/hardware/gpu_memory/pattern.h"

namespace orrery::gpu_memory {

/// Under one address map.
struct MapRate {
  std::string map;
  /// Useful bytes.
  double bytes_per_second = 0;
  DramRate dram;
};

struct Rate {
  Bandwidth bytes_per_second;
  /// Until the first bytes are there. A kernel's measured floor contains it.
  Duration start_up;
  /// Over sampling, and over all named maps where the GPU's own is inferred.
  Bandwidth low, high;
  std::string source;
  /// `DRAM`, `bytes in flight`, `SM ports`, `L2`, `TLB`: what bounds it.
  std::string bound;
  /// The GPU's own map first.
  std::vector<MapRate> maps;
};

class Rates {
 public:
  /// `device` is what `options.device` names; its channels are replaced by the GPU's. Throws
  /// std::invalid_argument for a map that is not one of the device. `wanted`: how well DRAM's rate
  /// under the GPU's own map is to be known (95 %).
  Rates(const MemorySystemOptions& options, hbm::MemoryConfig device, FrontEndGpu gpu,
        double wanted = 0.01);

  /// Throws std::invalid_argument for what is no pattern.
  const Rate& rate(const Pattern& pattern);
  /// What the front end alone would let through, in useful bytes a second. Costs nothing.
  [[nodiscard]] double front_end_bound(const Pattern& pattern) const;
  /// What was asked so far, in the order of the patterns' texts.
  [[nodiscard]] const std::map<std::string, Rate>& answers() const { return answers_; }

  [[nodiscard]] std::int64_t memory_bytes() const { return dram_.memory_bytes(); }
  [[nodiscard]] std::int64_t sms() const { return gpu_.sms; }
  [[nodiscard]] std::int64_t bytes_in_flight() const {
    return options_.front_end.bytes_in_flight.count();
  }
  [[nodiscard]] std::int64_t tlb_reach() const { return options_.front_end.tlb_reach.count(); }
  [[nodiscard]] double peak_bytes_per_second() const {
    return dram_.device().peak_bytes_per_second();
  }
  [[nodiscard]] const DramModel& dram() const { return dram_; }
  [[nodiscard]] const std::string& own_map() const { return options_.address_map; }
  /// The GPU's map, and all named ones besides where it is inferred.
  [[nodiscard]] const std::vector<std::string>& maps() const { return maps_; }
  [[nodiscard]] bool map_is_inferred() const {
    return options_.address_map_origin == MemorySystemOptions::MapOrigin::kInferred;
  }
  /// Of the random numbers under one map.
  [[nodiscard]] std::uint64_t seed_of(const std::string& pattern, std::string_view map) const;

 private:
  [[nodiscard]] Rate answer(const Pattern& pattern, const std::string& text) const;

  double wanted_;
  MemorySystemOptions options_;
  FrontEndGpu gpu_;
  DramModel dram_;
  std::vector<std::string> maps_;
  std::map<std::string, Rate> answers_;
};

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_RATES_H_
