// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_PCIE_STAGED_COPY_H_
#define ORRERY_SIM_HARDWARE_PCIE_STAGED_COPY_H_

#include <cstdint>

#include "sim/core/units.h"
#include "sim/hardware/pcie/pcie_link.h"

namespace orrery {

/// How a driver copies from and to memory that may move: over pinned buffers of its own.
struct StagingOptions {
  /// The processor's copy between the user's memory and a buffer, one thread.
  Bandwidth copy;
  Bytes buffer;
  std::int64_t buffers = 2;
};

/// A copy of pageable memory over an idle link: the processor copies piece after piece into a
/// buffer that is free, and the engine sends each from there (to the device), or the other way
/// round (from it), so that both work at once. Alone, a piece is copied twice; a long copy goes at
/// the slower of the two.
[[nodiscard]] Duration staged_copy_time(const PcieOptions& pcie, const StagingOptions& staging,
                                        PortId from, Bytes bytes);

}  // namespace orrery

#endif  // ORRERY_SIM_HARDWARE_PCIE_STAGED_COPY_H_
