// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_FABRIC_MAX_MIN_H_
#define ORRERY_SIM_HARDWARE_FABRIC_MAX_MIN_H_

#include <cstdint>
#include <span>
#include <vector>

#include "sim/hardware/fabric/topology.h"

namespace orrery {

/// 1/65536 of a byte per second: fine enough that what a third of a link loses to it is less than
/// a byte in a day.
using FineRate = std::int64_t;
inline constexpr FineRate kFinePerByte = 65536;

/// Max-min fair rates: no flow can get more without one that has as little or less getting less.
/// By progressive filling: the link with the least room a flow is full first, its flows keep that
/// rate, and the rest share what is left. A flow crosses at least one link.
[[nodiscard]] std::vector<FineRate> max_min_rates(const std::vector<Link>& links,
                                                  std::span<const Route* const> flows);

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_FABRIC_MAX_MIN_H_
