// SPDX-License-Identifier: Apache-2.0
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_MEMORY_SYSTEM_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_MEMORY_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core/describer.h"
#include "sim/hardware/gpu_memory/front_end.h"

namespace orrery::gpu_memory {

/// The section of a GPU's file that its clocked memory needs.
struct MemorySystemOptions {
  /// A name in configs/hardware/memory/, or a path beside the GPU's file.
  std::string device;
  /// Of all stacks together.
  std::int64_t channels = 0;
  std::string address_map;
  /// GPU makers do not publish address maps. A result under an inferred one carries the range over
  /// all named maps; one that was fitted to measured strides and gathers does not.
  enum class MapOrigin : std::uint8_t { kInferred, kFitted };
  MapOrigin address_map_origin = MapOrigin::kInferred;
  /// Entries of a channel's queues, where not those of the device. An L2 that holds writes back is
  /// in effect a longer write queue.
  std::optional<std::int64_t> read_queue, write_queue;
  /// The best rate at which a kernel was seen to stream from memory.
  std::optional<Bandwidth> measured_stream;
  std::string sources;
  FrontEndOptions front_end;

  void describe(Describer& d);
};

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_MEMORY_SYSTEM_H_
