// SPDX-License-Identifier: Apache-2.0
//
// What stands between a GPU's multiprocessors and its DRAM: how much they keep in flight and how
// long it takes, the L2 cache, and the TLB. Its rate is the least of what each of them lets
// through.
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_FRONT_END_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_FRONT_END_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/core/describer.h"
#include "sim/core/units.h"
#include "sim/hardware/gpu_memory/pattern.h"

namespace orrery::gpu_memory {

struct FrontEndOptions {
  /// From a load to its data where nothing else runs: from DRAM (the DRAM's own time included), and
  /// from L2.
  Duration dram_latency, l2_latency;
  /// What a well-made kernel keeps in flight on each SM.
  Bytes bytes_in_flight;
  /// From L2 to one SM, and to all of them.
  Bandwidth sm_bandwidth, l2_bandwidth;
  Bytes page;
  /// What the TLB holds the translations of.
  Bytes tlb_reach;
  /// What a miss adds to a load's latency, and how many are served at a time.
  Duration tlb_miss;
  std::int64_t tlb_walks = 0;
  std::string sources;
  void describe(Describer& d);
};

/// The GPU's figures that the front end needs besides its own.
struct FrontEndGpu {
  std::int64_t sms = 0;
  Bytes l2;
  std::int64_t memory_bytes = 0;
};

/// How many useful bytes a second each part lets through.
struct FrontEndBounds {
  /// Requesters times bytes in flight over the mean latency.
  double in_flight = 0;
  /// Requesters times what one SM takes in.
  double sm = 0;
  double l2 = 0;
  /// Where a share of the visits misses the TLB; 0: none does.
  double tlb = 0;
  /// Bytes of DRAM accesses for one useful byte: sectors that are fetched whole, less L2 hits.
  double dram_per_byte = 1;
  Duration latency;

  [[nodiscard]] double least() const;
  /// `bytes in flight`, `SM ports`, `L2`, `TLB`: whose bound least() is.
  [[nodiscard]] std::string_view which() const;
};

/// The pattern is canonical. Of its streams L2 holds in equal measure, by their shares:
///   sequential, strided   all of a region that fits its part of L2, nothing of a larger one, for
///                         what is gone over in turn is thrown out before it is met again
///   gathered, random      the share of the region that fits
/// In the same way the TLB holds a share of the pages of what is gathered or random; of what is
/// gone over in turn it misses once a page at most, which is not counted.
[[nodiscard]] FrontEndBounds bounds_of(const Pattern& pattern, const FrontEndOptions& options,
                                       const FrontEndGpu& gpu);

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_FRONT_END_H_
