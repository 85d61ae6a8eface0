// SPDX-License-Identifier: Apache-2.0
//
// A GPU's address map: one of hbm/address_map.h, and after it, if wanted, a hash of the channels:
//
//   Ro Si Ba Co Bg Pc Ch Co2 Ch+=hash
//
// Channels come in turns: each of them once, in order. With the hash each turn begins at a channel
// of its own. GPUs do something of the kind (which is not published), for no stride of a power of
// two is slow on them, while under a plain remainder it meets few channels.
#ifndef ORRERY_SIM_HARDWARE_GPU_MEMORY_GPU_MAP_H_
#define ORRERY_SIM_HARDWARE_GPU_MEMORY_GPU_MAP_H_

#include <cstdint>
#include <string_view>

#include "sim/hardware/hbm/address_map.h"

namespace orrery::gpu_memory {

class GpuMap {
 public:
  /// Throws std::invalid_argument, which names the word, for what is not a map of this device.
  GpuMap(std::string_view text, const hbm::Geometry& geometry);

  [[nodiscard]] hbm::AddressMap::Place place(std::uint64_t access) const {
    return map_.place(hashed_ ? turned(access) : access);
  }
  [[nodiscard]] std::uint32_t channel(std::uint64_t access) const {
    return map_.channel(hashed_ ? turned(access) : access);
  }
  [[nodiscard]] std::uint64_t blocks() const { return map_.blocks(); }
  [[nodiscard]] bool hashed() const { return hashed_; }

 private:
  /// A bijection: within its turn a line goes as many lines on as the turn's hash says.
  [[nodiscard]] std::uint64_t turned(std::uint64_t access) const;

  bool hashed_;
  hbm::AddressMap map_;
  std::uint64_t channels_;
  /// Accesses that lie together in a channel, as a power of two.
  int line_bits_ = 0;
};

}  // namespace orrery::gpu_memory

#endif  // ORRERY_SIM_HARDWARE_GPU_MEMORY_GPU_MAP_H_
