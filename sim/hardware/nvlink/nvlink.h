// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_NVLINK_NVLINK_H_
#define ORRERY_SIM_HARDWARE_NVLINK_NVLINK_H_

#include <cstdint>
#include <string>

#include "sim/core/describer.h"
#include "sim/core/units.h"

namespace orrery {

/// The links of one GPU into its node's switches.
struct NvlinkOptions {
  std::int64_t generation = 0;
  std::int64_t links = 0;
  /// One link, one direction.
  Bandwidth link_rate;
  /// What a packet of a long transfer carries, and what it adds.
  Bytes packet_payload;
  Bytes packet_header;
  /// The least ranks for which NCCL reduces in the switch (NVLink SHARP); 0: the switch cannot.
  std::int64_t reduces_from_ranks = 0;
  std::string sources;
  void describe(Describer& d);

  /// All links together, one direction, headers included.
  [[nodiscard]] Bandwidth port_rate() const;
  /// What the links carry for `payload` bytes of which `share` are sent per byte of room in
  /// packets: a protocol that moves flags beside its data, or stalls, has a share below 1.
  [[nodiscard]] Bytes wire(double payload, double share = 1) const;
};

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_NVLINK_NVLINK_H_
